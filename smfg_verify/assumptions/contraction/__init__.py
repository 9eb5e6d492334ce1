"""Is the best-response map of mean fields a contraction?"""
