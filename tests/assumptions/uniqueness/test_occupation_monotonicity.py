"""Monotone on the laws that the dynamics allow: known strengths, pairs of laws by hand, and what is not proved."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.monotonicity import monotonicity_finding
from smfg_verify.assumptions.uniqueness.occupation import surveyed
from smfg_verify.assumptions.uniqueness.occupation_monotonicity import occupation_finding
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, TabularGame, parameter
from tests.assumptions.crowds import QUICK, crowd, packaged, relabelled
from tests.helpers.random_arrays import random_array_game

SHAPE = (3, 2, 2)


def found(game):
    return occupation_finding(game, surveyed(game, QUICK), QUICK)


def tabular(kernel, slope, seed=0, **options):
    """A game of tables with a slope of the follower's reward, (M, *SHAPE)."""
    rng = np.random.default_rng(seed)
    return checked(
        TabularGame.from_arrays(
            kernel=kernel,
            follower_rewards=rng.normal(size=SHAPE),
            leader_rewards=np.zeros(SHAPE),
            follower_rewards_mean_field=slope,
            discount=0.9,
            temperature=0.3,
            **options,
        )
    )


def own_mass(cost=1.0):
    """Each state costs its own mass, whatever the actions."""
    return -cost * np.broadcast_to(np.eye(3)[:, :, None, None], (3, *SHAPE))


def laws_of_policies(kernel, leader, rng, number=40):
    """Laws of state and action that populations settle at, each by many steps of its chain."""
    policies = rng.dirichlet(0.5 * np.ones(SHAPE[1]), (number, SHAPE[0]))
    chains = np.einsum("ksa,sabt,sb->kst", policies, kernel, leader)
    states = np.linalg.matrix_power(chains, 512)[:, 0]
    return (states[:, :, None] * policies).reshape(number, -1)


class Roads(AbstractGame):
    """A road chosen is taken with probability 0.9 and costs (or pays) the logarithm of its mass."""

    scale: jnp.ndarray = parameter(default=1.0)
    num_states: int = eqx.field(static=True, default=3)
    num_follower_actions: int = eqx.field(static=True, default=3)
    num_leader_actions: int = eqx.field(static=True, default=1)
    mean_field_support: str = eqx.field(static=True, default="states")
    discount: jnp.ndarray = parameter(default=0.9)
    temperature: jnp.ndarray = parameter(default=0.3)

    def transition(self, state, follower_action, leader_action, mean_field):
        return 0.9 * jnp.eye(3)[follower_action] + 0.1 / 3.0

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        if self.mean_field_support == "states":
            return -self.scale * jnp.log(0.5 + mean_field[follower_action])
        return -self.scale * jnp.log(0.5 + mean_field[state, follower_action])

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.0 * jnp.sum(mean_field)


@pytest.mark.parametrize("inertia", [0.0, 0.2])
def test_a_crowd_that_avoids_itself_is_strongly_monotone_through_its_dynamics(inertia):
    """Masses are (1 - e) times shares of choices plus e / 2: the form is -|m - m'|^2 / (1 - e)."""
    game = crowd(-1.0, 0.3, inertia=inertia)
    finding = found(game)
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.details["strength"] == pytest.approx(1.0 / (1.0 - inertia), rel=1e-9)
    assert finding.constant == pytest.approx(-1.0 / (1.0 - inertia), rel=1e-9)
    assert monotonicity_finding(game, QUICK).verdict is Verdict.REFUTED
    assert "strongly monotone" in finding.meaning
    assert "decides nothing" in finding.meaning


