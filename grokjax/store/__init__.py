"""Keep what came out: the sweep's folder, its lock, finished runs, checkpoints, and the reader of all of it."""
