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


def game_entry(game: ArrayGame, radius=1e-13):
    """The entry `game` of a game of affine arrays; its radius covers rows that miss one by rounding."""
    n, num_actions, num_leader = game.sizes

    def at_vertices(constant, slope):
        return constant[None] if slope is None else constant + slope

    return {
        "name": "hand-made",
        "digest": "0123",
        "states": n,
        "actions": num_actions,
        "leader_actions": num_leader,
        "mean_fields": "states",
        "observation": [int(o) for o in game.observation],
        "discount": float(game.discount).hex(),
        "temperature": float(game.temperature).hex(),
        "transition": hexed(at_vertices(game.kernel, game.kernel_mean_field)),
        "transition_radius": radius.hex(),
        "reward": hexed(at_vertices(game.follower_rewards, game.follower_rewards_mean_field)),
        "reward_radius": radius.hex(),
    }


def rewards_entry(rewards, *, rows=None, on_states=True, radius=0.0):
    """The entry `game` of rewards at vertices, (V, n, A, B), and of rows P(t | s), uniform where none are given."""
    _, n, num_actions, num_leader = rewards.shape
    rows = np.full((n, n), 1.0 / n) if rows is None else rows
    return {
        "name": "hand-made",
        "digest": "0123",
        "states": n,
        "actions": num_actions,
        "leader_actions": num_leader,
        "mean_fields": "states" if on_states else "state_actions",
        "observation": [0] * n,
        "discount": (0.5).hex(),
        "temperature": (1.0).hex(),
        "transition": hexed(np.broadcast_to(rows[:, None, None], (n, num_actions, num_leader, n))),
        "transition_radius": (1e-13).hex(),
        "reward": hexed(rewards),
        "reward_radius": radius.hex(),
    }


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
