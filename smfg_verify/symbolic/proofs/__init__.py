"""What sympy proves of a game: signs, contraction, alignment."""
