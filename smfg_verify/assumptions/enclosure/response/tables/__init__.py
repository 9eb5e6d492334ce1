"""What cells need to know of a game, by how its functions depend on the mean field."""
