"""What holds for every figure, at both widths: nothing over anything, no code names, legends of what is drawn."""

import itertools
import re
import string

import matplotlib
import numpy as np
import pytest

from smfg_verify.bounds import RESIDUAL_NAMES
from smfg_verify.comparison import contender_names
from smfg_verify.games import load, names
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.widths import INCHES
from smfg_verify.report.labels import labels_of
from tests.report.figures.records.every_figure import FIGURES, figure_of
from tests.support.drawn import assert_nothing_overlaps, drawn_texts

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types
# Points; less is not read on paper.
SMALLEST = 6.0
CODE = [*RESIDUAL_NAMES, *contender_names(), *names()]
CODE += [r"[A-Za-z0-9]+_[A-Za-z0-9]+", r"[A-Z][a-z]+[A-Z]\w+", r"\w+\.py\b"]
TITLES = ("Laffer tax", "Two tolls", "Market entrance", "Shop positioning", "Equilibrium pricing", "Congestion pricing")


# Of two widths the narrow one is where things meet.
WIDTHS = [
    pytest.param((name, width), id=f"{name}-{width}", marks=[pytest.mark.slow] * (width != "one"))
    for name in FIGURES
    for width in INCHES
]


@pytest.fixture(scope="module", params=WIDTHS)
def figure(request):
    name, width = request.param
    found = figure_of(name, width)
    assert found.get_figwidth() == INCHES[width]
    found.texts_drawn = drawn_texts(found)
    return found


def test_nothing_lies_over_anything_or_leaves_the_figure(figure):
    assert_nothing_overlaps(figure, figure.texts_drawn)
    assert figure.get_figheight() < 9.0  # of a page


def test_texts_are_words_and_formulas_of_a_size_that_is_read(figure):
    for text in figure.texts_drawn:
        words = re.sub(r"\$[^$]*\$", "", text.get_text().replace(r"\$", ""))
        found = [code for code in CODE if re.search(rf"(?<![\w-]){code}(?![\w-])", words)]
        assert not found, (text.get_text(), found)
        assert text.get_fontsize() >= SMALLEST, text.get_text()


def test_the_game_is_named_and_panels_have_letters(figure):
    assert figure.get_suptitle().partition(". ")[0] in TITLES
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    letters = [axes.get_title(loc="left")[:3] for axes in panels]
    assert letters == [f"({letter})" for letter in string.ascii_lowercase[: len(panels)]] or len(panels) <= 1


def visible(artist):
    """Whether a labelled artist puts anything on its axes."""
    if isinstance(artist, matplotlib.container.BarContainer):
        return any(bar.get_height() for bar in artist)
    if isinstance(artist, matplotlib.lines.Line2D):
        return bool(np.isfinite(np.asarray(artist.get_ydata(), dtype=float)).any())
    if isinstance(artist, matplotlib.collections.Collection) and artist.get_paths():
        return any(len(path.vertices) for path in artist.get_paths())
    return bool(artist.get_window_extent().width > 0.0)


def look(artist):
    """Colour, dash and marker of a line."""
    if isinstance(artist, matplotlib.lines.Line2D):
        return (
            artist.get_color(),
            (artist.get_linestyle(), str(artist._unscaled_dash_pattern)),
            artist.get_marker().replace("None", ""),
        )
    return type(artist).__name__


def test_legends_name_what_is_drawn_once_and_alike_in_every_panel(figure):
    named = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert len(set(named)) == len(named)
    handles = [pair for axes in figure.axes for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    assert {label for _, label in handles} == set(named)
    assert all(visible(artist) for artist, _ in handles)
    for label in named:
        assert len({look(artist) for artist, other in handles if other == label}) == 1, label
    lines = {label: look(artist) for artist, label in handles if isinstance(artist, matplotlib.lines.Line2D)}
    # Without any colour, a dash or a marker tells lines apart.
    assert len({(dash, marker) for _, dash, marker in lines.values()}) == len(lines), lines
    assert all(axes.get_legend() is None for axes in figure.axes)


def test_both_axes_of_a_panel_say_what_they_show_and_in_what_unit(figure):
    for axes in figure.axes:
        shared = axes.get_shared_x_axes().get_siblings(axes) + axes.get_shared_y_axes().get_siblings(axes)
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            quantity = label and label not in ("state", "action", "observed")
            assert not quantity or re.search(r"\[\S+\]", label), label
        assert axes.get_xlabel() or axes.get_ylabel() or len(shared) > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convergence", "comparison"])
def test_the_same_records_give_the_same_bytes_however_often_they_are_drawn(name):
    """Layouts are found up to rounding errors, which names of clip paths in an SVG carry on."""
    first, second = (figure_files(FIGURES[name]("two"), "a") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", names())
def test_labels_of_the_shipped_games_are_words_too(name):
    for label in itertools.chain(*labels_of(load(name))):
        assert not any(re.search(rf"(?<![\w-]){code}(?![\w-])", label) for code in CODE), label
