"""Figures of the assumptions: the data drawn is the data of the findings."""

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Finding
from smfg_verify.report.figures.alignment_field import alignment_field_figure
from smfg_verify.report.figures.contraction import contraction_figure

TEMPERATURES = np.logspace(-2, 1, 13)


def finding(property_name, statement, **details):
    return Finding(
        property=property_name,
        statement=statement,
        verdict="supported",
        constant=0.5,
        side="lower",
        evidence="search",
        witness={"logits": np.zeros((1, 2))},
        details=details,
    )


def cosine(objective, total, direct):
    axis = np.linspace(-6, 6, len(objective))
    field = {"axis": axis, "objective": objective, "total": total, "direct": direct}
    return finding("gradient-alignment", "cosine", field=field)


def test_no_field_no_figure():
    assert alignment_field_figure(finding("gradient-alignment", "cosine", field={}), ("b",)) is None


def test_one_parameter_draws_the_curves_and_counts_what_is_missing():
    axis = np.linspace(-6, 6, 25)
    objective = np.where(axis > 5.0, np.nan, -(axis**2))
    figure = alignment_field_figure(cosine(objective, -2 * axis[:, None], np.ones((25, 1))), ("b",))
    upper, lower = figure.axes
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), objective)
    np.testing.assert_array_equal(lower.lines[0].get_ydata(), -2 * axis)
    np.testing.assert_array_equal(lower.lines[1].get_ydata(), 1.0)
    assert f"{int(np.isnan(objective).sum())} without an equilibrium" in figure.get_supxlabel()


def test_two_parameters_draw_arrows_of_the_right_direction_at_the_right_place():
    """Phi = -(x - 2)^2 - y^2: every arrow of g points at (2, 0), whichever axis of the grid comes first."""
    axis = np.linspace(-6, 6, 9)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    total = np.stack([4.0 - 2.0 * x, -2.0 * y], axis=-1)
    figure = alignment_field_figure(cosine(-((x - 2) ** 2) - y**2, total, -total), ("b", "c"))
    arrows, opposite = (c for c in figure.axes[0].collections if hasattr(c, "U"))
    places = arrows.XY
    towards = np.stack([2.0 - places[:, 0], -places[:, 1]], axis=1)
    inner = arrows.U * towards[:, 0] + arrows.V * towards[:, 1]
    lengths = np.hypot(arrows.U, arrows.V) * np.hypot(*towards.T)
    np.testing.assert_allclose(inner, lengths, atol=1e-9)
    np.testing.assert_allclose(opposite.U, -arrows.U)


@pytest.fixture
def report():
    curves = {
        name: (k + 1.0) / TEMPERATURES
        for k, name in enumerate(("sup-norm", "span", "modulus", "spectral-radius", "softmax-scheme"))
    }
    curves["sup-norm"] = np.full(13, np.inf)
    sweep = {"temperature": TEMPERATURES, **curves}
    local = {"eigenvalues_real": np.array([0.3, -0.5]), "eigenvalues_imag": np.array([0.0, 0.1])}
    findings = (
        finding("contraction", "smallest-temperature", sweep=sweep),
        finding("contraction", "spectral-radius", **local),
    )
    return AssumptionReport(game_name="g", game_hash="0" * 32, settings={}, findings=findings)


def test_contraction_draws_the_sweep_and_the_spectrum(report):
    left, right = contraction_figure(report).axes
    lines = {line.get_label(): line for line in left.lines}
    np.testing.assert_allclose(lines["measured modulus (search)"].get_ydata(), 3.0 / TEMPERATURES)
    np.testing.assert_allclose(lines["measured modulus (search)"].get_xdata(), TEMPERATURES)
    assert "proved bound, sup norm: none positive and finite" in lines
    np.testing.assert_allclose(right.collections[0].get_offsets(), [[0.3, 0.0], [-0.5, 0.1]])
