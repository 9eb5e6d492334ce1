r"""A game's functions and their slopes about points of boxes of mean fields: affine in it, up to a spread."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.assumptions.enclosure.affine_forms import Form, columns_up_to
from smfg_verify.assumptions.enclosure.domain import Domain, outward_share
from smfg_verify.assumptions.enclosure.rules.arithmetic import UNIT
from smfg_verify.assumptions.enclosure.rules.functions import INFINITY, UNBOUNDED
from smfg_verify.assumptions.enclosure.table_enclosures import (
    AffineTable,
    affine_table,
    attained_size,
    batch_size,
    enclose,
    entry_of,
)
from smfg_verify.assumptions.enclosure.values import too_rough
from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.compiling import jit
from smfg_verify.game import AbstractGame, over_indices
from smfg_verify.game.compiling import OPTIMISED


class SlopeForms(NamedTuple):
    r"""A function and its slopes $D_j$ along $e_j - e_{\text{last}}$, on K boxes of mean fields with a point in each.

    On the box $|D_j(m) - s_j - \sum_i (m_i - c_i) b_{ij}|$ is at most the spread, c the point.

    Attributes:
        value: at the points, (K, n, A, B) or (K, n, A, B, n).
        error: what the machine's value may be off by, of that shape.
        slope: s, (K, M - 1, n, A, B) or (K, M - 1, n, A, B, n).
        bend: b, first i and then j, (K, M, M - 1, n, A, B) or (K, M, M - 1, n, A, B, n).
        spread: of the slope's shape; infinite where the function may jump, or is a staircase as it runs.
        lower, upper: ends of the machine's values on the boxes, of the values' shape.
    """

    value: Float[np.ndarray, "K n A B *T"]
    error: Float[np.ndarray, "K n A B *T"]
    slope: Float[np.ndarray, "K k n A B *T"]
    bend: Float[np.ndarray, "K M k n A B *T"]
    spread: Float[np.ndarray, "K k n A B *T"]
    lower: Float[np.ndarray, "K n A B *T"]
    upper: Float[np.ndarray, "K n A B *T"]


def slope_forms(
    game: AbstractGame,
    name: str,
    lower: Float[np.ndarray, "K M"],
    upper: Float[np.ndarray, "K M"],
    points: Float[np.ndarray, "K M"],
) -> SlopeForms:
    """A function's slopes over boxes of mean fields, cut by the simplex.

    Args:
        game: the game, traced.
        name: "transition", "follower_reward" or "leader_reward".
        lower, upper: K boxes, mean fields flattened, (K, M).
        points: a mean field in each, (K, M).

    Returns:
        The forms.

    Raises:
        NoEnclosure: the function's program has a primitive without a rule.
    """
    table = affine_table(game, name)
    if table is not None:
        return _of_affine(table, points)
    at, ends = enclose(game, name, points, points), enclose(game, name, lower, upper)
    value = 0.5 * (at.lower + at.upper)
    error = 0.5 * (at.upper - at.lower) + 2.0 * UNIT * np.abs(value)
    size, scale = batch_size(game, name, True), jnp.asarray(attained_size(game, name))
    slope, bend, spread = in_batches(
        lambda low, high, point: _forms(game, name, low, high, point, scale), size, lower, upper, points
    )
    return SlopeForms(value, error, slope, bend, np.where(spread < UNBOUNDED, spread, np.inf), *ends)


def _of_affine(table: AffineTable, points: Float[np.ndarray, "K M"]) -> SlopeForms:
    """Of a function that is proved affine: the same slopes everywhere, and any range."""
    number, field = points.shape
    # Not by BLAS, which rounds one point in another way than several.
    value = np.broadcast_to(table.constant, (number, *table.constant.shape)).copy()
    for weights, column in zip(points.T, table.slope, strict=True):
        value += np.multiply.outer(weights, column)
    size = np.abs(table.constant) + np.max(np.abs(table.slope), axis=0)
    error = np.broadcast_to(table.error + outward_share(field) * size, value.shape)
    slope = np.broadcast_to(table.slope[:-1] - table.slope[-1:], (number, *table.slope[1:].shape))
    spread = np.broadcast_to(2.0 * outward_share(field) * size, slope.shape)
    bend = np.zeros((number, field, *slope.shape[1:]))
    unknown = np.full(value.shape, np.inf)
    return SlopeForms(value, error, slope, bend, spread, -unknown, unknown)


@jit(OPTIMISED)
def _forms(
    game: AbstractGame, name: str, lower: Array, upper: Array, points: Array, attained: Array
) -> tuple[Array, ...]:
    def one(low: Array, high: Array, point: Array) -> tuple[Array, ...]:
        def entry(s: Array, a: Array, b: Array) -> tuple[Array, ...]:
            enclosed = entry_of(game, name, Domain(low, high, True), True, s, a, b)
            assert enclosed.slope is not None
            slope, bend, spread = _along_edges(enclosed.slope, point)
            return slope, bend, jnp.where(too_rough(enclosed, attained), INFINITY, spread)

        slope, bend, spread = over_indices(game, entry)
        return jnp.moveaxis(slope, 3, 0), jnp.moveaxis(bend, (3, 4), (0, 1)), jnp.moveaxis(spread, 3, 0)

    return jax.vmap(one)(lower, upper, points)


def _along_edges(form: Form, point: Array) -> tuple[Array, Array, Array]:
    """A slope's form in all variables, told along the edges to the last: at a point, its columns, and the rest."""
    number = form.scope.domain.size
    columns = columns_up_to(form.columns, max(number, 0 if form.columns is None else form.columns.shape[0]), form.shape)
    edges = columns[:, :-1] - columns[:, -1:]
    at_point = form.centre + jnp.tensordot(point, columns[:number], axes=1)
    spread = jnp.sum(jnp.abs(edges[number:]), axis=0)
    for part in (form.remainder, form.error, outward_share(number) * form.size):
        spread = spread if part is None else spread + part[:-1] + part[-1:]
    return at_point[:-1] - at_point[-1:], edges[:number], spread
