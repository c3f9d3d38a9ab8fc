"""Rivals that see everything: other networks and other ways of splitting the classes, with our budget."""
