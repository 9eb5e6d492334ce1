"""Ticks of logarithmic axes that carry several labels whatever the axis spans, and never two at one place."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, Locator, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

# Steps within a decade, the densest first, then powers of ten alone.
_WITHIN = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
_FEWEST = 2
# Labels are written out, not as powers, if all of them lie here.
_PLAIN = (1e-2, 1e3)
# Labels are letters and no formulas: matplotlib parses a formula at each drawing, which takes longer than the drawing.
_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_FORMULA = (r"$\mathdefault{", "}$")


class LogTicks(Locator):
    """Between two and `most` ticks at round numbers: powers of ten, or steps within a decade where few are in view.

    Args:
        most: ticks on the axis.
    """

    def __init__(self, most: int = 4) -> None:
        self.most = most

    def __call__(self) -> Sequence[float]:
        assert self.axis is not None
        low, high = self.axis.get_view_interval()
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Ticks between two positive numbers, in ascending order."""
        low, high = sorted((vmin, vmax))
        if not (0.0 < low < high < math.inf):
            return []
        powers = np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for steps in _WITHIN:
            ticks = np.outer(10.0**powers, steps).ravel()
            inside = _inside(ticks, low, high)
            if len(inside) < _FEWEST:
                break
            if len(inside) <= self.most:
                return inside
        else:
            stride = -(-len(inside) // self.most)
            return [power for power in inside if round(math.log10(power)) % stride == 0]
        return _inside(np.asarray(MaxNLocator(self.most).tick_values(low, high)), low, high)


def _inside(ticks: np.ndarray, low: float, high: float) -> list[float]:
    slack = 1e-9
    return [float(tick) for tick in ticks if low * (1.0 - slack) <= tick <= high * (1.0 + slack)]


class LogLabels(Formatter):
    """Numbers of moderate size as they are, others as powers of ten with a factor, all of an axis alike."""

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis, which are plain numbers if all of them can be."""
        plain = all(_PLAIN[0] <= value < _PLAIN[1] for value in values)
        return [f"{value:g}" if plain else self(value) for value in values]

    def __call__(self, x: float, pos: int | None = None) -> str:
        if x <= 0.0:
            return ""
        exponent = math.floor(math.log10(x) + 1e-9)
        factor = x / 10.0**exponent
        return power_of_ten(exponent) if math.isclose(factor, 1.0) else f"{factor:g}\u00d7{power_of_ten(exponent)}"


def power_of_ten(exponent: int) -> str:
    """Ten to a whole power, in letters."""
    return f"10{str(exponent).translate(_RAISED)}"


class NumberLabels(ScalarFormatter):
    """Numbers as matplotlib writes them, each as letters; a power of ten that all share stays a formula."""

    def __init__(self) -> None:
        super().__init__(useMathText=True)

    def __call__(self, x: float, pos: int | None = None) -> str:
        begins, ends = _FORMULA
        return super().__call__(x, pos).removeprefix(begins).removesuffix(ends)


def label_by_letters(axis: Axis) -> None:
    """Let an axis that has matplotlib's own labels have `NumberLabels`."""
    if type(axis.get_major_formatter()) is ScalarFormatter:
        axis.set_major_formatter(NumberLabels())


def logarithmic(axis: Axis, most: int = 4) -> None:
    """Set the ticks of an axis whose scale is logarithmic; minor ones have no labels, and are left out of many decades.

    Args:
        axis: one with its scale set.
        most: labelled ticks.
    """
    axis.set_major_locator(LogTicks(most))
    axis.set_major_formatter(LogLabels())
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=10))
    axis.set_minor_formatter(NullFormatter())
