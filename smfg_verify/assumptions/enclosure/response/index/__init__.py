"""The index of fixed points of the best-response map, by cells of leader policies and mean fields."""
