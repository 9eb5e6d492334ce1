"""Compiled functions of a game: never a program of what the game did before."""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame
from smfg_verify.game.prepared import digest_of, is_prepared, traced

# The compiler's older code generator takes two thirds of the time, and what it makes runs as fast.
# Every option is said, so that no flag of the process changes what a proof was computed with.
OLD_EMITTERS = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
}
# Without optimisation too: a quarter of the time. In small games the time goes into LAPACK calls that the compiler
# does not touch; in large ones what it makes runs several times slower.
UNOPTIMISED = {**OLD_EMITTERS, "xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def compiled_for_game(function: Callable, **options: Any) -> Callable:
    """Function decorator: `equinox.filter_jit` for a function whose first argument is a game.

    The game may come as its author made it; it is prepared here, so that whatever its functions reach is part of the
    key by which the compiled program is found.

    Args:
        function: of a game and further arguments, by position or name.
        options: of `equinox.filter_jit`; `compiler_options` too.

    Returns:
        The function, compiled; its `num_programs()` says how many programs it holds.

    Raises:
        ValueError: when called with a game whose functions reach something that cannot be recorded.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import compiled_for_game
        >>> @compiled_for_game
        ... def present_value(game, reward):
        ...     return reward / (1.0 - game.discount)
        >>> [round(float(present_value(games.load("laffer-tax", discount=d), 1.0)), 3) for d in (0.5, 0.9)]
        [2.0, 10.0]
        >>> present_value.num_programs()
        1
    """
    # filter_jit hands any keyword on to jax.jit; its stubs do not say so.
    program = eqx.filter_jit(function, **options)
    cache: Any = program._cached  # type: ignore[attr-defined]
    num_programs = cache._cache_size

    @functools.wraps(function)
    def compiled(game: AbstractGame, *arguments: Any, **named: Any) -> Any:
        ready = game if is_prepared(game) else traced(game)
        known = num_programs()
        result = program(ready, *arguments, **named)
        if num_programs() != known and digest_of(traced(ready)) != digest_of(ready):
            cache.clear_cache()  # it is no program of what it would be found by
            raise InputError(
                f"game: what its functions reach changed while {function.__name__} was being compiled; expected a game "
                "that stays as it is until a solver or a run has ended. Likely cause: a callback or another thread "
                "that changes a global, or a solver called with a game prepared before the change."
            )
        return result

    compiled.num_programs = num_programs  # type: ignore[attr-defined]
    return compiled
