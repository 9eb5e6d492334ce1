"""Are the step sizes of the four learners in the order and the range that the theory asks for?"""
