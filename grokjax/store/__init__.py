"""What lies on disk: layout, HEAD, files, lock, checkpoints, records, migration."""
