"""The sample network: made from a seed, China-shaped, with the truth behind it."""
