"""Games as formulas (sympy): their gradient, alignment, constants and rates in closed form."""
