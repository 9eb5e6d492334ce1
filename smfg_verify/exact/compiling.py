"""How programs that run a few hundred times are compiled: for them compiling is most of the cost."""

import functools
import math
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import jax

from smfg_verify.game import AbstractGame, compiled_for_game, is_prepared, mean_field_shape, traced
from smfg_verify.game.compiling import OPTIMISED, UNOPTIMISED, GameProgram

P = ParamSpec("P")
R = TypeVar("R")

# Entries of the table of tangents from which on optimised code is worth its compilation.
_LARGE = 1e5


def jit(options: dict[str, bool | int]) -> Callable[[Callable[P, R]], GameProgram[P, R]]:
    """Function decorator: `compiled_for_game` with options for the compiler, unless part of a larger program."""

    def decorate(function: Callable[P, R]) -> GameProgram[P, R]:
        alone, inner = compiled_for_game(function, compiler_options=options), compiled_for_game(function)

        @functools.wraps(function)
        def compiled(*arguments: object) -> R:
            # JAX refuses options of a function that is called while another is traced.
            traced_now = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(arguments))
            return cast(Callable[..., R], inner if traced_now else alone)(*arguments)

        program = cast(GameProgram[P, R], compiled)
        program.num_programs = lambda: alone.num_programs() + inner.num_programs()
        return program

    return decorate


def jit_for_game(function: Callable[P, R]) -> GameProgram[P, R]:
    """Function decorator: compile a function whose first argument is the game, quickly where the game is small.

    Args:
        function: of a traced game and further arguments, by position.

    Returns:
        The function, compiled.
    """
    quickly, optimised = jit(UNOPTIMISED)(function), jit(OPTIMISED)(function)

    @functools.wraps(function)
    def compiled(game: AbstractGame, *arguments: object) -> R:
        game = game if is_prepared(game) else traced(game)
        return cast(Callable[..., R], optimised if is_large(game) else quickly)(game, *arguments)

    program = cast(GameProgram[P, R], compiled)
    program.num_programs = lambda: quickly.num_programs() + optimised.num_programs()
    return program


def is_large(game: AbstractGame) -> bool:
    """Whether a game's derivatives are so many numbers that arithmetic, not compiling, is what takes time."""
    return tangent_entries(game) > _LARGE


def tangent_entries(game: AbstractGame) -> int:
    """Entries of the transition's table of derivatives in the mean field, n^2 A B M: what a batch of points costs."""
    return table_entries(game) * math.prod(mean_field_shape(game))


def table_entries(game: AbstractGame) -> int:
    """Entries of the transition as a dense table, n^2 A B."""
    return game.num_states**2 * game.num_follower_actions * game.num_leader_actions
