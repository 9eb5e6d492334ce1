"""Random games of two states with their certified constants, shared by the tests of the theorem."""

import functools

import numpy as np

from smfg_verify.assumptions import search_settings
from smfg_verify.bounds.theorem.certified import certified_inputs
from smfg_verify.game import TabularGame
from tests.helpers.random_arrays import random_array_game

MILD = {"gamma": 0.4, "tau": 1.0, "kernel_coupling": 0.3, "reward_coupling": 0.5, "leader_coupling": 0.5, "floor": 0.3}


@functools.lru_cache
def certified_game(seed, own_world=False, **changes):
    """The game as the oracle reads it, and what is certified of it."""
    apart = {"kernel_coupling": 0.0, "leader_coupling": 0.0} if own_world else {}
    arrays = random_array_game(np.random.default_rng(seed), 2, 2, 2, **{**MILD, **apart, **changes})
    if own_world:
        arrays.kernel[:] = arrays.kernel[:, :1]
        arrays.leader_rewards[:] = arrays.leader_rewards[:, :1]
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    return arrays, certified_inputs(game, search_settings("quick", num_boxes=50))
