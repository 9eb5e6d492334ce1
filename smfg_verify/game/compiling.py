"""Compiled functions of a game: never a program of what the game did before."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx

from smfg_verify.game.base import AbstractGame
from smfg_verify.game.prepared import is_prepared, traced


def compiled_for_game(function: Callable, **options: Any) -> Callable:
    """Function decorator: `equinox.filter_jit` for a function whose first argument is a game.

    The game may come as its author made it; it is prepared here, so that whatever its functions reach is part of the
    key by which the compiled program is found.

    Args:
        function: of a game and further arguments, by position or name.
        options: of `equinox.filter_jit`; `compiler_options` too.

    Returns:
        The function, compiled; its `num_programs()` says how many programs it holds.
    """
    # filter_jit hands any keyword on to jax.jit; its stubs do not say so.
    program = eqx.filter_jit(function, **options)

    @functools.wraps(function)
    def compiled(game: AbstractGame, *arguments: Any, **named: Any) -> Any:
        return program(game if is_prepared(game) else traced(game), *arguments, **named)

    compiled.num_programs = program._cached._cache_size  # type: ignore[attr-defined]
    return compiled
