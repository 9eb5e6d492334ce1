"""The cosine of both gradients: every number in the histogram, the worst case, and what has no direction counted."""

import numpy as np
import pytest

from smfg_verify.assumptions import Evidence, Finding, Side, Verdict
from smfg_verify.report.figures.alignment import alignment_figure
from tests.report.figures.records.residuals import line, power_law, run
from tests.support.drawn import assert_words_keep_apart


@pytest.fixture(scope="module")
def trace():
    return run()


def cosine_finding(random, constant):
    return Finding(
        property="gradient-alignment",
        statement="cosine",
        verdict=Verdict.SUPPORTED,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.SEARCH,
        details={"random": random},
    )


@pytest.mark.parametrize("lowest", [-1.0, 0.3])
def test_alignment_histogram_holds_every_number_and_the_worst_case(trace, lowest):
    random = np.concatenate([np.random.default_rng(1).uniform(lowest, 1.0, 200), [1.0 + 4e-16, lowest, np.nan, np.nan]])
    residuals = power_law(trace)
    residuals.alignment[2, 5] = np.nan
    figure = alignment_figure(cosine_finding(random, lowest), residuals, game="laffer-tax")
    histogram, course = figure.axes
    assert sum(bar.get_height() for bar in histogram.patches if bar.get_height() > 1 or bar.get_width() < 0.1) == 202
    np.testing.assert_array_equal(line(histogram, "worst case")[0], [lowest, lowest])
    np.testing.assert_allclose(line(course, "median")[1], np.nanmedian(residuals.alignment, axis=0))
    np.testing.assert_allclose(line(course, "least")[1], np.nanmin(residuals.alignment, axis=0))
    note = " ".join(figure.get_supxlabel().split())
    assert "2 of 204 random leaders masked" in note
    assert f"1 of {residuals.alignment.size} points of the run masked" in note


def test_alignment_without_any_number_says_so(trace):
    residuals = power_law(trace)
    residuals.alignment[:] = np.nan
    figure = alignment_figure(cosine_finding(np.full(7, np.nan), np.nan), residuals, game="G")
    assert "7 of 7 random leaders masked" in " ".join(figure.get_supxlabel().split())
    assert any("no cosine" in text.get_text() for text in figure.axes[1].texts)


@pytest.mark.parametrize("with_run", [True, False])
def test_titles_keep_apart_and_the_verdict_is_said(trace, with_run):
    residuals = power_law(trace) if with_run else None
    figure = alignment_figure(cosine_finding(np.linspace(-1.0, 1.0, 9), -1.0), residuals, game="LafferTax")
    assert_words_keep_apart(figure)
    assert len(figure.axes) == 1 + with_run
    assert figure.get_suptitle() == "Laffer tax. Gradient alignment: supported"
    assert figure.axes[0].get_title(loc="left") == ("(a) Random leaders" if with_run else "Random leaders")
    assert figure.axes[0].get_ylabel() == "random leaders [count]"
