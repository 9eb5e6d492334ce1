r"""Certified suprema over the simplex of mean fields, and of the tangent norms of slopes: Lipschitz constants.

Exact at the vertices where the game is proved affine; else enclosures with branch and bound.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.constants.row_distances import Largest, compares_all_columns, largest_tangent_norm
from smfg_verify.assumptions.enclosure import (
    AffineTable,
    NoEnclosure,
    affine_table,
    enclose_slopes,
    numbers_of_a_box,
    supremum,
)
from smfg_verify.assumptions.enclosure.branch import BoxBound, PointValues
from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.tables_at_fields import field_size, slopes_at, tables_at
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.records.entries import Arguments, Entries

# A box of up to so many numbers counts as one of `num_boxes` (2 to 5 ms); a larger one counts as more.
_NUMBERS_OF_A_BOX = 2**20
# Entries compared for one exact bound (about 10 s).
MAX_WORK = 2**31
# A bound that a sample comes this near to is attained, up to rounding.
ATTAINED = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class Bound:
    """A certified upper bound of a supremum over mean fields.

    Attributes:
        upper: the bound; where nothing is proved infinity, or 1 for a total variation (which is never more).
        exact: the bound is attained: it is the supremum, up to rounding.
        witness: where: two mean fields and a row, or a mean field and two rows, or the box of the worst enclosure.
        searched: boxes, whether the budget was enough.
        reason: why nothing is proved; empty where it is.
        cut: whether a time limit cut the branch and bound short.
        rounding: of a Lipschitz constant, what the machine's values may be off by from the function that has it, rows
            in l1; of a leader's reward that is not affine it is not looked at.
    """

    upper: float
    exact: bool
    witness: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    searched: Entries = dataclasses.field(default_factory=dict)
    reason: str = ""
    cut: bool = False
    rounding: float = 0.0

    @property
    def proved(self) -> bool:
        """Whether there is a proof beyond the trivial one."""
        return not self.reason


def _width(game: AbstractGame, name: str) -> int:
    return game.num_states if name == "transition" else 1


def row_index(game: AbstractGame, rows: int | Int[np.ndarray, "..."]) -> Int[np.ndarray, "... 3"]:
    """(state, follower action, leader action) of row numbers, last axis 3."""
    sizes = (game.num_states, game.num_follower_actions, game.num_leader_actions)
    return np.stack(np.unravel_index(rows, sizes), axis=-1)


def vertex(game: AbstractGame, index: int) -> np.ndarray:
    """The mean field with all its mass in one entry."""
    result: np.ndarray = np.eye(field_size(game))[index].reshape(mean_field_shape(game))
    return result


# Lipschitz constants


def lipschitz_bound(game: AbstractGame, name: str, settings: SearchSettings) -> Bound:
    r"""Upper bound of $\|f(m) - f(m')\|_1 / \|m - m'\|_1$, the largest over the rows (s, a, b) of a table.

    Args:
        game: the game, traced.
        name: "transition", "follower_reward" or "leader_reward".
        settings: budget of the branch and bound.

    Returns:
        The bound; exact, with two vertices and a row as witness, where the table is proved affine.
    """
    try:
        table = affine_table(game, name)
        if table is not None:
            each = table.error if name != "transition" else np.sum(table.error, axis=-1)
            return dataclasses.replace(_affine_lipschitz(game, name, table), rounding=float(np.max(each)))
        return branch_and_bound(
            game,
            settings,
            bound=lambda lower, upper: slope_norms(game, name, lower, upper).values,
            sample=lambda fields: _norms(game, name, slopes_at(game, name, fields)).values,
            numbers=numbers_of_a_box(game, name, slopes=True),
        )[0]
    except NoEnclosure as error:
        return Bound(np.inf, False, reason=str(error))


def _affine_lipschitz(game: AbstractGame, name: str, table: AffineTable) -> Bound:
    if table.is_constant:
        witness = _edge(game, 0, field_size(game) - 1, 0)
        return Bound(0.0, True, witness, {"boxes": 0})
    found = _norms(game, name, table.slope[None])
    columns = found.pairs[0]
    width = _width(game, name)
    if not compares_all_columns((len(table.slope), table.slope[0].size // width, width)):
        return Bound(float(found.values[0]), False, whole_simplex(game), {"boxes": 1, "finished": False})
    if columns[0] == columns[1]:  # every column is the same: no edge is longer than another
        columns = np.array([0, field_size(game) - 1])
    witness = _edge(game, int(columns[0]), int(columns[1]), int(found.rows[0]))
    return Bound(float(found.values[0]), True, witness, {"boxes": 0})


def _edge(game: AbstractGame, first: int, second: int, row: int) -> dict[str, np.ndarray]:
    fields = np.stack([vertex(game, first), vertex(game, second)])
    return {"mean_fields": fields, "row": row_index(game, row)}


def _norms(game: AbstractGame, name: str, lower: np.ndarray, upper: np.ndarray | None = None) -> Largest:
    """Largest tangent norms of slopes (K, M, n, A, B, ...), known exactly or between bounds."""
    shape = (*lower.shape[:2], -1, _width(game, name))
    flat = lower.reshape(shape)
    return largest_tangent_norm(flat, flat if upper is None else upper.reshape(shape))


def slope_norms(
    game: AbstractGame, name: str, lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]
) -> Largest:
    """Certified upper bounds of the tangent norm of a table's slope over boxes of mean fields."""
    slopes = enclose_slopes(game, name, lower, upper)
    return _norms(game, name, slopes.lower, slopes.upper)


# Total variations


def field_witness(game: AbstractGame, field: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """A mean field and two rows of the transition, by their numbers."""
    return {"mean_field": field, "rows": row_index(game, rows)}


# Both


def whole_simplex(game: AbstractGame) -> dict[str, np.ndarray]:
    """The box of all mean fields, as a witness holds it."""
    size = field_size(game)
    return {"box_lower": np.zeros(size), "box_upper": np.ones(size)}


def budget_of(settings: SearchSettings, numbers: int) -> Arguments:
    """Budget of one branch and bound whose boxes hold so many numbers each: work is counted, never timed."""
    boxes = int(settings.num_boxes / max(1.0, numbers / _NUMBERS_OF_A_BOX))
    return {"num_boxes": max(1, boxes), "time_limit": settings.time_limit}


def branch_and_bound(
    game: AbstractGame, settings: SearchSettings, *, bound: BoxBound, sample: PointValues, numbers: int
) -> tuple[Bound, np.ndarray]:
    """A supremum over the simplex, and the mean field of its best sample."""
    budget = budget_of(settings, numbers)
    if settings.time_limit is not None:  # compiled before the clock starts: compiling takes longer than most limits
        bound(np.zeros((1, field_size(game))), np.ones((1, field_size(game))))
    found = supremum(bound, sample, field_size(game), **budget)
    low, high = found.box_lower, found.box_upper
    # The bound of the worst box itself, so that the witness reproduces; a point where a sample settles all boxes.
    upper = found.upper if is_point(low, high) else max(found.upper, bound(low[None], high[None])[0])
    witness = {"box_lower": found.box_lower, "box_upper": found.box_upper}
    searched = {
        "boxes": found.boxes,
        "finished": found.finished,
        "largest_sampled": found.lower,
        "boxes_allowed": budget["num_boxes"],
    }
    return Bound(float(upper), False, witness, searched, cut=found.cut), np.asarray(found.field)


def is_point(lower: np.ndarray, upper: np.ndarray) -> bool:
    """Whether a box holds a single mean field."""
    return np.array_equal(lower, upper)


# What a witness gives


def lipschitz_at(game: AbstractGame, name: str, witness: Entries) -> float:
    """Lipschitz ratio of a witness of `lipschitz_bound`: between its two mean fields, or the certified one of its box.

    Args:
        game: the game, traced.
        name: of the table.
        witness: mean_fields (2, M's shape) and row (3,), or box_lower and box_upper (M,).

    Raises:
        ValueError: a witness of another game.
    """
    check_witness(game, witness)
    if "mean_fields" not in witness:
        low, high = (witness[end][None] for end in ("box_lower", "box_upper"))
        table = affine_table(game, name)
        if table is not None:  # then the only box asked for is the whole simplex
            return float(_norms(game, name, table.slope[None]).values[0])
        if is_point(low, high):
            return float(_norms(game, name, slopes_at(game, name, low)).values[0])
        return float(slope_norms(game, name, low, high).values[0])
    fields = witness["mean_fields"].reshape(2, -1)
    first, second = (table[tuple(witness["row"])] for table in tables_at(game, fields)[name])
    distance = np.sum(np.abs(fields[0] - fields[1]))
    return float(np.sum(np.abs(first - second)) / distance) if distance > 0.0 else 0.0


def check_witness(game: AbstractGame, witness: Entries) -> None:
    """Refuse a witness whose mean fields or boxes do not fit the game.

    Raises:
        ValueError: they do not.
    """
    shape, size = mean_field_shape(game), (field_size(game),)
    expected = {"mean_field": shape, "mean_fields": (2, *shape), "box_lower": size, "box_upper": size}
    require_shapes(witness, {name: wanted for name, wanted in expected.items() if name in witness})
