"""Do the chains of all policies forget their start, and visit every state?"""
