"""Contraction: every criterion's curve and the spectrum are the report's."""

import numpy as np
import pytest

from smfg_verify.report.figures.contraction import contraction_figure
from tests.report.records import assumptions, finding
from tests.support.drawn import assert_words_keep_apart, lines

TEMPERATURES = np.logspace(-2, 1, 13)


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
        finding("contraction", "smallest-temperature", details={"sweep": sweep}),
        finding("contraction", "spectral-radius", details=local),
    )
    return assumptions(*findings)


def test_contraction_draws_the_sweep_and_the_spectrum(report):
    left, right = contraction_figure(report).axes
    lines = {line.get_label(): line for line in left.lines}
    np.testing.assert_allclose(lines["largest modulus found"].get_ydata(), 3.0 / TEMPERATURES)
    np.testing.assert_allclose(lines["largest modulus found"].get_xdata(), TEMPERATURES)
    assert "proved bound, sup norm" not in lines
    np.testing.assert_allclose(right.collections[0].get_offsets(), [[0.3, 0.0], [-0.5, 0.1]])


def test_what_has_no_finite_bound_is_said_and_not_in_the_legend_and_titles_keep_apart(report):
    figure = contraction_figure(report)
    assert_words_keep_apart(figure)
    left, _ = figure.axes
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {*lines(left), "unit circle", "eigenvalue"}
    assert len(lines(left)) == 6  # four criteria, the line at 1 and the game's temperature
    assert figure.get_suptitle() == "G. Contraction: not-applicable"
    note = " ".join(figure.get_supxlabel().split())
    assert f"$\\tau = {TEMPERATURES[6]:.4g}$ of the game" in lines(left)
    assert note.endswith("Nowhere positive and finite, so not drawn: proved bound, sup norm.")
    assert "2 eigenvalues" in note


def test_a_property_that_does_not_apply_has_no_figure():
    nothing = assumptions(
        finding("contraction", "smallest-temperature", details={"sweep": {}}), finding("contraction", "spectral-radius")
    )
    assert contraction_figure(nothing) is None
