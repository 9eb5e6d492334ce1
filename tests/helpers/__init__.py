"""Reference computations in plain NumPy and SciPy that share no code with the package."""
