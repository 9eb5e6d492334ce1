"""Constants as expressions against the numbers that a check reports, on several games."""

import dataclasses
import json
import math

import pytest
import sympy

from smfg_verify import check, games
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.findings import certified_finding
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.symbolic.constants import expressions_of

NAMES = ("laffer-tax", "random-game", "epidemic", "two-road-toll")
STEPS = {"leader": 0.1, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
QUICK = {"num_leaders": 4, "num_boxes": 50}
LITTLE = {**QUICK, "num_starts": 1, "num_steps": 1, "step_sizes": STEPS}


@pytest.fixture(scope="module", params=NAMES)
def found(request):
    return expressions_of(games.load(request.param), budget="quick")


def test_every_expression_with_its_numbers_is_the_constant_computed_in_floats(found):
    assert {"contraction/certified-bound/sup-norm", "contraction/certified-bound/span"} <= set(found.names)
    for constant in found.expressions:
        assert not {"differs", "rough"} & {remark.case for remark in constant.remarks}
        if math.isfinite(constant.reported) and not constant.name.startswith("contraction/smallest"):
            assert constant.value == pytest.approx(constant.reported, rel=1e-12, abs=0.0)


def test_terms_make_up_the_whole_and_none_is_larger(found):
    for constant in found.expressions:
        if constant.terms:
            assert math.fsum(term.share for term in constant.terms) == pytest.approx(1.0, rel=1e-12)
            assert all(0.0 <= term.share <= 1.0 for term in constant.terms)
            assert constant.dominating is constant.terms[0]
            total = sum(term.expression for term in constant.terms)
            assert sympy.simplify(total - constant.summed) == 0


def test_what_feeds_a_bound_is_told_with_the_same_numbers(found):
    bound = {entry.symbol: entry.value for entry in found["contraction/certified-bound/span"].values}
    for name in ("mixing-factor", "reward-span"):
        symbol = sympy.Symbol(str(found[name].symbol), positive=True)
        assert bound.get(symbol, found[name].reported) == found[name].reported


def test_renderings_say_every_constant(found):
    record = json.loads(json.dumps(found.as_record()))
    assert [entry["name"] for entry in record["expressions"]] == list(found.names)
    assert found.latex.count("{") == found.latex.count("}")
    for constant in found.expressions:
        assert constant.text in found.text
        assert all(entry.text in constant.text for entry in constant.values)
    with pytest.raises(KeyError, match="there are"):
        found["no-such-constant"]


@pytest.fixture(scope="module")
def game():
    return checked(games.load("laffer-tax"))


@pytest.fixture(scope="module")
def report(game):
    """Findings on step sizes, and that of the proved bound, which `check` puts beside searches that take seconds."""
    constants = game_constants(game, SearchSettings(**QUICK))
    bound = certified_finding(game, inputs_of(game, constants), constants.reason)
    steps = check(game, "step-sizes", **LITTLE)
    return dataclasses.replace(steps, findings=(bound, *steps.findings))


def statements_of(found):
    return {statement: constant for constant in found.expressions for statement in constant.statements}


def require_findings(told, report):
    for statement, constant in told.items():
        assert constant.reported == report.finding(*statement.split("/")).constant
        assert constant.value == pytest.approx(constant.reported, rel=1e-11)


def test_the_constants_of_a_report_are_its_findings(game, report):
    found = expressions_of(game, report)
    told = statements_of(found)
    assert set(told) == {"contraction/certified-bound", "step-sizes/order", "step-sizes/ratios"}
    require_findings(told, report)
    assert found.searched == ("step-sizes/range",)
    assert "No formula of other constants" in found.text


@pytest.mark.slow
def test_all_properties_of_a_report(game):
    report = check(game, ["contraction", "gradient-domination", "uniqueness"], **LITTLE)
    found = expressions_of(game, report)
    told = statements_of(found)
    temperature = told.pop("contraction/smallest-temperature")
    assert temperature.value == pytest.approx(report.finding("contraction", "smallest-temperature").constant, rel=1e-4)
    assert set(told) == {
        "contraction/certified-bound",
        "uniqueness/contraction",
        "gradient-domination/mei-constant",
    }
    require_findings(told, report)
    in_box = report.finding("gradient-domination", "domination").details["certified_in_box"]
    assert found["gradient-domination/constant-in-box"].value == pytest.approx(in_box, rel=1e-12)
    assert set(found.searched).isdisjoint(told)


def test_the_terms_of_the_tracking_factor_are_contraction_and_feedback(game, report):
    ratios = expressions_of(game, report)["step-sizes/ratios"]
    details = report.finding("step-sizes", "ratios").details
    values = sorted(term.value for term in ratios.terms)
    expected = sorted([float(details["contraction"]), float(details["leader_over_mean_field"] * details["feedback"])])
    assert values == pytest.approx(expected, rel=1e-12)


def test_a_report_about_another_game_is_refused(report):
    with pytest.raises(ValueError, match="likely cause: other parameters"):
        expressions_of(games.load("laffer-tax", temperature=0.2), report)


def test_an_unknown_budget_is_refused():
    with pytest.raises(ValueError, match="budget: got 'quik'"):
        expressions_of(games.load("laffer-tax"), budget="quik")
