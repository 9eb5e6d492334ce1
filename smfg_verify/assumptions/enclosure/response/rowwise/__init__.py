"""Bounds over cells that treat each state's leader row by itself, as in robust Markov decision processes."""
