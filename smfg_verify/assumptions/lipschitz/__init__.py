"""How much do the transition and the rewards change with the mean field?"""
