"""The identity of a game: a digest of its code, its structure and its numbers."""

import ast
import dataclasses
import hashlib
import inspect
import textwrap
from typing import Any

import jax
import numpy as np

from smfg_verify.game.base import AbstractGame, traced

_CONTRACT_WORDS = (
    "num_states",
    "num_follower_actions",
    "num_leader_actions",
    "mean_field_support",
    "transition_dependence",
    "follower_reward_dependence",
    "leader_reward_dependence",
)
_CONTRACT_NUMBERS = ("discount", "temperature", "leader_temperature", "initial_distribution", "leader_observation")


def game_hash(game: AbstractGame) -> str:
    """Digest of a game: equal digests mean the same class, code, structure and parameters.

    The code is that of the class and its bases within reach, comments and formatting aside; functions it calls
    elsewhere are not looked at.

    Args:
        game: any game.

    Returns:
        32 hexadecimal digits, the same in every process.
    """
    digest = hashlib.sha256()
    for kind in type(game).__mro__:
        if kind is AbstractGame:
            break
        digest.update(_code(kind).encode())
    _absorb(digest, traced(game))
    for name in _CONTRACT_WORDS:  # class attributes and properties are no fields, yet part of the game
        _absorb(digest, getattr(game, name))
    for name in _CONTRACT_NUMBERS:
        _absorb(digest, np.asarray(getattr(game, name)))
    return digest.hexdigest()[:32]


def _code(kind: type) -> str:
    """Source of a class without comments, formatting and docstrings."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt: there is no file to read
        return kind.__qualname__
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _absorb(digest: Any, value: Any) -> None:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        digest.update(f"<{type(value).__qualname__}>".encode())
        for field in dataclasses.fields(value):
            digest.update(f"{field.name}=".encode())
            _absorb(digest, getattr(value, field.name))
    elif isinstance(value, jax.Array | np.ndarray):
        array = np.asarray(value)
        digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    elif isinstance(value, tuple | list):
        digest.update(f"{type(value).__name__}{len(value)}".encode())
        for item in value:
            _absorb(digest, item)
    elif isinstance(value, dict):
        for key in sorted(value, key=repr):
            digest.update(repr(key).encode())
            _absorb(digest, value[key])
    elif callable(value):
        # The representation of a function holds its address, which differs between processes.
        digest.update(f"{value.__module__}.{value.__qualname__}".encode())
    else:
        digest.update(f"{type(value).__name__}:{value!r};".encode())
