"""Compiled functions of a game: never a program of what the game did before."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast, runtime_checkable

import equinox as eqx
import jaxlib.version

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame
from smfg_verify.game.prepared import digest_of, is_prepared, traced
from smfg_verify.game.programs.kept_programs import kept_program, make_room

# The compiler's older code generator takes two thirds of the time, and what it makes runs as fast. jaxlib 0.11 knows it
# no more, and refuses options that it does not know.
_OLD_EMITTERS = {} if jaxlib.version.__version_info__ >= (0, 11) else {"xla_cpu_use_fusion_emitters": False}
# Every option is said, so that no flag of the process changes what a proof was computed with.
OPTIMISED = {**_OLD_EMITTERS, "xla_backend_optimization_level": 3, "xla_llvm_disable_expensive_passes": False}
# A quarter of the time. In small games the time goes into LAPACK calls that the compiler does not touch; in large ones
# what it makes runs several times slower.
UNOPTIMISED = {
    **_OLD_EMITTERS,
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    # In parts, for several cores, the work is an eighth more, and it is not the part that takes the time.
    "xla_cpu_parallel_codegen_split_count": 1,
}


P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@runtime_checkable
class GameProgram(Protocol[P, R_co]):
    """A compiled function of a game: it takes what the function takes, and knows how many programs it holds."""

    num_programs: Callable[[], int]

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> R_co: ...


def compiled_for_game(function: Callable[P, R], **options: Any) -> GameProgram[P, R]:
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
    # Any: filter_jit hands any keyword on to jax.jit and holds its cache in `_cached`; its types say neither.
    program: Any = eqx.filter_jit(function, **options)
    cache = program._cached
    num_programs = cache._cache_size
    compiler = options.get("compiler_options", {})

    @functools.wraps(function)
    def compiled(game: AbstractGame, *arguments: object, **named: object) -> R:
        ready = game if is_prepared(game) else traced(game)
        known = num_programs()
        kept = kept_program(function, compiler, ((ready, *arguments), named), lambda: require_unchanged(ready))
        if kept is not None:
            return cast(R, kept())
        result: R = program(ready, *arguments, **named)
        if num_programs() != known:
            require_unchanged(ready)
            make_room()
        return result

    def require_unchanged(ready: AbstractGame) -> None:
        if digest_of(traced(ready)) != digest_of(ready):
            cache.clear_cache()  # it is no program of what it would be found by
            raise InputError(
                f"game: what its functions reach changed while {function.__name__} was being compiled; expected a "
                "game that stays as it is until a solver or a run has ended. Likely cause: a callback or another "
                "thread that changes a global, or a solver called with a game prepared before the change."
            )

    program_of_game = cast(GameProgram[P, R], compiled)
    program_of_game.num_programs = num_programs
    return program_of_game
