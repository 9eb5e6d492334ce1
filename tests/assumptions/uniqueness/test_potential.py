"""Rewards that are the slope of a function, and rewards that do work around four laws."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.occupation import surveyed
from smfg_verify.assumptions.uniqueness.potential import potential_finding
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, TabularGame, parameter
from tests.assumptions.crowds import QUICK, crowd


def found(game):
    return potential_finding(game, surveyed(game, QUICK))


def on_pairs(matrix, **options):
    """Three states, two actions: rewards of the six pairs are a matrix times the law, one for each leader's action."""
    shape = (3, 2, 2)
    rng = np.random.default_rng(0)
    slope = np.moveaxis(np.asarray(matrix, dtype=float).reshape(3, 2, 2, 6), -1, 0)
    kernel = 0.5 * np.broadcast_to(rng.dirichlet(np.ones(3), (3, 2, 1)), (*shape, 3))
    moves = 0.5 * np.broadcast_to(rng.dirichlet(np.ones(3), (6, 3, 2, 1)), (6, *shape, 3))
    return checked(
        TabularGame.from_arrays(
            kernel=kernel,
            kernel_mean_field=moves,
            follower_rewards=rng.normal(size=shape),
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=slope,
            mean_field_support="state_actions",
            leader_observation=[0, 0, 0],
            discount=0.9,
            temperature=0.3,
            **options,
        )
    )


def both(first, second):
    """Slopes under the leader's two actions, (6, 2, 6)."""
    return np.stack([first, second], axis=1)


def skewness(matrix):
    """Largest x^T A y - y^T A x over x and y of length 1 that sum to zero."""
    centre = np.eye(6) - 1.0 / 6.0
    return np.linalg.norm(centre @ (matrix - matrix.T) @ centre, 2)


@pytest.mark.parametrize("seed", range(2))
def test_symmetric_slopes_have_a_potential_and_others_do_the_work_that_they_lack(seed):
    matrices = np.random.default_rng(seed).normal(size=(2, 6, 6))
    symmetric = matrices + np.swapaxes(matrices, 1, 2)
    assert found(on_pairs(both(*symmetric))).verdict is Verdict.CERTIFIED
    game = on_pairs(both(symmetric[0], matrices[1]))
    finding = found(game)
    assert finding.verdict is Verdict.REFUTED
    assert finding.constant == pytest.approx(skewness(matrices[1]), rel=1e-6)
    assert not finding.details["proved"]
    assert Finding.from_json(finding.to_json()).reproduce(game) == pytest.approx(finding.constant, rel=1e-12)


def test_the_work_by_hand():
    """Along a straight edge an affine reward does the work of its mean, and a closed walk in a potential does none."""
    matrix = np.random.default_rng(3).normal(size=(6, 6))
    game = on_pairs(both(matrix, matrix))
    finding = found(game)
    corners = finding.witness["laws"]
    edges = np.roll(corners, -1, axis=0) - corners
    base = np.asarray(game.follower_rewards)[..., 0].ravel()
    work = sum((base + matrix @ (x + 0.5 * edge)) @ edge for x, edge in zip(corners, edges, strict=True))
    area = np.linalg.norm(edges[0]) * np.linalg.norm(edges[1])
    assert finding.constant == pytest.approx(abs(work) / area, rel=1e-8)
    np.testing.assert_allclose(corners.sum(axis=1), 1.0)
    assert np.all(corners >= 0.0)


def test_what_only_the_sum_of_masses_turns_is_no_work():
    """A skew part 1 c^T is the same reward for all pairs, which no choice of a follower sees."""
    weights = np.arange(6.0)
    finding = found(on_pairs(both(*[np.outer(np.ones(6), weights)] * 2)))
    assert finding.verdict is Verdict.CERTIFIED


def test_a_crowd_has_a_potential_through_its_dynamics():
    """The reward is the mass of the target: symmetric where masses are shares of choices, and nowhere else."""
    finding = found(crowd(1.0, 0.3, inertia=0.2))
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.facts["stationary"]


def test_large_slopes_hide_no_work_of_small_ones():
    """1 c^T - c 1^T is no work and of size 1e14; beside it three entries of one are."""
    weights = 2.0**47 * np.arange(6.0)
    hidden = np.outer(np.ones(6), weights) - np.outer(weights, np.ones(6))
    assert found(on_pairs(both(hidden, hidden))).verdict is Verdict.CERTIFIED
    turned = np.zeros((6, 6))
    turned[[0, 1, 2], [1, 2, 0]] = 1.0
    assert found(on_pairs(both(*[hidden + turned] * 2))).verdict is not Verdict.CERTIFIED


class Kinked(AbstractGame):
    """The reward of a pair is its weight times a function of the weighted law, of which it is a slope; with a kink."""

    kink: jnp.ndarray = parameter(default=0.3)
    mean_field_support: str = eqx.field(static=True, default="state_actions")
    num_states: int = eqx.field(static=True, default=2)
    num_follower_actions: int = eqx.field(static=True, default=2)
    num_leader_actions: int = eqx.field(static=True, default=1)
    discount: jnp.ndarray = parameter(default=0.9)
    temperature: jnp.ndarray = parameter(default=0.5)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        weights = jnp.array([[0.31, 0.77], [1.13, 0.19]])
        level = jnp.sum(weights * mean_field)
        return weights[state, follower_action] * (jnp.abs(level - self.kink) + level**3)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.0 * jnp.sum(mean_field)


@pytest.mark.parametrize("kink", [0.5900352805069652, 0.5918228016783422])
def test_two_rules_that_agree_by_chance_at_a_kink_refute_nothing(kink):
    """The kink lies where both rules of integration are wrong by the same: the reward has a potential."""
    assert found(checked(Kinked(kink=kink))).verdict is not Verdict.REFUTED
