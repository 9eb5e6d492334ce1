"""Has every leader exactly one mean field equilibrium?"""
