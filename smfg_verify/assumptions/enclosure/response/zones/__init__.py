"""Bounds over all leaders at once, by ranges of the differences between states: few mean field cells are enough."""
