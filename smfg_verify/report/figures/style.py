"""The look of every figure: letters, colours and lines, whatever a user's matplotlibrc says.

Letters are as large as they come out on paper: a figure is included at its own size, see `widths`.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from matplotlib import style

P = ParamSpec("P")
T = TypeVar("T")

# Of the pixels, in which texts are measured too.
DOTS_PER_INCH = 300

# Points.
HEAD, TITLE, LABEL, SMALL = 8.0, 7.5, 7.0, 6.0

# Okabe and Ito's palette. A line has a dash or a marker of its own too: some pairs are one shade of grey.
BLUE, ORANGE, RED, GREEN, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7"
SKY, BLACK, GREY = "#56B4E9", "#000000", "#595959"
COLOURS = "cividis"

_SETTINGS = {
    "font.size": LABEL,
    "mathtext.fontset": "dejavusans",
    # Letters are as wide in pixels as in vectors, and alike with every version of the library that draws them.
    "text.hinting": "no_hinting",
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.titlepad": 4.0,
    "axes.labelpad": 2.0,
    "hatch.linewidth": 0.6,
    "axes.formatter.useoffset": False,
    "axes.formatter.use_mathtext": True,
    # The same file from the same data, with letters that publishers take: TrueType in PDF.
    "svg.hashsalt": "smfg-verify",
    "pdf.fonttype": 42,
}


def house_style(function: Callable[P, T]) -> Callable[P, T]:
    """The function, drawing in this style alone: matplotlib's defaults, with the settings of this module over them."""

    @functools.wraps(function)
    def styled(*args: P.args, **kwargs: P.kwargs) -> T:
        with style.context(["default", _SETTINGS]):
            return function(*args, **kwargs)

    return styled
