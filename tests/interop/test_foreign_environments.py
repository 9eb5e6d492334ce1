"""Another spelling of an environment is the same game, and a copy brings its environment along."""

import copy
import pickle

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium
from smfg_verify.game import game_hash, traced
from smfg_verify.interop import from_mfglib
from tests.interop.foreign_sites import LEADER, OPTIONS, START, N, Sites

# What an environment reaches is read from the code as it is, the package's own around it too.
pytestmark = pytest.mark.untyped


class OneBuffer(Sites):
    """Writes every result to the same array, and into its argument."""

    def __init__(self):
        super().__init__()
        self.buffer = np.zeros((N, N))

    def reward(self, t, joint):
        self.buffer[:] = super().reward(t, joint)
        joint[:] = 0.0
        return self.buffer


class Single(Sites):
    def reward(self, t, joint):
        return super().reward(t, joint.astype(np.float32)).astype(np.float32)


class Lists(Sites):
    def reward(self, t, joint):
        return super().reward(t, joint).tolist()


@pytest.mark.parametrize(("environment", "tolerance"), [(OneBuffer(), 1e-12), (Single(), 1e-5), (Lists(), 1e-12)])
def test_what_says_the_same_in_its_own_way_is_the_same_game(sites, equilibrium, environment, tolerance):
    game = from_mfglib(environment, LEADER, mean_field_support="states", **OPTIONS)
    np.testing.assert_allclose(solve_equilibrium(game, START).mean_field, equilibrium, atol=tolerance)
    assert float(game.reward_table.deviation) <= float(game.reward_table.accepted)


def test_a_copy_from_elsewhere_brings_its_environment_along(sites, equilibrium):
    prepared = traced(sites)
    copies = [pickle.loads(pickle.dumps(game)) for game in (sites, prepared)]
    for other in (*copies, copy.deepcopy(sites), copy.copy(sites), copy.deepcopy(prepared)):
        assert game_hash(other) == game_hash(sites)
        np.testing.assert_array_equal(solve_equilibrium(other, START).mean_field, equilibrium)
    dearer = eqx.tree_at(lambda game: game.temperature, sites, jnp.asarray(0.3))
    assert solve_equilibrium(dearer, START).source_gap.excess <= 1.0


def test_the_same_environment_made_anew_has_the_same_hash_and_another_has_not(sites):
    assert game_hash(from_mfglib(Sites(), LEADER, mean_field_support="states", **OPTIONS)) == game_hash(sites)
    # Between probes only, so that all that was read is equal.
    other = from_mfglib(Trap(0.3217), LEADER, mean_field_support="states", **OPTIONS)
    np.testing.assert_array_equal(other.reward_table.slopes, sites.reward_table.slopes)
    assert game_hash(other) != game_hash(sites)


class Trap(Sites):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def reward(self, t, joint):
        m = joint.reshape(N, -1).sum(axis=1)
        return super().reward(t, joint) + (abs(m[0] - self.at) + abs(m[1] - 0.417) < 1e-9)
