"""Sweeps: many games, parameters, step sizes and seeds, each cell kept by what it is, here or on many machines."""
