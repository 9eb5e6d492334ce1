"""The identity of a game: a digest of what its functions do, its structure and its numbers."""

import dataclasses
import hashlib

import jax
import numpy as np

from smfg_verify.game.base import AbstractGame
from smfg_verify.game.prepared import NUMBERS, WORDS, digest_of, traced
from smfg_verify.game.reach.digest import numbers_in


def game_hash(game: AbstractGame) -> str:
    """Digest of a game: equal digests mean the same class name, functions, structure and parameters.

    Functions count by everything they reach: helpers, globals, enclosing variables, class attributes (see
    `smfg_verify.game.reach.digest`); comments, formatting and docstrings do not.

    Args:
        game: any game.

    Returns:
        32 hexadecimal digits, the same in every process of one version of Python.

    Raises:
        ValueError: the game's functions reach something that cannot be recorded.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import game_hash
        >>> first, same, other = (game_hash(games.load("laffer-tax", discount=d)) for d in (0.9, 0.9, 0.8))
        >>> len(first), first == same, first == other
        (32, True, False)
    """
    prepared = traced(game)
    digest = hashlib.sha256(digest_of(prepared).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(prepared):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(_content(leaf))
    for name in WORDS + NUMBERS:  # properties are no fields, yet part of the game
        value = getattr(prepared, name)
        digest.update(f"{name}={value};".encode() if isinstance(value, str) else _content(value))
    return digest.hexdigest()[:32]


def _content(value: object) -> bytes:
    array = np.asarray(numbers_in(value))
    return f"{array.dtype}{array.shape}".encode() + np.ascontiguousarray(array).tobytes()


@dataclasses.dataclass(frozen=True)
class GameKey:
    """A game as a key of memory, equal where what functions compute of it is the same.

    The structure (class and static fields, functions by identity) stands beside the digest, which does not see
    everything that functions reach.

    Attributes:
        content: digest and structure.
        game: that anything is computed of, traced.
    """

    content: tuple[str, object]
    game: AbstractGame = dataclasses.field(compare=False)

    @classmethod
    def of(cls, game: AbstractGame) -> "GameKey":
        """The key of a game.

        Args:
            game: traced.

        Returns:
            The key.

        Raises:
            ValueError: the game's functions reach something that cannot be recorded.
        """
        return cls((game_hash(game), jax.tree.structure(game)), game)
