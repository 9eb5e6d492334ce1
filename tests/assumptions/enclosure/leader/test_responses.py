"""Slopes of the best response around leaders and mean fields: against differences of one that is solved by hand.

And leaders' boxes where the mean field is one of pairs and rewards are curved in it, against the same.
"""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.local import tables_for_leaders
from smfg_verify.assumptions.enclosure.leader.responses import responses_within
from smfg_verify.assumptions.enclosure.leader.within import followers_within
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import AbstractGame
from smfg_verify.games import load
from tests.assumptions.along.test_along_run import nearby
from tests.assumptions.enclosure.leader.test_local import Crowd, enclosed
from tests.helpers.numerics import softmax


class Leavers(AbstractGame):
    """Two places; the more leave, of any place, the worse it is to leave, and to tax them."""

    num_states, num_follower_actions, num_leader_actions = 2, 2, 2
    discount, temperature, leader_temperature = 0.6, 0.5, 0.0
    leader_observation = (0, 0)
    mean_field_support = "state_actions"

    def transition(self, state, follower_action, leader_action, mean_field):
        leaving = 0.1 + 0.8 * follower_action
        return jnp.where(jnp.arange(2) == state, 1.0 - leaving, leaving)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        leaving = jnp.sum(mean_field[:, 1])
        return 0.8 * state - follower_action * (1.5 * leaving * leaving + leader_action * (0.2 + state))

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return leader_action * (0.5 * follower_action - 0.3 - jnp.sum(mean_field[:, 1]))


SIZES = {"num_states": 3, "num_follower_actions": 2, "num_leader_actions": 2}
GAMES = {
    "leavers": Leavers,
    "crowd": Crowd,
    "pairs": lambda: load("random-game", seed=2, mean_field_support="state_actions", **SIZES),
    "states": lambda: load("random-game", seed=2, **SIZES),
    "one-state": lambda: load("random-game", seed=3, mean_field_support="state_actions", **SIZES | {"num_states": 1}),
}


def best_response(game, phi, flat):
    """Law of states, or of pairs, of followers who answer a leader and a mean field for ever."""
    on_pairs = game.mean_field_support != "states"
    tables = tables_at(game, flat[None])
    rows, rewards = (np.einsum("sb,sab...->sa...", phi, tables[name][0]) for name in ("transition", "follower_reward"))
    policy = answer(rows, rewards, float(game.discount), float(game.temperature))
    law = stationary(np.einsum("sa,sat->st", policy, rows))
    return (law[:, None] * policy).ravel() if on_pairs else law


def answer(rows, rewards, discount, tau):
    """The optimal policy by value iteration."""
    value, moved = np.zeros(len(rows)), np.inf
    while moved > 1e-14:
        scores = (rewards + discount * rows @ value) / tau
        top = scores.max(axis=1, keepdims=True)
        new = tau * (top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True)))[:, 0]
        value, moved = new, np.max(np.abs(new - value))
    return softmax(scores)


def stationary(chain):
    size = len(chain)
    system = np.concatenate([chain.T - np.eye(size), np.ones((1, size))])
    return np.linalg.lstsq(system, np.eye(size + 1)[-1], rcond=None)[0]


def objective(game, phi, held=None):
    """The leader's objective at the equilibrium, with mean field and policy of another one if given, and both."""
    size = game.num_states
    field, policy = (np.full(2 * size, 0.5 / size), None) if held is None else held
    for _ in range(60 if held is None else 0):
        field = 0.5 * field + 0.5 * best_response(game, phi, field)
    if policy is None:
        policy = field.reshape(size, 2) / field.reshape(size, 2).sum(axis=1, keepdims=True)
    tables = tables_at(game, field[None])
    rows, rewards = (
        np.einsum("sb,sa,sab...->s...", phi, policy, tables[name][0]) for name in ("transition", "leader_reward")
    )
    worth = np.linalg.solve(np.eye(size) - float(game.discount) * rows, rewards)
    return np.asarray(game.initial_distribution) @ worth, (field, policy)


def slopes_of(game, phi, field):
    """Along e_j - e_last, of all entries but the last."""
    step, size = 1e-5, len(field)
    moves = step * (np.eye(size)[:-1] - np.eye(size)[-1])
    ends = [[best_response(game, phi, field + side * move) for move in moves] for side in (1.0, -1.0)]
    return (np.array(ends[0]) - np.array(ends[1])).reshape(size - 1, size)[:, :-1] / (2.0 * step)


