"""The identity of a game: a digest of its code, its structure and its numbers."""

import ast
import dataclasses
import functools
import hashlib
import inspect
import textwrap
import types
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


def _absorb_function(digest: Any, value: Any) -> None:
    """A function by name, code, defaults and what it closes over; its representation would hold its address."""
    digest.update(
        f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}".encode()
    )
    if isinstance(value, functools.partial):
        for part in (value.func, value.args, value.keywords):
            _absorb(digest, part)
    code = getattr(value, "__code__", None)
    if code is None:
        return
    _absorb_code(digest, code)
    _absorb(digest, value.__defaults__)
    _absorb(digest, value.__kwdefaults__)
    for cell in value.__closure__ or ():
        try:
            _absorb(digest, cell.cell_contents)
        except ValueError:  # not filled yet
            digest.update(b"<empty>")


def _absorb_code(digest: Any, code: types.CodeType) -> None:
    digest.update(code.co_code + repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _absorb_code(digest, constant)
        else:
            digest.update(repr(constant).encode())


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
        _absorb_function(digest, value)
    else:
        digest.update(f"{type(value).__name__}:{value!r};".encode())
