"""One line with values, and tables that hold the record's own numbers."""

import ast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

from smfg_verify import ac_smfg, check, exact_residuals, games, solve_equilibrium, stackelberg_gradient, validate_bounds
from smfg_verify.bounds import RESIDUAL_NAMES
from smfg_verify.records.readable import in_short
from tests.report.records import assumptions, finding
from tests.support.strategies import tables

GAME = games.load("laffer-tax")


@pytest.fixture(scope="module")
def records():
    trace = ac_smfg(GAME, num_iterations=100, seeds=range(2), checkpoints=8)
    residuals = exact_residuals(GAME, trace)
    gradient = stackelberg_gradient(GAME, np.zeros((1, 2)))
    report = check(GAME, ["lipschitz", "coverage"], budget="quick")
    bounds = validate_bounds(GAME, trace, residuals=residuals, num_resamples=100)
    return {
        "gradient": gradient,
        "equilibrium": gradient.equilibrium,
        "trace": trace,
        "residuals": residuals,
        "report": report,
        "finding": report.findings[0],
        "bounds": bounds,
        "row": bounds.rows[0],
    }


def test_every_record_is_one_line_with_a_value_of_each_field_it_names(records):
    for record in records.values():
        text = repr(record)
        assert text.startswith(f"{type(record).__name__}(")
        assert "\n" not in text
        assert all(f"{name}={in_short(getattr(record, name))}" in text for name in record.SHOWN)
    assert "0.7466, 0.2534" in repr(records["equilibrium"])
    assert "'coverage': 'certified'" in repr(records["report"])


@given(tables((2, 3), 1e3))
def test_small_arrays_are_told_by_their_entries(table):
    np.testing.assert_allclose(ast.literal_eval(in_short(table)), table, rtol=1e-3, atol=1e-3)


def test_traced_and_large_arrays_are_told_by_their_shape():
    seen = []
    jax.jit(lambda logits: seen.append(repr(solve_equilibrium(GAME, logits, throw=False))) or logits)(jnp.zeros((1, 2)))
    assert "mean_field=float64[2]" in seen[0]
    assert in_short(np.zeros((3, 3))) == "float64[3, 3]"
    assert in_short(None) == "None"


def test_the_table_of_a_report_has_every_finding_and_its_constants(records):
    report = records["report"]
    frame = report.to_dataframe()
    assert list(frame.index) == [(each.property, each.statement) for each in report.findings]
    np.testing.assert_array_equal(frame["constant"], [each.constant for each in report.findings])
    assert list(frame["meaning"]) == [each.meaning for each in report.findings]
    assert list(report.brief_dataframe().index) == list(report.properties)


def test_the_summary_has_a_row_a_property_within_eighty_columns(records):
    report, text = records["report"], records["report"].summary()
    assert all(len(line) <= 80 for line in text.splitlines())
    rows = [line.split()[:2] for line in text.splitlines() if not line.startswith(" ")]
    assert rows[:-2] == [[name, report.verdict(name).value] for name in report.properties]
    assert rows[-2][0] == "Class:"
    assert text.splitlines()[-1].startswith("Refuted: none of 2 checked")


def test_the_table_of_rates_has_every_residual(records):
    bounds = records["bounds"]
    frame = bounds.to_dataframe()
    assert list(frame.index) == [row.name for row in bounds.rows]
    np.testing.assert_array_equal(frame["slope"], [row.slope for row in bounds.rows])
    assert all(name in bounds.summary() for name in RESIDUAL_NAMES)


def test_a_notebook_shows_the_table_with_what_users_write_escaped(records):
    for name in ("report", "bounds"):
        shown = records[name]._repr_html_()
        assert shown.count("<tr") == len(records[name].brief_dataframe()) + 2  # two lines of headings
    hostile = assumptions(finding("coverage", "initial"))
    object.__setattr__(hostile, "game_name", "<script>alert(1)</script>")
    assert "<script>" not in hostile._repr_html_()


def test_latex_is_a_booktabs_table_without_bare_special_characters(records):
    for name in ("report", "bounds"):
        text = records[name].to_latex()
        assert text.startswith("\\begin{tabular}")
        assert "\\toprule" in text
        body = text[text.index("\\toprule") :]
        assert "_" not in body.replace("\\_", "")
        assert "#" not in body.replace("\\#", "")


def test_residuals_are_a_dataset_with_named_dimensions(records):
    residuals = records["residuals"]
    dataset = residuals.to_xarray()
    for name in (*RESIDUAL_NAMES, "alignment", "objective"):
        np.testing.assert_array_equal(dataset[name].values, getattr(residuals, name))
        assert dataset[name].dims == ("seed", "iteration")
    np.testing.assert_array_equal(dataset["iteration"], residuals.iterations)
    assert set(np.unique(dataset["status"])) == {"EVALUATED"}
