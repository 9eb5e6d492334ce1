"""Both gradients over the leaders: curves and arrows are those of the finding."""

import numpy as np
import pytest

from smfg_verify.report.figures.alignment_field import alignment_field_figure
from tests.report.records import finding
from tests.support.drawn import assert_words_keep_apart, words


def cosine(objective, total, direct):
    axis = np.linspace(-6, 6, len(objective))
    field = {"axis": axis, "objective": objective, "total": total, "direct": direct}
    return finding("gradient-alignment", "cosine", "supported", details={"field": field})


def test_no_field_no_figure():
    nothing = finding("gradient-alignment", "cosine", details={"field": {}})
    assert alignment_field_figure(nothing, ("b",), game="g") is None


def test_one_parameter_draws_the_curves_and_counts_what_is_missing():
    axis = np.linspace(-6, 6, 25)
    objective = np.where(axis > 5.0, np.nan, -(axis**2))
    figure = alignment_field_figure(cosine(objective, -2 * axis[:, None], np.ones((25, 1))), ("b",), game="g")
    upper, lower = figure.axes
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), objective)
    np.testing.assert_array_equal(lower.lines[0].get_ydata(), -2 * axis)
    np.testing.assert_array_equal(lower.lines[1].get_ydata(), 1.0)
    assert f"{int(np.isnan(objective).sum())} without an equilibrium" in " ".join(figure.get_supxlabel().split())


def test_two_parameters_draw_arrows_of_the_right_direction_at_the_right_place():
    """Phi = -(x - 2)^2 - y^2: every arrow of g points at (2, 0), whichever axis of the grid comes first."""
    axis = np.linspace(-6, 6, 9)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    total = np.stack([4.0 - 2.0 * x, -2.0 * y], axis=-1)
    figure = alignment_field_figure(cosine(-((x - 2) ** 2) - y**2, total, -total), ("b", "c"), game="g")
    arrows, opposite = (c for c in figure.axes[0].collections if hasattr(c, "U"))
    places = arrows.XY
    towards = np.stack([2.0 - places[:, 0], -places[:, 1]], axis=1)
    inner = arrows.U * towards[:, 0] + arrows.V * towards[:, 1]
    lengths = np.hypot(arrows.U, arrows.V) * np.hypot(*towards.T)
    np.testing.assert_allclose(inner, lengths, atol=1e-9)
    np.testing.assert_allclose(opposite.U, -arrows.U)


@pytest.mark.parametrize("number", [1, 2])
def test_axes_are_named_after_the_free_parameters(number):
    axis = np.linspace(-6, 6, 9)
    total = np.stack(np.meshgrid(*[axis] * number, indexing="ij"), axis=-1)
    figure = alignment_field_figure(cosine(np.sum(total, axis=-1), total, total), ("toll", "fine")[:number], game="g")
    assert_words_keep_apart(figure)
    assert words(figure.axes[1 if number == 1 else 0])[1] == "logit of toll [1]"
    assert (words(figure.axes[0])[2] == "logit of fine [1]") == (number == 2)
