"""The four learners of AC-SMFG, in the order of their step sizes zeta, xi, alpha, beta."""

LEARNERS = ("leader", "mean_field", "follower", "critic")
