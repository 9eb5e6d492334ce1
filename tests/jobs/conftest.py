from tests.support.drawn_here import figures_are_drawn_here

__all__ = ["figures_are_drawn_here"]
