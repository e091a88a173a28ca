"""Train it: the step of one run, the one file that maps it over lanes, and the loop that refills them."""
