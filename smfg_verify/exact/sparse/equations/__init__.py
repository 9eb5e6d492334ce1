"""The equations of a large game at a point: its moves, its chain, and linear solves with the Jacobian."""
