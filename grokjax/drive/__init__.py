"""Drives a sweep: takes runs, trains segments, hands over what ended, refills, and knows how far it is."""
