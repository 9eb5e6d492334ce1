r"""Tables of a game in the basis in which an average over actions is the last action's value and products beside it.

$\sum_b \phi_b X_b = X_{last} + \sum_{b < last} \phi_b (X_b - X_{last})$: what does not depend on the action then
cancels exactly, however wide the interval of the probabilities.
"""

import functools

import numpy as np
from jaxtyping import Int

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, joined

# Constant (n, A, B, ...) and slope (M, n, A, B, ...) in the mean field, and the mean field that it is counted from
# where that is not zero; or twice the values over each of K boxes, as forms of the leader, (K, n, A, B, ...).
Table = tuple[Ball, ...]


def in_basis(table: Ball, axis: int) -> Ball:
    """Last entry of an axis, and the differences of the others from it in front: averages add up the products."""
    last = table.moved(lambda x: np.take(x, [-1], axis=axis))
    others = table.moved(lambda x: np.take(x, range(x.shape[axis] - 1), axis=axis)) - last
    return joined((others, last), axis)


def average_weights(policy: Ball) -> Ball:
    """Coefficients of an average in that basis: the probabilities, and an exact one in place of the last."""
    return joined((policy[..., :-1], Ball.exact(np.ones_like(policy.mid[..., -1:]))), policy.mid.ndim - 1)


def pairs(pair: Table, axis: int) -> Table:
    """Differences of a table between any two entries of an axis (counted without the mean field's)."""
    return _differences(pair[0], axis), _differences(pair[1], axis + 1), *pair[2:]


def _differences(table: Ball, axis: int) -> Ball:
    first, second = (table.moved(functools.partial(np.expand_dims, axis=axis + k)) for k in (1, 0))
    return first - second


def in_columns(numbers: Ball, columns: Int[np.ndarray, "n B"] | None, axis: int) -> Ball:
    """A table with its leader's actions, along an axis two behind that of the states, in another order by state."""
    if columns is None:
        return numbers
    trailing = numbers.mid.ndim - axis - 1
    index = columns.reshape(*[1] * (axis - 2), len(columns), 1, -1, *[1] * trailing)
    return numbers.moved(lambda x: np.take_along_axis(x, index, axis=axis))


def at_field(pair: Table, field: Ball) -> Ball:
    """A table at intervals of the mean field, (K, ...); one of forms is of values there already, see `values_there`."""
    constant, slope, *centre = pair
    if isinstance(slope, Form):
        return slope
    letters = "sabcdet"[: constant.mid.ndim]
    moved = field - centre[0] if centre else field
    return contract(f"kj,j{letters}->k{letters}", moved, slope) + constant[None]


def based(pair: Table, axis: int) -> Table:
    """Constant and slope of a table in the basis of `in_basis` along an axis (counted without the mean field's)."""
    return in_basis(pair[0], axis), in_basis(pair[1], axis + 1), *pair[2:]
