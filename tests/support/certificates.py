"""Certificates written by hand, without the package's exporter."""

import copy
import json

import numpy as np

from smfg_verify.certificates import verifier
from tests.helpers.array_games import ArrayGame
from tests.helpers.random_arrays import random_array_game


def arrays(seed, sizes=(2, 2, 2), **changes):
    """A mild random game of affine arrays."""
    mild = {"gamma": 0.5, "tau": 1.0, "kernel_coupling": 0.3, "floor": 0.3, "observations": 1}
    return random_array_game(np.random.default_rng(seed), *sizes, **{**mild, **changes})


def hexed(table):
    return [float(value).hex() for value in np.ravel(table)]


def _entry(sizes, observation, *, mean_fields, discount, temperature, transition, reward):
    """The entry `game` of tables, each with its radius."""
    named = zip(("states", "actions", "leader_actions"), sizes, strict=True)
    return {
        "name": "hand-made",
        "digest": "0123",
        **{name: int(size) for name, size in named},
        "mean_fields": mean_fields,
        "observation": [int(o) for o in observation],
        "discount": float(discount).hex(),
        "temperature": float(temperature).hex(),
        "transition": hexed(transition[0]),
        "transition_radius": transition[1].hex(),
        "reward": hexed(reward[0]),
        "reward_radius": reward[1].hex(),
    }


def game_entry(game: ArrayGame, radius=1e-13):
    """The entry `game` of a game of affine arrays; its radius covers rows that miss one by rounding."""

    def at_vertices(constant, slope):
        return constant[None] if slope is None else constant + slope

    return _entry(
        game.sizes,
        game.observation,
        mean_fields="states",
        discount=game.discount,
        temperature=game.temperature,
        transition=(at_vertices(game.kernel, game.kernel_mean_field), radius),
        reward=(at_vertices(game.follower_rewards, game.follower_rewards_mean_field), radius),
    )


def rewards_entry(rewards, *, rows=None, on_states=True, radius=0.0):
    """The entry `game` of rewards at vertices, (V, n, A, B), and of rows P(t | s), uniform where none are given."""
    sizes = n, num_actions, num_leader = rewards.shape[1:]
    rows = np.full((n, n), 1.0 / n) if rows is None else rows
    return _entry(
        sizes,
        [0] * n,
        mean_fields="states" if on_states else "state_actions",
        discount=0.5,
        temperature=1.0,
        transition=(np.broadcast_to(rows[:, None, None], (n, num_actions, num_leader, n)), 1e-13),
        reward=(rewards, radius),
    )


def certificate(entry, kind, constant, proof):
    """A whole certificate, as JSON values."""
    claim = {"kind": kind, "constant": float(constant).hex(), "finding": float(constant).hex()}
    return sealed({"claim": claim, "game": entry, "proof": proof})


def sealed(content):
    """With the digest that fits the content."""
    return {
        "format": verifier.FORMAT,
        "version": verifier.VERSION,
        "sha256": verifier.digest_of(content),
        "content": content,
    }


def edited(found, change):
    """A copy whose content was changed and whose digest was computed again."""
    content = copy.deepcopy(found["content"])
    change(content)
    return sealed(content)


def spelled(found) -> bytes:
    return json.dumps(found).encode()
