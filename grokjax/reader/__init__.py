"""What to run: the sweep file, its axes, its validation, and the identity of each run. No arrays on a device."""
