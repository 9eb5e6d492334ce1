"""Factors of the whole Jacobian: what they solve, against the Jacobian's own products, and games they are not for."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import solve_equilibrium
from smfg_verify.exact.equilibrium.solve import prepare
from smfg_verify.exact.sparse.equations.linearisation import Linear
from smfg_verify.exact.sparse.equations.local_moves import local_problem
from smfg_verify.exact.sparse.equations.places import Pair, place_at
from smfg_verify.exact.sparse.newton import with_value
from smfg_verify.game import leader_logits_shape
from smfg_verify.games import CongestionPricing, LasryLionsChain
from smfg_verify.policies import softmax_policy
from tests.support.crowd_averse_chain import crowd_averse_chain
from tests.support.hidden_readers import HiddenReaders


def linear_at_random(game):
    """Its equations off any equilibrium."""
    logits = np.random.default_rng(1).normal(size=leader_logits_shape(game))
    game, logits = prepare(game, jnp.asarray(logits))
    local = local_problem(game, softmax_policy(logits))
    field = np.random.default_rng(2).dirichlet(np.full(game.num_states, 100.0))
    return Linear(game, local, place_at(game, local, with_value(game, local, field)))


class CrowdMovesPeople(LasryLionsChain):
    """Crowds also push: the transition reads the mass of the state."""

    transition_dependence = "general"

    def transition(self, state, follower_action, leader_action, mean_field):
        free = super().transition(state, follower_action, leader_action, mean_field)
        pushed = mean_field[state] / (1.0 + mean_field[state])
        return (1.0 - pushed) * free + pushed * jnp.asarray([0.0, 0.5, 0.0, 0.5, 0.0])


class CrowdAhead(LasryLionsChain):
    """Followers look at the next cell's crowd, which the factors do not know of."""

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        ahead = jnp.clip(state + follower_action - 1, 0, self.num_states - 1)
        return super().follower_reward(state, follower_action, leader_action, mean_field) - 3.0 * mean_field[ahead]


GAMES = [crowd_averse_chain(40), crowd_averse_chain(40, temperature=0.05), crowd_averse_chain(40, CrowdMovesPeople)]


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("transposed", [False, True])
def test_solves_what_the_products_say(game, transposed):
    linear = linear_at_random(game)
    rng = np.random.default_rng(3)
    weights = 1.0 / linear.place.point.field if transposed else linear.place.point.field
    right = Pair(weights * rng.normal(size=game.num_states), rng.normal(size=game.num_states))
    solve = linear.coupled.solve_transposed if transposed else linear.coupled.solve
    solution = Pair(*solve(*right))
    again = linear.apply_transposed(solution)[0] if transposed else linear.apply(solution)
    size = max(np.max(np.abs(solution.field / weights)), np.max(np.abs(solution.value)))
    np.testing.assert_allclose((again.field - right.field) / weights, 0.0, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(again.value, right.value, rtol=0, atol=1e-9 * size)


def test_slopes_are_those_of_the_game():
    linear, rng = linear_at_random(crowd_averse_chain(30, CrowdMovesPeople)), np.random.default_rng(4)
    move = Pair(*rng.normal(size=(2, 30)))
    changed = linear.along(None, move)
    flows = np.asarray(changed.weights) * linear.place.law.law[:, None, None, None]
    into = np.bincount(np.ravel(linear.local.targets), flows.ravel(), 30) - flows.sum(axis=(1, 2, 3))
    slopes = linear.slopes
    found = slopes.flow_by_field @ move.field + slopes.flow_by_value @ move.value
    np.testing.assert_allclose(found, into, atol=1e-12 * np.max(np.abs(into)))
    np.testing.assert_allclose(found.sum(), 0.0, atol=1e-12 * np.max(np.abs(into)))
    np.testing.assert_allclose(linear.sparse_response(move.field), linear.response(move.field), atol=1e-9)


@pytest.mark.slow
def test_what_reads_other_states_is_solved_without_them():
    game = crowd_averse_chain(12, CrowdAhead)
    assert linear_at_random(game).slopes is None
    dense, sparse = (solve_equilibrium(game, np.zeros((2, 2)), method=method) for method in ("dense", "sparse"))
    np.testing.assert_allclose(sparse.mean_field, dense.mean_field, rtol=0, atol=1e-11)
    np.testing.assert_allclose(sparse.spectral_radius, dense.spectral_radius, rtol=1e-2)


@pytest.mark.parametrize("method", ["sparse", pytest.param("dense", marks=pytest.mark.slow)])
@pytest.mark.parametrize("beside", [0.03, 0.1])
def test_readers_of_other_states_do_not_hide_behind_a_steep_one(beside, method):
    """Nor behind slopes that cancel when all crowds rise: the map is no contraction where it looks like one."""
    game = HiddenReaders(beside=beside)
    assert linear_at_random(game).slopes is None
    found = solve_equilibrium(game, np.zeros((13, 1)), method=method)
    # Slopes of the second ring are in proportion to what it is paid for.
    np.testing.assert_allclose(found.spectral_radius, beside * 8.621263, rtol=1e-2)


def test_factors_that_fill_in_are_left_out():
    linear = linear_at_random(CongestionPricing(side=40))
    assert linear.slopes is not None
    assert linear.coupled is None


def test_wrong_slopes_cost_rounds_and_no_digits(monkeypatch):
    """Whatever the factors are, the residual is the game's own."""
    linear = linear_at_random(crowd_averse_chain(40))
    right = Pair(*np.random.default_rng(3).normal(size=(2, 40)))
    expected = linear.solve(right, 1e-10)
    wrong = linear.slopes._replace(value_by_field=3.0 * linear.slopes.value_by_field + 1.0)
    other = linear_at_random(crowd_averse_chain(40))
    monkeypatch.setitem(other.__dict__, "slopes", wrong)
    found = other.solve(right, 1e-10)
    assert found.residual <= 1e-10
    assert found.products > expected.products
    np.testing.assert_allclose(found.solution.field, expected.solution.field, atol=1e-8)
