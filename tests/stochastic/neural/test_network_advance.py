"""Iterations in one compiled call: any split of a range, and any company, gives the same bits."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from smfg_verify.stochastic.neural.network_advance import LANES, advance, first_iterates, snapshot
from smfg_verify.stochastic.neural.networks import QuadraticNetworks
from smfg_verify.stochastic.schedules import Schedule
from tests.stochastic.neural.test_network_updates import GAME

OPTIMISER = optax.sgd(1.0)
SCHEDULE = Schedule(leader=0.01, mean_field=0.1, follower=0.01, critic=0.02)


def started(seeds):
    seeds = jnp.asarray(seeds, jnp.uint32)
    return seeds, first_iterates(GAME, QuadraticNetworks(), OPTIMISER, jnp.zeros(3), seeds, 3)


def advanced(seeds, *stops):
    """Numbers of every lane after the last of the stops."""
    seeds, iterate = started(seeds)
    schedules = jax.tree.map(lambda leaf: jnp.full(LANES, leaf), SCHEDULE)
    for start, stop in zip((0, *stops), stops, strict=False):
        iterate = advance(
            GAME, OPTIMISER, schedules, jnp.asarray(0), seeds, iterate, jnp.asarray(start), jnp.asarray(stop)
        )
    return snapshot(GAME, iterate, jnp.linspace(-1.0, 1.0, 3))


def test_a_range_may_be_split_and_lanes_may_change_places():
    whole, split, other = advanced([3, 1, 4, 1], 20), advanced([3, 1, 4, 1], 7, 8, 20), advanced([4, 9, 1, 3], 20)
    for name, values in whole.items():
        np.testing.assert_array_equal(split[name], values, err_msg=name)
        np.testing.assert_array_equal(other[name][jnp.array([3, 2, 0, 2])], values, err_msg=name)
    assert len(np.unique(whole["policy_mean"][:, 0])) == 3


def test_a_run_starts_at_the_first_law_and_is_recorded_in_the_games_units():
    seeds, iterate = started([5, 6, 7, 8])
    found = snapshot(GAME, iterate, jnp.linspace(-1.0, 1.0, 3))
    law, positions = np.asarray(GAME.grid.initial_distribution), np.asarray(GAME.grid.positions)
    np.testing.assert_allclose(found["field_mean"], law @ positions, atol=1e-15)
    np.testing.assert_allclose(found["field_variance"], law @ positions**2 - (law @ positions) ** 2, rtol=1e-12)
    np.testing.assert_allclose(found["leader_policy"], 1.0 / 3.0, rtol=1e-12)
    critic = iterate.players.follower_critic.coefficients
    horizon = 1.0 / (1.0 - float(GAME.discount))
    np.testing.assert_allclose(found["follower_value"][:, 1], horizon * critic[:, 0], rtol=1e-12)
    assert len(np.unique(iterate.occupancy_position, axis=0)) == len(seeds)
