"""Real photos as running shops, through the same pipeline, against what their catalogue says."""
