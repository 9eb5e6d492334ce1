"""How wide a figure is; importing this loads nothing else."""

from typing import Literal

FigureWidth = Literal["one", "two"]

# Inches of one column and of the whole page of a paper set in two columns.
INCHES: dict[FigureWidth, float] = {"one": 3.3, "two": 6.9}
