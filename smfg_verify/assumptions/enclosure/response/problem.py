r"""What the followers face over cells: rows, rewards, their differences between actions, and their slopes.

All rows are without their last entry: they are only ever summed against numbers that are zero there.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.cells import Cells, coordinates
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, apply, multiply, total
from smfg_verify.assumptions.enclosure.response.tables.affine import VertexTables
from smfg_verify.assumptions.enclosure.response.tables.curved import Curved, CurvedTables, curved_over
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables


class Faced(NamedTuple):
    """One table over cells: of every action, and the differences of pairs of actions.

    Attributes:
        every: (n, A) or (n, A, n - 1).
        pairs: first action less second, (n, pairs) or (n, pairs, n - 1).
    """

    every: Model
    pairs: Model


class Problem(NamedTuple):
    """The followers' problem over cells.

    Attributes:
        rows, rewards: at the cell's mean fields and leaders.
        row_slopes, reward_slopes: their derivatives along e_j - e_last, first axis j, (n - 1, ...).
    """

    rows: Faced
    rewards: Faced
    row_slopes: Faced
    reward_slopes: Faced


def pairs_of(number: int) -> tuple[np.ndarray, np.ndarray]:
    """First and second action of every pair."""
    first, second = np.triu_indices(number, 1)
    return first, second


def problem_over(tables: Tables, cells: Cells) -> Problem:
    """The followers' problem of a game over cells."""
    size = tables.num_states
    return problem_of(tables, cells.vertices[:, :size, :size], *coordinates(tables, cells))


def problem_of(tables: Tables, corners: Float[np.ndarray, "K n n"], field: Model, leader: Model) -> Problem:
    """The same of any models of mean fields and leaders.

    Args:
        tables: of the game.
        corners: of the mean fields, by vertex.
        field: mean fields, (n), which their simplex alone moves, whose coordinates are the first.
        leader: its rows by state, (n, W).

    Returns:
        The problem.
    """
    if isinstance(tables, CurvedTables):
        curved = curved_over(tables, corners, field.shape)
        found = [_of_curved(leader, part, letter) for part, letter in zip(curved, ("t", ""), strict=True)]
    else:
        assert isinstance(tables, VertexTables)
        found = [
            _of_affine(field, leader, tables.transition, tables.transition_error, "t"),
            _of_affine(field, leader, tables.reward, tables.reward_error, ""),
        ]
    (rows, row_slopes), (rewards, reward_slopes) = found
    return Problem(rows, rewards, row_slopes, reward_slopes)


def mixing_over(tables: Tables, problem: Problem) -> Float[np.ndarray, " K"]:
    """Largest total variation between two rows, of any actions, at one mean field and leader of each cell."""
    rows = problem.rows.every
    rest = total(rows)
    # The last entry is what the others lack of one.
    low, high = (
        np.concatenate([end, other[:, :, None]], axis=2).reshape(-1, tables.num_states, end.shape[-1])
        for end, other in ((rows.lower, 1.0 - rest.upper), (rows.upper, 1.0 - rest.lower))
    )
    first, second = np.triu_indices(len(low), 1)
    apart = np.maximum(high[first] - low[second], high[second] - low[first])
    largest = 0.5 * OUTWARD * np.max(np.sum(apart, axis=1), axis=0, initial=0.0)
    result: Float[np.ndarray, " K"] = np.fmin(largest, tables.mixing)
    return result


def _of_affine(
    field: Model, leader: Model, table: Float[np.ndarray, "n n A W *T"], error: Float[np.ndarray, "..."], letter: str
) -> tuple[Faced, Faced]:
    """A table and its slopes, from its values at the vertices of mean fields."""
    first, second = pairs_of(table.shape[2])
    paired = table[:, :, first] - table[:, :, second]
    off = error[:, first] + error[:, second] + 2.0 * EPSILON * np.max(np.abs(paired), axis=0)
    return (
        Faced(_mixed(field, leader, table, error, letter), _mixed(field, leader, paired, off, letter)),
        Faced(_slope(leader, table, error, letter), _slope(leader, paired, off, letter)),
    )


def _of_curved(leader: Model, function: Curved, letter: str) -> tuple[Faced, Faced]:
    """The same from models of it over the cells' mean fields."""
    found = []
    for part, lead in ((function.values, ""), (function.slopes, "j")):
        every = multiply(f"sb,{lead}sab{letter}->{lead}sa{letter}", leader, part)
        axis = -1 - len(letter)
        first, second = pairs_of(every.centre.shape[axis - 1])
        found.append(Faced(every, every.taken(first, axis) - every.taken(second, axis)))
    return found[0], found[1]


def _mixed(
    field: Model, leader: Model, table: Float[np.ndarray, "n n A W *T"], error: Float[np.ndarray, "..."], letter: str
) -> Model:
    """The mean over mean field and leader, whose actions stand apart from their mean, so that what is alike cancels."""
    mean = table.mean(axis=3)
    apart = table - mean[:, :, :, None]
    slack = np.max(error, axis=2) + 8.0 * EPSILON * np.max(np.abs(table), axis=(0, 3))
    turned = multiply(
        f"sb,sab{letter}->sa{letter}", leader, apply(f"j,jsab{letter}->sab{letter}", field, apart[..., None])
    )
    return (turned + apply(f"j,jsa{letter}->sa{letter}", field, mean[..., None])).widened(slack[..., None])


def _slope(
    leader: Model, table: Float[np.ndarray, "n n A W *T"], error: Float[np.ndarray, "..."], letter: str
) -> Model:
    """The derivative along each edge to the last vertex of mean fields."""
    moved = table[:-1] - table[-1:]
    off = 2.0 * error + 2.0 * EPSILON * np.max(np.abs(moved), axis=0)
    exact = apply(f"sb,jsab{letter}->jsa{letter}", leader, moved[..., None])
    return exact.widened(np.max(off, axis=2)[..., None])
