"""How well and how fast the dataset stages work, at which size, and what a kill or a full disk leaves."""
