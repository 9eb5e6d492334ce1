"""What a check along a run shows: a table, a figure, a file."""
