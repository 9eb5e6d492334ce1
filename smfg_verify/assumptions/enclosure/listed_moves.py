"""Proof of what the listed moves of a large game are, at every mean field: that these do not change with it."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.assumptions.enclosure.affine_forms import Form
from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.interpreter import enclose_function
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.exact.tables_at_fields import field_size
from smfg_verify.game import AbstractGame, compiled_for_game, mean_field_shape, over_indices


class ListedMoves(NamedTuple):
    """Probabilities of listed moves that are proved to be the same at every mean field.

    Attributes:
        probability: of each listed move, (n, A, B, k).
        error: what the machine's values may be off by, (n, A, B, k).
        missing: what the sum of a row is off by from one at most, roundings included.
    """

    probability: Float[np.ndarray, "n A B k"]
    error: Float[np.ndarray, "n A B k"]
    missing: float


def listed_moves(game: AbstractGame) -> ListedMoves:
    """The moves of a game that lists its successors, without a table of n x n entries.

    Args:
        game: the game, traced.

    Returns:
        The moves.

    Raises:
        NoEnclosure: they are not proved to be the same at every mean field; what the game declares is not looked at.
    """
    value, error = (np.asarray(part) for part in _enclosed_moves(game))
    missing = np.max(np.abs(value[..., -1] - 1.0) + error[..., -1])
    return ListedMoves(value[..., :-1], error[..., :-1], float(missing))


@compiled_for_game
def _enclosed_moves(game: AbstractGame) -> tuple[Array, Array]:
    """Each listed move, and behind them their sum."""
    size = field_size(game)
    domain = Domain(jnp.zeros(size), jnp.ones(size), True)

    def moves(field: Array, s: Array, a: Array, b: Array) -> Array:
        listed = jnp.asarray(game.transition(s, a, b, field))
        return jnp.append(listed, jnp.sum(listed))

    def entry(s: Array, a: Array, b: Array) -> tuple[Array, Array]:
        return _constant(enclose_function(moves, mean_field_shape(game), domain, s, a, b)[0].value)

    return over_indices(game, entry)


def _constant(form: Form) -> tuple[Array, Array]:
    """Value and rounding of a form."""
    if not form.is_constant:
        raise NoEnclosure("the moves are not proved to be the same at every mean field")
    return form.centre, jnp.zeros(form.shape) if form.error is None else form.error
