"""Exact ascent of the leader's objective to second-order points."""
