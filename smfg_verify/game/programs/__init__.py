"""Compiled programs of a game: kept between commands, found by a key, made ahead, and dropped when there are many."""