def drawn(seed, states, leader_actions, tau, coupling=1.0):
    """Tables of a game on pairs of states and two actions, drawn, with a leader and a mean field inside the simplices.

    Rows are those at single pairs, mixed by how many are there; so are rewards.
    """
    rng, shape = np.random.default_rng(seed), (states, 2, leader_actions)
    rows = 0.8 * rng.dirichlet(np.full(states, 0.4), (2 * states, *shape)) + 0.2 / states
    mean, rewards = rows.mean(axis=0), rng.uniform(-1.0, 1.0, (2 * states + 1, *shape))
    rewards[1:] *= coupling
    moves, reward = (mean, rows - mean), (rewards[0], rewards[1:])
    transition, follower, leader = (
        tuple(Ball.exact(part) for part in parts) for parts in (moves, reward, (0.0 * rewards[0], 0.0 * rewards[1:]))
    )
    initial, own = np.full(states, 1.0 / states), np.arange(states)
    game = AffineGame(transition, follower, leader, 0.9, tau, 0.0, initial, own, states)
    laws = rng.dirichlet(np.full(2 * states, 8.0)), rng.dirichlet(np.full(leader_actions, 3.0), states)
    field, phi = (0.9 * law + 0.1 / law.shape[-1] for law in laws)
    return game, phi, field


def slopes_by_complex_step(game, phi, field):
    """As `slopes_of`, of tables: followers by Newton's method, all directions at once."""
    states, size, step = len(phi), len(field), 1e-30j
    moved = field + step * (np.eye(size)[:-1] - np.eye(size)[-1])
    rows, rewards = (
        np.einsum("sb,ksab...->ksa...", phi, table[0].mid + np.tensordot(moved, table[1].mid, axes=1))
        for table in (game.transition, game.follower)
    )
    value = np.zeros((size - 1, states), complex)
    for _ in range(12):
        scores = (rewards + game.discount * np.einsum("ksat,kt->ksa", rows, value)) / game.temperature
        policy = softmax(scores)
        chain = np.einsum("ksa,ksat->kst", policy, rows)
        updated = game.temperature * np.log(np.exp(scores).sum(axis=2))
        value = value + np.linalg.solve(np.eye(states) - game.discount * chain, (updated - value)[..., None])[..., 0]
    assert np.max(np.abs(updated - value)) < 1e-11
    system = np.swapaxes(np.eye(states) - chain, 1, 2) + 1.0 / states
    law = np.linalg.solve(system, np.full((size - 1, states, 1), 1.0 / states))
    return (law * policy).reshape(size - 1, size).imag[:, :-1] / step.imag


def ends(law, radius):
    """A law and those that are as far from it as a radius, in total variation, by one exchange."""
    unit = np.eye(len(law))
    return [law, *(law + radius * (unit[i] - unit[j]) for i, j in itertools.permutations(range(len(law)), 2))]


def at_the_ends(game, phi, field, radius):
    """Slopes at all ends of what is near."""
    leaders = [np.array(rows) for rows in itertools.product(*(ends(row, radius)[-2:] for row in phi))]
    return np.array([slopes_by_complex_step(game, leader, m) for m in ends(field, radius) for leader in leaders])


# Draws, radii, and how much of what is told is met at the ends, at least: were less told, some of it would not be.
SHARP = [
    ((45, 1, 2, 0.3), 0.03, 0.9),
    ((59, 1, 2, 0.3), 0.01, 0.8),
    ((4, 2, 1, 5.0, 0.1), 0.01, 0.4),
    ((18, 2, 1, 0.2, 0.0), 0.01, 0.6),
]


@pytest.mark.parametrize(("draw", "radius", "met"), SHARP)
def test_slopes_at_the_ends_of_what_is_near_lie_in_what_is_told_and_hardly_less_would_do(draw, radius, met):
    game, phi, field = drawn(*draw)
    rows = Ball.of_ends(phi - radius, phi + radius) if phi.shape[1] > 1 else Ball.exact(phi)
    found = responses_within(game, Ball(rows.mid[None], rows.rad[None]), field[None], np.array([radius]))
    apart = at_the_ends(game, phi, field, radius) - found.jacobian.mid[0]
    share = np.max(np.abs(apart) / found.jacobian.rad[0])
    assert met < share <= 1.0 + 1e-9
    # Of tangents, all but the last entry of which stand for all, as an operator between Euclidean norms.
    whole = np.concatenate([apart, -apart.sum(axis=2, keepdims=True)], axis=2)
    tangents = np.linalg.svd(np.eye(len(field)) - 1.0 / len(field))[0][:-1, :-1]
    assert np.max(np.linalg.norm(np.swapaxes(whole, 1, 2) @ tangents, ord=2, axis=(1, 2))) <= found.apart[0] + 1e-12


