"""Every property at the iterates of a run: what holds where the learners went, not what could happen elsewhere."""
