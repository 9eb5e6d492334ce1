"""A run held against the lines of a convergence proof."""
