"""Random games shared by the tests of the exact solvers, built for the package and for the oracle."""

import dataclasses
import itertools
from collections.abc import Iterator

import jax
import numpy as np
import pytest

from smfg_verify.game import TabularGame
from tests.helpers.array_games import ArrayGame
from tests.helpers.random_arrays import random_array_game

SUPPORTS = pytest.mark.parametrize("support", ["states", "state_actions"])
# Where a program of many seconds is compiled for each of them.
SUPPORTS_ONE_QUICK = pytest.mark.parametrize(
    "support", ["states", pytest.param("state_actions", marks=pytest.mark.slow)]
)

HARD_SIZES = [(2, 2, 1), (3, 2, 2), (5, 3, 2), (8, 4, 3)]


def pair(seed: int, sizes=(4, 3, 2), **options) -> tuple[TabularGame, ArrayGame, np.ndarray]:
    """A random game as the package reads it, as the oracle reads it, and logits of a random leader."""
    rng = np.random.default_rng(seed)
    arrays = random_array_game(rng, *sizes, **options)
    logits = rng.normal(size=(int(arrays.observation.max()) + 1, sizes[2]))
    return TabularGame.from_arrays(**arrays.from_arrays_arguments()), arrays, logits


def found_by_newton(evaluate, size: int, game, logits, mean_fields):
    """`evaluate` of `at_leaders` at few points without rescue, filled up to a batch whose program is compiled."""
    rows = np.minimum(np.arange(size), len(logits) - 1)
    batch = evaluate(game, *jax.tree.map(lambda leaf: leaf[rows], (logits, mean_fields)), False)
    return jax.tree.map(lambda leaf: leaf[: len(logits)], batch)


def hard_games(all_sizes: list) -> Iterator[tuple[ArrayGame, np.ndarray]]:
    """Games for which Newton's method from a uniform start often fails, with logits of a leader, in a fixed order."""
    rng = np.random.default_rng(7)
    for index in itertools.count():
        yield _hard_game(rng, index, all_sizes)


def _hard_game(rng: np.random.Generator, index: int, all_sizes: list) -> tuple[ArrayGame, np.ndarray]:
    """Temperatures down to 0.005, discounts up to 0.99, coupling up to 10 times the reward, both supports."""
    sizes = all_sizes[index % len(all_sizes)]
    arrays_options = dict(
        support=["states", "state_actions"][(index // len(all_sizes)) % 2],
        tau=float(np.exp(rng.uniform(np.log(0.005), np.log(2.0)))) if index % 3 else 0.005,
        gamma=float(rng.uniform(0.0, 0.99)) if index % 5 else 0.99,
        reward_coupling=float(rng.uniform(0.1, 10.0)) if index % 2 else 10.0,
        kernel_coupling=[0.3, 0.9][index % 7 < 3],
        floor=[0.01, 0.2][index % 2],
    )
    arrays = random_array_game(rng, *sizes, **arrays_options)
    if index % 6 == 0:  # pure congestion, or pure attraction: the regimes of cycles and of many equilibria
        size, sign = arrays.follower_rewards_mean_field.shape[0], rng.choice([-1.0, 1.0])
        owner = np.repeat(np.arange(sizes[0]), size // sizes[0])
        own = (owner[:, None] == np.arange(sizes[0]))[:, :, None, None]
        arrays = dataclasses.replace(
            arrays, follower_rewards_mean_field=10.0 * sign * np.broadcast_to(own, (size, *sizes))
        )
    return arrays, 2.0 * rng.normal(size=(sizes[0], sizes[2]))
