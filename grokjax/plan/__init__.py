"""Which runs share a program, how much memory a run needs; from shapes alone, nothing is trained."""
