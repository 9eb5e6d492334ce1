"""The chain of Lasry and Lions: the numbers that Bench-MFG ships, a mirror image, closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.peers import chain
from benchmarks.peers.our_games import crowded_chain
from smfg_verify import solve_equilibrium
from smfg_verify.exact import tabulate
from smfg_verify.games import LasryLionsChain


@pytest.mark.parametrize("size", [1, 2, 7, 12])
def test_is_the_chain_that_peers_ship(size):
    """Moves and rewards as a plain NumPy program has them, at the parameters that the docstring names."""
    field, stated = np.random.default_rng(0).dirichlet(np.ones(size)), chain.stated(size)
    found = tabulate(crowded_chain(size), jnp.asarray(field))
    expected = np.zeros((size, 3, size))
    for state, move, disturbance in np.ndindex(size, 3, 3):
        expected[state, move, stated.successors[state, move, disturbance]] += chain.CHANCES[disturbance]
    np.testing.assert_allclose(found.transition[:, :, 0], expected, atol=1e-15)
    np.testing.assert_allclose(found.follower_reward[:, :, 0], stated.reward(field), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("crowd", ["log", pytest.param("linear", marks=pytest.mark.slow)])
def test_equilibrium_is_its_own_mirror_image(crowd):
    found = solve_equilibrium(LasryLionsChain(num_states=8, crowd=crowd), np.array([[0.3, -0.1], [0.8, 0.2]]))
    np.testing.assert_allclose(found.mean_field, found.mean_field[::-1], atol=1e-12)
    np.testing.assert_allclose(found.follower_policy, found.follower_policy[::-1, ::-1], atol=1e-12)


@pytest.mark.slow
def test_without_costs_but_those_of_moves_people_spread_evenly():
    """At gamma 0 nobody looks ahead, and two states that mirror each other hold the same."""
    found = solve_equilibrium(LasryLionsChain(num_states=2, pull=0.0, discount=0.0), np.zeros((1, 2)))
    np.testing.assert_allclose(found.mean_field, 0.5, atol=1e-13)
    weights = np.exp(-np.array([0.05, 0.0, 0.05]) / 0.3)
    np.testing.assert_allclose(found.follower_policy, np.tile(weights / weights.sum(), (2, 1)), atol=1e-14)


def test_parameters_mean_the_same_at_every_length():
    """At the uniform law the reward of a share of the row is the same function of the share."""
    for crowd in ("linear", "log"):
        short, long = (LasryLionsChain(num_states=n, crowd=crowd) for n in (5, 15))
        ours, theirs = (
            float(game.follower_reward(s, 0, 1, jnp.full(game.num_states, 1 / game.num_states)))
            for game, s in ((short, 0), (long, 1))
        )
        assert ours == pytest.approx(theirs, rel=1e-14)


def test_the_middle_half_is_observed_apart():
    np.testing.assert_array_equal(LasryLionsChain(num_states=8).leader_observation, [1, 1, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(LasryLionsChain(num_states=7).leader_observation, [1, 1, 0, 0, 0, 1, 1])


@pytest.mark.slow
def test_a_steeper_pull_gathers_people():
    wide, narrow = (solve_equilibrium(LasryLionsChain(pull=pull), np.zeros((2, 2))).mean_field for pull in (1.0, 20.0))
    assert float(narrow[3]) > float(wide[3]) + 0.1


def test_noise_that_is_no_law_is_refused():
    with pytest.raises(ValueError, match="not normalised"):
        LasryLionsChain(noise=(0.1, 0.1, 0.1))