@pytest.mark.parametrize("inertia", [0.0, 0.2])
def test_a_crowd_that_likes_itself_is_refuted_by_two_laws(inertia):
    game = crowd(1.0, 0.3, inertia=inertia)
    finding = found(game)
    assert finding.verdict is Verdict.REFUTED
    assert finding.constant == pytest.approx(1.0 / (1.0 - inertia), rel=1e-6)
    again = Finding.from_json(finding.to_json()).reproduce(game)
    assert again == pytest.approx(finding.constant, rel=1e-12)
    # By hand: the reward of a pair is the mass of its target, and both laws are stationary.
    laws = finding.witness["laws"].reshape(2, 2, 2)
    masses = laws.sum(axis=2)
    np.testing.assert_allclose(masses, (1.0 - inertia) * laws.sum(axis=1) + 0.5 * inertia, atol=1e-12)
    change = np.sum((masses[0] - masses[1]) * (laws[0] - laws[1]).sum(axis=0))
    assert finding.constant == pytest.approx(change / np.sum((masses[0] - masses[1]) ** 2), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_no_pair_of_laws_exceeds_a_certified_bound_where_the_leader_moves_the_followers(seed):
    rng = np.random.default_rng(seed)
    kernel = rng.dirichlet(np.ones(3), SHAPE)
    game = tabular(kernel, own_mass(0.7), seed)
    finding = found(game)
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.facts["case"] == "joint"
    assert finding.details["strength"] == pytest.approx(0.7, rel=1e-9)
    leader = rng.dirichlet(np.ones(2), 3)
    laws = laws_of_policies(kernel, leader, rng)
    masses = laws.reshape(-1, 3, 2).sum(axis=2)
    rewards = np.repeat(-0.7 * masses, 2, axis=1)
    step, move = laws[:, None] - laws[None], masses[:, None] - masses[None]
    change = np.sum((rewards[:, None] - rewards[None]) * step, axis=2)
    allowed = -finding.details["strength"] * np.sum(move**2, axis=2)
    assert np.all(change <= allowed + finding.details["slack"] * np.sum(step**2, axis=2) + 1e-13)


def test_one_bad_pure_leader_refutes():
    """Crowds pay under the leader's second action alone, which half of a mixed leader hides."""
    kernel = np.broadcast_to(np.random.default_rng(0).dirichlet(np.ones(3), (3, 2, 1)), (*SHAPE, 3))
    slope = np.array(own_mass(1.0))
    slope[..., 1] *= -0.2
    finding = found(tabular(kernel, slope))
    assert finding.verdict is Verdict.REFUTED
    assert finding.constant == pytest.approx(0.2, rel=1e-6)
    assert not finding.details["proved"]
    np.testing.assert_array_equal(finding.witness["leader_rows"][:, 1], 1.0)


def test_coupled_dynamics_compare_all_laws_and_say_that_nothing_follows():
    rng = np.random.default_rng(1)
    kernel = 0.5 * rng.dirichlet(np.ones(3), SHAPE)
    moves = 0.5 * rng.dirichlet(np.ones(3), (3, *SHAPE))
    finding = found(tabular(kernel, own_mass(), kernel_mean_field=moves))
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.details["strength"] == pytest.approx(1.0, rel=1e-9)
    assert "proves nothing about uniqueness" in finding.meaning
    # Off the flow equations the target's mass is not its share of the choices.
    slope = np.zeros((3, *SHAPE))
    slope[[0, 1], :, [0, 1]] = -1.0
    free, bound = found(tabular(2.0 * kernel, slope)), found(tabular(kernel, slope, kernel_mean_field=moves))
    assert bound.verdict is Verdict.REFUTED
    assert free.facts["stationary"]
    assert not bound.facts["stationary"]


def test_a_reward_that_is_not_affine_is_supported_or_refuted_by_laws_and_proved_on_pairs():
    assert found(checked(Roads())).verdict is Verdict.SUPPORTED
    refuted = found(checked(Roads(scale=-1.0)))
    assert refuted.verdict is Verdict.REFUTED
    assert refuted.reproduce(checked(Roads(scale=-1.0))) == pytest.approx(refuted.constant, rel=1e-9)


def test_enclosed_slopes_prove_what_no_pair_exceeds():
    """Slopes -1 / (0.5 + m) are at most -1 / 1.5, the strength, and nearly that where one pair holds all."""
    finding = found(checked(Roads(mean_field_support="state_actions")))
    assert finding.verdict is Verdict.CERTIFIED
    assert 0.3 <= finding.details["strength"] <= 1.0 / 0.6
    laws = np.random.default_rng(2).dirichlet(0.3 * np.ones(9), (2000, 2))
    change = np.sum((np.log(0.5 + laws[:, 1]) - np.log(0.5 + laws[:, 0])) * (laws[:, 0] - laws[:, 1]), axis=1)
    assert np.all(change <= -finding.details["strength"] * np.sum((laws[:, 0] - laws[:, 1]) ** 2, axis=1) + 1e-12)


@pytest.mark.parametrize("coupled", [False, True])
def test_names_of_states_and_actions_change_nothing(coupled):
    arrays = random_array_game(np.random.default_rng(4), 3, 2, 2, observations=3)
    pair = [arrays, relabelled(arrays, [2, 0, 1], [1, 0])]
    if not coupled:
        pair = [dataclasses.replace(each, kernel_mean_field=None) for each in pair]
    first, other = (found(packaged(each)) for each in pair)
    assert first.facts["stationary"] is not coupled
    assert first.verdict is other.verdict is Verdict.REFUTED
    assert first.facts["case"] == other.facts["case"]
    np.testing.assert_allclose(other.details["slack"], first.details["slack"], rtol=1e-9)


def free_states(slopes):
    """Each of four actions leads mostly to its state; a state's own mass changes its reward by a slope."""
    size = len(slopes)
    kernel = np.full((size, size, 1, size), 0.05 / size) + 0.95 * np.eye(size)[None, :, None, :]
    own = np.diag(slopes)[:, :, None, None] * np.ones((1, 1, size, 1))
    return checked(
        TabularGame.from_arrays(
            kernel=kernel,
            follower_rewards=np.zeros((size, size, 1)),
            leader_rewards=np.zeros((size, size, 1)),
            follower_rewards_mean_field=own,
            discount=0.9,
            temperature=0.3,
        )
    )


@pytest.mark.parametrize(("large", "small"), [(1e12, 0.02), (1e6, 2e-8)])
def test_large_slopes_hide_no_crowd_that_pays_beside_them(large, small):
    """Mass that moves between the last two states alone is paid for: the classical statement sees it too."""
    game = free_states([-large, -large, small, small])
    finding = found(game)
    assert finding.verdict is not Verdict.CERTIFIED
    assert finding.constant == pytest.approx(small, rel=1e-3)
    assert monotonicity_finding(game, QUICK).verdict is not Verdict.CERTIFIED
    assert found(free_states([-2.0, -2.0, -0.02, -0.02])).verdict is Verdict.CERTIFIED


@pytest.mark.parametrize("slow", [1e-11, 1e-13])
def test_a_slow_chain_whose_masses_no_action_moves_is_not_refuted(slow):
    """Both states hold half whatever is chosen; flow equations of size 1e-11 are equations."""
    kernel = np.array([[1.0 - slow, slow], [slow, 1.0 - slow]])[:, None, None, :] * np.ones((1, 2, 1, 1))
    other = np.array([[1.0 - 2.0 * slow, 2.0 * slow]] * 2) * np.ones((2, 1))
    own = np.eye(2)[:, :, None, None] * np.ones((1, 1, 2, 1))
    rewards = dict.fromkeys(("follower_rewards", "leader_rewards"), np.zeros((2, 2, 1)))
    options = {"follower_rewards_mean_field": own, "discount": 0.9, "temperature": 0.3, **rewards}
    assert found(checked(TabularGame.from_arrays(kernel=kernel, **options))).verdict is Verdict.NOT_APPLICABLE
    moving = np.array(kernel)
    moving[0, 1, 0], moving[1, 1, 0] = other[0], other[1][::-1]
    assert found(checked(TabularGame.from_arrays(kernel=moving, **options))).verdict is Verdict.INCONCLUSIVE


class Circling(AbstractGame):
    """A skew slope beside a large constant that is added and taken away: what is left of it is rounded."""

    num_states: int = eqx.field(static=True, default=3)
    num_follower_actions: int = eqx.field(static=True, default=3)
    num_leader_actions: int = eqx.field(static=True, default=1)
    discount: jnp.ndarray = parameter(default=0.9)
    temperature: jnp.ndarray = parameter(default=0.5)
    large: jnp.ndarray = parameter(default=1000.0)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.array([0.998, 0.0005, 0.0005]) + jnp.where(jnp.arange(3) == follower_action, 1e-3, 0.0)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        turn = 0.9 * jnp.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
        return (self.large + turn[state] @ mean_field) - self.large

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.0 * jnp.sum(mean_field)


def test_nothing_is_supported_beside_a_quotient_above_zero():
    finding = found(checked(Circling()))
    assert finding.constant > 0.0
    assert finding.verdict is Verdict.INCONCLUSIVE
