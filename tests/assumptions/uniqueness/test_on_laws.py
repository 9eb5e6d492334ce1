"""Contraction where equilibria can be: certified where nothing else is, and never where roundings may jump."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.enclosure.response.zones.leaders import LawProof
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.findings import check_uniqueness
from smfg_verify.assumptions.uniqueness.on_laws import modulus_on_laws, on_laws_finding
from tests.assumptions.crowds import QUICK, crowd


def found_of(game, num_boxes=50):
    inputs = inputs_of(game, game_constants(game, QUICK))
    return inputs, modulus_on_laws(game, inputs, num_boxes)


@pytest.fixture(scope="module")
def biased():
    """Stretches by 1.2 near the share .08, where no law is: neither a modulus nor a rate proves anything of it."""
    return crowd(1.2, 0.5, bias=1.0, discount=0.0)


def test_it_decides_what_no_bound_over_all_mean_fields_does(biased):
    found = {finding.statement: finding for finding in check_uniqueness(biased, QUICK)}
    on_laws = found["contraction-on-laws"]
    assert found["contraction"].constant > 1.0
    assert found["one-sided"].verdict is Verdict.INCONCLUSIVE
    assert on_laws.verdict is Verdict.CERTIFIED
    assert found["index"].facts["unasked"] == "contraction-on-laws"
    again = Finding.from_json(on_laws.to_json())
    assert again.meaning == on_laws.meaning
    assert again.reproduce(biased) == on_laws.constant


def test_steps_of_roundings_undo_it(biased):
    inputs, found = found_of(biased)
    assert found.proves
    for step in (1e-8, np.nan, np.inf):
        moved = dataclasses.replace(found, rounding_step=step)
        assert not moved.proves
        finding = on_laws_finding(inputs, 50, moved, "")
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "jump" in finding.meaning


@pytest.mark.parametrize("game", [crowd(1.2, 0.5, discount=0.0), crowd(1.2, 0.5)], ids=["two-equilibria", "no-zones"])
def test_what_is_not_proved_says_so(game):
    inputs, found = found_of(game)
    finding = on_laws_finding(inputs, 50, found, "")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert np.isnan(finding.constant)
    assert finding.meaning.startswith("No proof by pieces")


@pytest.mark.parametrize("expected", [585.0, np.inf])
def test_an_estimate_beyond_the_budget_says_nothing_of_larger_budgets(biased, expected):
    """Descents stop at some times the budget: games whose estimate is infinite there have been proved with more."""
    inputs, found = found_of(biased)
    unfinished = dataclasses.replace(found, proof=LawProof(np.inf, np.inf, 1, 0, expected))
    meaning = on_laws_finding(inputs, 50, unfinished, "").meaning
    assert "than the budget has" in meaning
    assert "would do" not in meaning
