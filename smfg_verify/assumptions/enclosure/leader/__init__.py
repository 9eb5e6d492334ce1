"""Leaders of a box of logits or policies: their equilibria, gradients and curvatures, enclosed."""
