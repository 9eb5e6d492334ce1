"""One-sided contraction of the best-response map in a weighted norm: enough for one equilibrium and its tracking."""
