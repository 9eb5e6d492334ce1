"""The slope of the best-response map enclosed over cells of leader policies and mean fields."""
