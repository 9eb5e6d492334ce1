"""Bounds of all leaders at once hold what two best responses nearby differ by, at pure leaders too."""

import functools

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.assumptions.enclosure.response.zones.bounds import zone_bound
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from tests.helpers.random_arrays import random_array_game


@functools.cache
def drawn(sizes, seed, **options):
    """A random game's arrays, and its tables."""
    arrays = random_array_game(np.random.default_rng(seed), *sizes, **options)
    return arrays, vertex_tables(checked(TabularGame.from_arrays(**arrays.from_arrays_arguments())))


def drawn_leaders(arrays, number, rng):
    """Mixed and pure ones, by state."""
    states, _, actions = arrays.follower_rewards.shape
    mixed = rng.dirichlet(np.full(actions, 0.3), (number, states))
    return np.concatenate([mixed, np.eye(actions)[rng.integers(actions, size=(number, states))]])


def best_response(arrays, policies, fields):
    """The chain of the soft best response by value iteration, and its law by a power."""
    kernel = np.broadcast_to(arrays.kernel, (len(fields), *arrays.kernel.shape))
    reward = arrays.follower_rewards + np.einsum("kj,jsab->ksab", fields, arrays.follower_rewards_mean_field)
    if arrays.kernel_mean_field is not None:
        kernel = kernel + np.einsum("kj,jsabt->ksabt", fields, arrays.kernel_mean_field)
    rows, gain = np.einsum("ksb,ksabt->ksat", policies, kernel), np.einsum("ksb,ksab->ksa", policies, reward)
    values = np.zeros(gain.shape[:2])
    for _ in range(int(np.ceil(40.0 / (1.0 - arrays.discount))) if arrays.discount else 1):
        worth = gain + arrays.discount * np.einsum("ksat,kt->ksa", rows, values)
        top = np.max(worth, axis=-1)
        values = top + arrays.temperature * np.log(
            np.sum(np.exp((worth - top[..., None]) / arrays.temperature), axis=-1)
        )
    policy = np.exp((worth - values[..., None]) / arrays.temperature)
    chain = np.einsum("ksa,ksat->kst", policy, rows)
    return chain, np.linalg.matrix_power(chain, 512)[:, 0]


def largest_stretch(arrays, corners, rng, number=200, step=1e-5):
    """Of mean fields of a cell that are moved along edges of the simplex, by central differences."""
    policies = drawn_leaders(arrays, number, rng)
    fields = rng.dirichlet(np.full(len(corners), 0.3), len(policies)) @ corners
    stretch = 0.0
    for i, j in zip(*np.triu_indices(len(corners), 1), strict=True):
        edge = step * (np.eye(len(corners))[i] - np.eye(len(corners))[j])
        above, below = (best_response(arrays, policies, fields + sign * edge)[1] for sign in (1.0, -1.0))
        stretch = max(stretch, float(np.max(np.sum(np.abs(above - below), axis=1)) / (4.0 * step)))
    return stretch


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((3, 3, 2), {"tau": 1.0, "gamma": 0.5}),
        ((2, 2, 2), {"gamma": 0.7}),
        ((3, 1, 3), {"kernel_coupling": 0.9, "gamma": 0.5}),
        ((3, 2, 1), {"gamma": 0.0, "tau": 0.2}),
        pytest.param((5, 3, 3), {}, marks=pytest.mark.slow),
        pytest.param((6, 2, 2), {"tau": 0.05}, marks=pytest.mark.slow),
    ],
)
def test_random_games(sizes, options):
    arrays, tables = drawn(sizes, sum(sizes), **options)
    rng, size, moduli = np.random.default_rng(3), sizes[0], []
    for radius in (0.0, 0.25, 1.0):
        corners = (1.0 - radius) / size + radius * np.eye(size)
        moduli.append(zone_bound(tables, corners).modulus)
        assert largest_stretch(arrays, corners, rng) <= moduli[-1] + 1e-6
    assert moduli[0] <= moduli[1] <= moduli[2] < np.inf


def test_with_one_leader_and_hot_followers_it_is_nearly_sharp():
    """What is left is the kernel's own slope."""
    arrays, tables = drawn((3, 2, 1), 5, tau=1e4, gamma=0.5, kernel_coupling=0.3)
    corners = np.full((3, 3), 1.0 / 3.0)
    found, largest = zone_bound(tables, corners).modulus, largest_stretch(arrays, corners, np.random.default_rng(3))
    assert largest <= found + 1e-6
    assert found <= 1.7 * largest


def test_laws_move_by_no_more_than_the_mixing_factor():
    arrays, tables = drawn((3, 3, 2), 8, tau=1.0, gamma=0.5)
    rng = np.random.default_rng(3)
    policies = drawn_leaders(arrays, 100, rng)
    chains, laws = best_response(arrays, policies, rng.dirichlet(np.ones(3), len(policies)))
    moved = np.sum(np.abs(laws[:, None] - laws), axis=-1)
    apart = np.max(np.sum(np.abs(chains[:, None] - chains), axis=-1), axis=-1)
    mixing = zone_bound(tables, np.eye(3)).mixing
    assert np.all(moved <= mixing * apart + 1e-9)
    assert mixing <= 8.0 * np.max(moved[apart > 1e-3] / apart[apart > 1e-3])
