"""Functions that give the same at every call: a compiled solver keeps what one call gave."""

import itertools
import re
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, mean_field_shape
from smfg_verify.game.prepared import digest_of, traced
from smfg_verify.game.reach.digest import numbers_in

# JAX keeps what it traced by function and by this: a number that was never used makes it trace jitted helpers again.
_TRIAL = jax.make_user_context(None)
_TRIALS = itertools.count()


def check_repeatable(game: AbstractGame, functions: Mapping[str, Callable[..., Array]]) -> None:
    """Trace each function twice and compare the programs, constants included.

    Args:
        game: prepared by `traced`.
        functions: of (game, state, follower action, leader action, mean field), by name.

    Raises:
        ValueError: a function came out as another program the second time, or moved something that it reads.
    """
    first = {name: _program(game, function) for name, function in functions.items()}
    before = digest_of(traced(game))
    for name, function in functions.items():
        if _program(game, function) != first[name]:
            raise InputError(
                f"{name}: two calls with the same arguments give different values, expected the same at every call; "
                "likely cause: random numbers or a counter inside the function. What is random in a game is in its "
                "transition probabilities."
            )
    if digest_of(traced(game)) != before:
        raise InputError(
            "game: its functions change something that they read (a list, a counter, an attribute), expected functions "
            "of their arguments and the game's parameters alone."
        )


def _program(game: AbstractGame, function: Callable[..., Array]) -> tuple[str, tuple[bytes, ...]]:
    index = jax.ShapeDtypeStruct((), jnp.int32)
    field = jax.ShapeDtypeStruct(mean_field_shape(game), jnp.result_type(float))
    # A new function each time: JAX keeps what it traced by function.
    with _TRIAL(next(_TRIALS)):
        closed = jax.make_jaxpr(lambda g, s, a, b, m: function(g, s, a, b, m))(game, index, index, index, field)
    # Rules of differentiation print with the address of a function made at each trace.
    return re.sub(r" at 0x[0-9a-f]+", "", str(closed.jaxpr)), tuple(
        np.asarray(numbers_in(constant)).tobytes() for constant in closed.consts
    )
