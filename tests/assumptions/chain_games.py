"""Games given by their kernel, for the tests of what concerns chains; rewards are drawn, or given."""

import dataclasses

import numpy as np

from smfg_verify.game import TabularGame
from tests.helpers.array_games import ArrayGame
from tests.helpers.random_arrays import random_array_game


def kernel_game(kernel, kernel_mean_field=None, **options) -> TabularGame:
    """A game with this kernel, (n, A, B, n) or (n, n) for one action of each player."""
    kernel = np.asarray(kernel, dtype=float)
    kernel = kernel[:, None, None, :] if kernel.ndim == 2 else kernel
    rewards = np.random.default_rng(0).normal(size=(2, *kernel.shape[:3]))
    arguments = {"follower_rewards": rewards[0], "leader_rewards": rewards[1], "discount": 0.9, "temperature": 0.3}
    return TabularGame.from_arrays(kernel=kernel, kernel_mean_field=kernel_mean_field, **{**arguments, **options})


def array_pair(seed: int, sizes=(3, 2, 2), **options) -> tuple[TabularGame, ArrayGame]:
    """A random affine game as the package reads it, and its arrays."""
    arrays = random_array_game(np.random.default_rng(seed), *sizes, **options)
    return packaged(arrays), arrays


def packaged(arrays: ArrayGame) -> TabularGame:
    return TabularGame.from_arrays(**arrays.from_arrays_arguments())


def walk(num_states: int, stay: float = 0.5) -> np.ndarray:
    """Round the circle one state a step, but for the last state, which is kept with probability `stay`."""
    kernel = np.roll(np.eye(num_states), 1, axis=1)
    kernel[-1] = (1.0 - stay) * kernel[-1] + stay * np.eye(num_states)[-1]
    return kernel


def split_follower_action(arrays: ArrayGame) -> ArrayGame:
    """The same game with its last follower action there twice (mean field on states)."""
    return _mapped(arrays, lambda table, axis: np.concatenate([table, table.take([-1], axis=axis)], axis=axis), axis=1)


def split_leader_action(arrays: ArrayGame) -> ArrayGame:
    """The same game with its last leader action there twice."""
    return _mapped(arrays, lambda table, axis: np.concatenate([table, table.take([-1], axis=axis)], axis=axis), axis=2)


def reordered_actions(arrays: ArrayGame) -> ArrayGame:
    """The same game with the actions of both players in reverse order (mean field on states)."""
    turned = _mapped(arrays, np.flip, axis=1)
    return _mapped(turned, np.flip, axis=2)


def _mapped(arrays: ArrayGame, change, axis: int) -> ArrayGame:
    """Change one axis (1 or 2) of every table; slopes have one axis more in front."""
    tables = {name: change(getattr(arrays, name), axis) for name in ("kernel", "follower_rewards", "leader_rewards")}
    slopes = {
        name: None if getattr(arrays, name) is None else change(getattr(arrays, name), axis + 1)
        for name in ("kernel_mean_field", "follower_rewards_mean_field", "leader_rewards_mean_field")
    }
    return dataclasses.replace(arrays, **tables, **slopes)


def relabelled_states(arrays: ArrayGame, order: np.ndarray) -> ArrayGame:
    """The same game with state k called what was `order[k]` (mean field on states)."""

    def slope(table):
        return None if table is None else table[np.ix_(order, order)]

    kernel_slope = slope(arrays.kernel_mean_field)
    return dataclasses.replace(
        arrays,
        kernel=arrays.kernel[order][..., order],
        follower_rewards=arrays.follower_rewards[order],
        leader_rewards=arrays.leader_rewards[order],
        kernel_mean_field=None if kernel_slope is None else kernel_slope[..., order],
        follower_rewards_mean_field=slope(arrays.follower_rewards_mean_field),
        leader_rewards_mean_field=slope(arrays.leader_rewards_mean_field),
        initial_distribution=arrays.initial_distribution[order],
        observation=arrays.observation[order],
    )
