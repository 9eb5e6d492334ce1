"""The checks of a game that `validate` runs: values, names, derivatives, repeatability."""
