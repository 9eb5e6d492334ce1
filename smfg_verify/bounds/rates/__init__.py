"""Errors of a run, their rates of decay, and the verdict on the bound."""