def test_tables_hold_what_followers_face_at_the_ends_of_what_is_near_and_little_more():
    game, field, radius = checked(Leavers()), np.array([0.1, 0.3, 0.2, 0.4]), 0.02
    found = followers_within(tables_for_leaders(game)[0], field[None], np.array([radius]))[0].follower
    laws = np.array(ends(field, radius))
    rewards = tables_at(game, laws)["follower_reward"]
    # Of -1.5 a leaving^2 along e_j - e_last, where the last entry is one of those who leave.
    leaving = laws[:, 1] + laws[:, 3]
    slopes = 3.0 * np.einsum("k,a,j->kja", leaving, np.arange(2.0), np.array([1.0, 0.0, 1.0, 0.0]))[:, :, None, :, None]
    for values, told, sharp in ((rewards, found[0], 0.9), (slopes, found[1], 0.99)):
        apart, known = np.abs(values - told.mid), told.rad > 1e-6
        assert np.all(apart <= told.rad + 1e-12)
        assert np.max(apart / np.where(known, told.rad, np.inf)) > sharp


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "leavers")) for n in GAMES])
def test_slopes_lie_in_what_is_told_of_all_leaders_and_mean_fields_near(name):
    game = checked(GAMES[name]())
    tables = tables_for_leaders(game)[0]
    rng = np.random.default_rng(1)
    rows = rng.dirichlet(np.ones(game.num_leader_actions) * 3.0, (2, tables.rows))
    fields = rng.dirichlet(np.ones(tables.num_fields) * 5.0, 2)
    wide = []
    for radius in (1e-3, 0.02):
        phi = Ball.of_ends(np.clip(rows - radius, 0.0, 1.0), np.clip(rows + radius, 0.0, 1.0))
        found = responses_within(tables, phi[:, tables.observation], fields, np.full(2, radius))
        wide.append(np.max(found.jacobian.rad))
        for k in range(2):
            laws = rng.permutation(nearby(fields[k], radius, rng))
            leaders = [rng.permutation(nearby(row, radius, rng)) for row in rows[k]]
            for law, *leader in list(zip(laws, *leaders, strict=False))[:4]:
                apart = slopes_of(game, np.array(leader)[tables.observation], law) - found.jacobian.mid[k]
                assert np.all(np.abs(apart) <= found.jacobian.rad[k] + 1e-7)
    assert np.isfinite(wide[0])
    # Of first order in the radius.
    assert wide[1] >= 10.0 * wide[0] > 0.0 or tables.num_fields == 1


def test_all_leaders_of_boxes_lie_in_what_is_told_of_them_with_laws_of_pairs():
    game, step = checked(Leavers()), 1e-4
    tables = tables_for_leaders(game)[0]
    assert tables.on_pairs
    middle, radii = np.array([[-1.5], [0.4], [2.0]]), []
    for radius in (3e-4, 3e-3):
        found = enclosed(tables, middle, radius)
        radii.append(np.median(found.inner.rad))
        for k, (at, side) in enumerate(zip(middle[:, 0], (1.0, -1.0, 0.3), strict=True)):

            def of(omega, held=None):
                return objective(game, softmax(np.array([[omega, 0.0]] * 2)), held)

            leader = at + side * radius
            held = of(leader)[1]
            ends = [[of(leader + move, how)[0] for move in (step, -step)] for how in (None, held)]
            g, p = ((end[0] - end[1]) / (2.0 * step) for end in ends)
            assert found.inner.lower[k] - 1e-7 <= 2.0 * g * p <= found.inner.upper[k] + 1e-7
            assert found.constant[k] <= p / g + 1e-5
            assert np.all(np.abs(held[0] - found.field[k]) <= found.radius[k, :4] + 1e-9)
    assert found.verified.all()
    assert radii[1] <= 12.0 * radii[0]


def test_the_law_moves_no_more_than_is_told():
    """A chain's law moves by at most mixing times what its rows do, in l1."""
    game = checked(Leavers())
    field, phi, step = np.array([[0.1, 0.3, 0.2, 0.4]]), np.full((2, 2), 0.5), 1e-6
    mixing = responses_within(tables_for_leaders(game)[0], Ball.exact(phi[None]), field, np.zeros(1)).mixing[0]
    tables = tables_at(game, field)
    rows, rewards = (np.einsum("sb,sab...->sa...", phi, tables[name][0]) for name in ("transition", "follower_reward"))
    chain = np.einsum("sa,sat->st", answer(rows, rewards, 0.6, 0.5), rows)
    moved = stationary(chain + step * np.array([[1.0, -1.0], [1.0, -1.0]])) - stationary(chain)
    assert np.abs(moved).sum() <= mixing * 2.0 * step * (1.0 + 1e-6)
    assert mixing < 5.0


def test_a_box_too_wide_for_its_values_has_no_slopes():
    tables = tables_for_leaders(checked(Leavers()))[0]
    phi = Ball.of_ends(np.zeros((1, 2, 2)), np.ones((1, 2, 2)))
    found = responses_within(tables, phi, np.full((1, 4), 0.25), np.array([0.5]))
    assert np.all(np.isinf(found.jacobian.rad)) or np.all(np.isfinite(found.jacobian.mid))
    assert not np.any(np.isnan(found.jacobian.mid))
