"""Which network is trained: one file per architecture, in pure-functional Flax."""
