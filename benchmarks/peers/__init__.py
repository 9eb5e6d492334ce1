"""Other people's solvers on the same games: each in an environment of its own, judged by one SciPy program."""
