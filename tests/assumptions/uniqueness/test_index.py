"""The index as a finding: certified where zeros of a function of one variable are counted one."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.index import NOBODY_ASKED, CellIndex, index_by_cells, index_finding
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, parameter
from tests.assumptions.crowds import QUICK, crowd
from tests.assumptions.enclosure.response.test_slopes import random_game
from tests.assumptions.uniqueness.test_findings import roots


class Taste(AbstractGame):
    """Followers choose the next state, whose reward is a function of its share; 0.05 of them land elsewhere."""

    strength: float = parameter()
    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.25)
    num_states, num_follower_actions, num_leader_actions = 2, 2, 2
    leader_observation = (0, 0)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.95, 0.05)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return self.strength * self.taste(mean_field[follower_action])

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0]


class Sigmoid(Taste):
    def taste(self, share):
        return jnp.tanh(4.0 * (share - 0.6))


class Kinked(Taste):
    def taste(self, share):
        return jnp.maximum(share - 0.6, 0.0)


class Jumping(Taste):
    def taste(self, share):
        return jnp.where(share > 0.6, 1.0, 0.0)


TASTES = {
    Sigmoid: lambda share: np.tanh(4.0 * (share - 0.6)),
    Kinked: lambda share: np.maximum(share - 0.6, 0.0),
    Jumping: lambda share: (share > 0.6).astype(float),
}


def number_of_equilibria(kind, strength):
    """Of the map of one share, by its changes of sign; rewards do not depend on where a follower is."""
    share = np.linspace(0.0, 1.0, 400001) + 1.234e-7
    pull = strength * (TASTES[kind](share) - TASTES[kind](1.0 - share)) / 0.25
    excess = 0.05 + 0.9 * scipy.special.expit(pull) - share
    return int(np.sum(excess[1:] * excess[:-1] < 0.0))


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
    assert "a law of states and actions" in finding.meaning
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
    left = found.cover._replace(smallest=np.zeros((4, 2)))
    assert not CellIndex(left, 0.0, "", {}, {}).proves


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        *((Sigmoid, strength) for strength in (0.1, 0.6, -1.5)),
        *(pytest.param(Kinked, strength, marks=pytest.mark.slow) for strength in (0.45, 0.9)),
    ],
)
def test_curved_and_kinked_functions_are_counted_too(kind, strength):
    """Also where the map is steeper than 1 somewhere, which is no matter where no equilibrium is."""
    number = number_of_equilibria(kind, strength)
    found, finding = asked(checked(kind(strength=strength)), 200)
    assert found.proves == (number == 1)
    assert (finding.verdict is Verdict.CERTIFIED) == (number == 1)


@pytest.mark.parametrize("strength", [-0.6, 0.05, 0.6])
def test_a_map_that_jumps_is_never_certified(strength):
    """At a jump down across the diagonal there is no equilibrium at all, and at none do indices add up."""
    found, _ = asked(checked(Jumping(strength=strength)), 200)
    assert not found.proves
    # What is left is where the jumps are: at 0.6 of either place.
    np.testing.assert_allclose(np.max(found.undecided["mean_field"]), 0.6, atol=1e-3)
