"""What the histories mean: events, phases, intervals, diagrams, boundaries, claims. Arrays in, arrays out."""
