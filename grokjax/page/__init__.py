"""A live page on this machine alone: sweeps as they fill in, and a form that writes sweep files."""
