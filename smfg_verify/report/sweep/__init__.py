"""A sweep, rendered: its tables, its figure, its files."""
