"""A shop on loopback and the shoes it sells: any catalogue folder, or shoes drawn by our own code."""
