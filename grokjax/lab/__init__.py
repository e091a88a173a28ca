"""What needs a model and stored parameters: networks looked into, a run trained again, a run alone."""
