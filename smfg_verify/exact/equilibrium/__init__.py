"""The mean field equilibrium of one leader: equations, searches, and how far the point found is from one."""
