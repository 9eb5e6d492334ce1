"""The exact Stackelberg gradient, its parts, its certificate, and gradients at many leaders at once."""
