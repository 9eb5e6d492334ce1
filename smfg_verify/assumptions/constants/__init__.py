"""Certified and sampled constants of a game that several properties build on."""
