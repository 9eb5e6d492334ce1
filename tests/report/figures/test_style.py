"""One look whatever a user's settings are, and lines that no reader takes for one another.

Colour-blind readers are simulated with the matrices of Machado, Oliveira and Fernandes (IEEE TVCG 15(6), 2009, severity
1.0), and colours compared in CIELAB, where a distance of about 2.3 is just noticed.
"""

import itertools

import matplotlib
import numpy as np
import pytest

from smfg_verify.report.figures import comparison, contraction
from smfg_verify.report.figures.drawing import figure_files, finish_axes
from smfg_verify.report.figures.layout import new_figure
from smfg_verify.report.figures.style import BLACK, BLUE, GREEN, ORANGE, RED, house_style

READERS = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
# Measured: the closest pairs are 17.9 and 18.3 apart (green and purple, orange and red to deuteranopes); the red and
# the green that matplotlib draws by default are 7.3 apart to them.
APART = 15.0


def lab(colour, reader):
    """CIELAB of a colour as a reader sees it, by the formulas of the standard (sRGB, white D65)."""
    encoded = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(READERS[reader]) @ linear, 0.0, 1.0)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = (to_xyz @ seen) / (to_xyz @ np.ones(3))
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, reader):
    return float(np.linalg.norm(lab(one, reader) - lab(other, reader)))


# The colours of curves that stand in one panel together; the two proved bounds have one colour and two dashes.
PANELS = {
    "comparison": [each["color"] for each in comparison._STYLES],
    "contraction": sorted({colour for _, colour, _, _ in contraction._CURVES.values()}),
    "convergence": [BLUE, GREEN, RED, BLACK],
    "alignment": [BLUE, ORANGE, RED],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("panel", PANELS)
def test_colours_of_one_panel_are_apart_for_every_reader(panel, reader):
    closest = min((distance(a, b, reader), a, b) for a, b in itertools.combinations(PANELS[panel], 2))
    assert closest[0] >= APART, closest


def test_the_simulation_tells_what_it_should():
    """matplotlib's own red and green are far apart, but not to deuteranopes; black and white are two to everyone."""
    assert distance("tab:red", "tab:green", "deuteranopia") < APART / 2.0
    assert distance("tab:red", "tab:green", "all colours") > 100.0
    assert all(distance("#000000", "#FFFFFF", reader) > 99.0 for reader in READERS)


def test_without_any_colour_curves_still_have_a_dash_or_a_marker_of_their_own():
    for looks in (
        [(str(each["linestyle"]), each["marker"]) for each in comparison._STYLES],
        [(line, marker) for _, _, line, marker in contraction._CURVES.values()],
    ):
        assert len(set(looks)) == len(looks)


def drawn():
    @house_style
    def draw():
        figure = new_figure("one")
        axes = figure.subplots()
        axes.plot([0.0, 1.0], [0.0, 1.0])
        finish_axes(axes, "A title", "x", "y")
        return figure

    return figure_files(draw(), "a")


@pytest.mark.parametrize(
    "settings", [{"font.size": 20.0, "lines.linewidth": 7.0}, {"axes.facecolor": "black"}, {"font.family": "monospace"}]
)
def test_a_users_settings_change_nothing(settings):
    expected = drawn()
    with matplotlib.rc_context(settings):
        assert drawn() == expected
        assert all(matplotlib.rcParams[name] in (value, [value]) for name, value in settings.items())
