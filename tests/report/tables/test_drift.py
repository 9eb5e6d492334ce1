"""The drift's tables and sentences hold the report's numbers, and say what is not known."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.bounds import LyapunovCertificate
from smfg_verify.bounds.drift.inequalities import RESIDUALS
from smfg_verify.bounds.drift.sentences import Undecided
from smfg_verify.jobs.drift import Drift
from smfg_verify.report.tables.drift import drift_tables
from tests.report.records import curves, drift_report, inequality
from tests.support.screens import cells, heads, printed, titled

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def shown(report, curves=None):
    return drift_tables(Drift(None, None, None, report, curves))


def test_every_inequality_has_its_constants_what_feeds_it_and_where_it_binds():
    report = drift_report()
    rows = cells(titled(shown(report), "Drift inequalities"))
    assert [row[0] for row in rows] == list(RESIDUALS)
    for name, contraction, feeding, noise, binds, broken, markov in rows:
        (source,) = [other for other, value in report.inequalities[name].coupling.items() if value]
        assert (contraction, feeding, noise) == ("0.75", f"0.5 {source}", "2.5 leader")
        assert (binds, markov) == ("seed 3, k = 1,200", "0.062")
        # The worst share and the worst excess, over the groups left out.
        assert broken == "25.0% of rows, by 0.5"


def test_a_line_without_constants_has_its_status_and_nothing_else():
    inequalities = {name: inequality(name) for name in RESIDUALS} | {"e_mu": inequality("e_mu", status="infeasible")}
    rows = {row[0]: row[1:] for row in cells(titled(shown(drift_report(inequalities=inequalities)), "Drift"))}
    assert rows["e_mu"] == ("infeasible", "", "", "", "", "")
    lost = dict.fromkeys(RESIDUALS, np.full((2, 2), np.nan))
    report = drift_report(held_out=lost, markov_correction=dict.fromkeys(RESIDUALS, float("nan")))
    assert {row[-2:] for row in cells(titled(shown(report), "Drift"))} == {("no group left out", "none")}


def test_curves_are_ratios_of_bound_and_mean_at_a_few_iterations():
    table = titled(shown(drift_report(), curves()), "Unrolled bound")
    names = heads(table)[1:-1]
    assert cells(table) == [
        ("10", *(f"{k + 2}" for k in range(len(names))), "4.5"),
        ("100", *(f"{k + 2}" for k in range(len(names))), "4"),
        ("1,000", *(f"{k + 2}" for k in range(len(names))), "none"),
    ]
    assert "mean of 7 of 32 seeds held out" in str(table.caption)


def lyapunov(**changes):
    nothing = {"exists": False, "weights": {}, "margin": float("nan"), "obstruction": {}, "obstruction_error": 0.0}
    return LyapunovCertificate(**{**nothing, **changes})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "the weights 0.625 e_omega, 0.375 e_mu decrease together"),
        (lyapunov(obstruction={"e_mu": 0.25, "e_Vf": 0.75, "e_Vl": 0.0}), "residuals 0.25 e_mu, 0.75 e_Vf keep"),
        (lyapunov(undecided=Undecided("no-rate")), "not decided, every rate is zero."),
    ],
)
def test_the_lyapunov_function_the_obstruction_or_neither_is_said(found, words):
    said = printed(shown(drift_report() if found is None else drift_report(lyapunov=found)))
    assert words in said
    decided = found is None or not found.reason
    assert ("leader 0.0001 to 4.5; critic never" in said) == decided
    assert ("Perron root of 0.438" in said) == decided
    assert ("0.312 at the best ratios found, leader 0.0625" in said) == decided
    assert ("The line of e_mu binds: 75%" in said) == decided


def test_a_line_without_contraction_is_named_where_no_step_constants_mend_it():
    report = drift_report()
    report.inequalities["e_omega"] = inequality("e_omega", contraction=0.0)
    report.region = dataclasses.replace(report.region, root=float("inf"))
    assert "the inequality of e_omega has no contraction" in printed(shown(report))


def test_the_line_of_the_mean_field_stands_beside_twice_the_proved_rate():
    report = drift_report()
    said = printed(drift_tables(Drift(None, None, None, report, None, 0.48)))
    assert "contracts at 0.75 times its step" in said
    assert "is 2 c = 0.96 for short steps" in said
    assert "no rate of one-sided contraction is proved" in printed(shown(report))
    report.inequalities["e_mu"] = inequality("e_mu", status="infeasible")
    assert "contracts at" not in printed(shown(report))
