"""What a researcher wrote down, read: the sweep file, its axes, its validation, the identity of each run. No arrays."""
