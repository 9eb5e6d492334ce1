"""The index as a finding: certified where zeros of a function of one variable are counted one."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.index import NOBODY_ASKED, CellIndex, index_by_cells, index_finding
from tests.assumptions.crowds import QUICK, crowd
from tests.assumptions.enclosure.response.test_slopes import random_game
from tests.assumptions.uniqueness.test_findings import roots


def asked(game, num_boxes=50):
    inputs = inputs_of(game, game_constants(game, QUICK))
    found = index_by_cells(game, inputs, num_boxes)
    return found, index_finding(inputs, num_boxes, found, "")


@pytest.mark.parametrize("temperature", [0.2, 0.449, 0.451, 0.6])
def test_certified_as_the_zeros_are_counted_and_reproduced(temperature):
    """The fold of this crowd is at 0.45."""
    game = crowd(1.0, temperature, inertia=0.1)
    found, finding = asked(game)
    assert found.proves == (len(roots(1.0, temperature, inertia=0.1)) == 1)
    assert (finding.verdict is Verdict.CERTIFIED) == found.proves
    assert finding.constant == (0.0 if found.proves else found.share)
    assert Finding.from_json(finding.to_json()).reproduce(game) == finding.constant
    assert ("each leader has one equilibrium" in finding.meaning) == found.proves
    assert ("index -1" in finding.meaning) == (not found.proves)
    if not found.proves:
        np.testing.assert_allclose(found.negative["mean_field"], 0.5, atol=0.1)


def test_a_budget_too_small_says_where_and_how_much_is_left():
    found, finding = asked(random_game((3, 2, 2), 5, tau=0.15, reward_coupling=3.0), 1)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert 0.0 < finding.constant <= 1.0
    assert "the smallest cell left lies around the mean field (" in finding.meaning
    assert found.undecided["leader_policy"].shape == (3, 2)


def test_no_cells_and_nobody_asked_are_said():
    _, finding = asked(random_game((3, 2, 2), 0, support="state_actions"))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "affine" in finding.meaning
    game = crowd(1.0, 0.6)
    inputs = inputs_of(game, game_constants(game, QUICK))
    unasked = index_finding(inputs, 50, NOBODY_ASKED, "contraction")
    assert unasked.verdict is Verdict.INCONCLUSIVE
    assert "contraction decides" in unasked.meaning


def test_what_roundings_may_undo_is_no_proof():
    found, _ = asked(crowd(1.0, 0.6, inertia=0.1))
    assert found.proves
    for step in (1e-8, float("nan"), float("inf")):
        jumps = dataclasses.replace(found, rounding_step=step)
        assert not jumps.proves
        finding = index_finding(inputs_of(crowd(1.0, 0.6), game_constants(crowd(1.0, 0.6), QUICK)), 50, jumps, "")
        assert "roundings" in finding.meaning
    assert not CellIndex(found.cover._replace(undecided=0.5), 0.0, "", {}, {}).proves
