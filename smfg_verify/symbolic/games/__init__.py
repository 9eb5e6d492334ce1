"""The games that ship with formulas: the same games as the classes of the same name."""
