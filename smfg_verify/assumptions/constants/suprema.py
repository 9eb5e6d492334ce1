r"""Certified suprema over the simplex of mean fields: tangent norms of slopes, total variations between rows.

Exact at the vertices where the game is proved affine; else enclosures with branch and bound.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.constants.row_distances import (
    Largest,
    compares_all_columns,
    largest_tangent_norm,
    largest_total_variation,
    pairs_of_actions,
    pairs_of_states,
    variation_work,
)
from smfg_verify.assumptions.enclosure import (
    AffineTable,
    NoEnclosure,
    affine_table,
    enclose,
    enclose_slopes,
    numbers_of_a_box,
    supremum,
)
from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.tables_at_fields import field_size, slopes_at, tables_at
from smfg_verify.game import AbstractGame, mean_field_shape

# A box of up to so many numbers counts as one of `num_boxes` (2 to 5 ms); a larger one counts as more.
_NUMBERS_OF_A_BOX = 2**20
# Entries compared for one exact bound (about 10 s).
_MAX_WORK = 2**31
# A bound that a sample comes this near to is attained, up to rounding.
_ATTAINED = 1e-12


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
    searched: Mapping[str, Any] = dataclasses.field(default_factory=dict)
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


def _vertex(game: AbstractGame, index: int) -> np.ndarray:
    return np.eye(field_size(game))[index].reshape(mean_field_shape(game))


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
        return _branch_and_bound(
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
        return Bound(float(found.values[0]), False, _whole_simplex(game), {"boxes": 1, "finished": False})
    if columns[0] == columns[1]:  # every column is the same: no edge is longer than another
        columns = np.array([0, field_size(game) - 1])
    witness = _edge(game, int(columns[0]), int(columns[1]), int(found.rows[0]))
    return Bound(float(found.values[0]), True, witness, {"boxes": 0})


def _edge(game: AbstractGame, first: int, second: int, row: int) -> dict[str, np.ndarray]:
    fields = np.stack([_vertex(game, first), _vertex(game, second)])
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


def state_pairs(game: AbstractGame) -> np.ndarray:
    """Pairs of rows whose total variation bounds the one-step Dobrushin coefficient, (N, N)."""
    observation = np.asarray(game.leader_observation)
    return pairs_of_states(observation, game.num_follower_actions, game.num_leader_actions)


def action_pairs(game: AbstractGame) -> np.ndarray:
    """Pairs of rows that differ in the follower's action only, (N, N)."""
    return pairs_of_actions(game.num_states, game.num_follower_actions, game.num_leader_actions)


PAIRS: dict[str, Callable[[AbstractGame], np.ndarray]] = {"one_step": state_pairs, "action_spread": action_pairs}


def variation_bound(game: AbstractGame, pairs: np.ndarray, settings: SearchSettings) -> Bound:
    """Upper bound of the total variation between two rows of the transition at one mean field.

    Args:
        game: the game, traced; its rows proved to be probabilities by `certified_rows`.
        pairs: true at the pairs of rows that count, (N, N).
        settings: budget of the branch and bound.

    Returns:
        The bound; exact, with a mean field and two rows as witness, where it is attained: proved affine tables
        (the total variation is convex in the mean field, so a vertex is an extreme), or a bound that a sample meets.
    """
    work = variation_work(pairs, game.num_states)
    if work == 0:
        return Bound(0.0, True, field_witness(game, _vertex(game, 0), np.zeros(2, dtype=int)), {"boxes": 0})
    if work > _MAX_WORK:
        return Bound(1.0, False, reason=f"out of budget: {work} entries to compare for one mean field")
    try:
        table = affine_table(game, "transition")
        if table is None:
            return _general_variation(game, pairs, settings)
        if work * len(_vertex_tables(table)) > _MAX_WORK:
            found = _coarse_variation(game, pairs, table)
            return Bound(found, False, _whole_simplex(game), {"boxes": 1, "finished": False})
        return _affine_variation(game, pairs, table)
    except NoEnclosure as error:
        return Bound(1.0, False, reason=str(error))


def _vertex_tables(table: AffineTable) -> np.ndarray:
    return table.constant[None] if table.is_constant else table.constant + table.slope


def _affine_variation(game: AbstractGame, pairs: np.ndarray, table: AffineTable) -> Bound:
    found = _variations(game, pairs, _vertex_tables(table))
    worst = int(np.argmax(found.values))
    witness = field_witness(game, _vertex(game, worst), found.pairs[worst])
    return Bound(float(found.values[worst]), True, witness, {"boxes": 0})


def _coarse_variation(game: AbstractGame, pairs: np.ndarray, table: AffineTable) -> float:
    """Upper bound from the range of each entry over the whole simplex."""
    vertices = _vertex_tables(table)
    low, high = (end.reshape(1, -1, game.num_states) for end in (vertices.min(axis=0), vertices.max(axis=0)))
    return float(largest_total_variation(low, high, pairs).values[0])


def _general_variation(game: AbstractGame, pairs: np.ndarray, settings: SearchSettings) -> Bound:
    bound, field = _branch_and_bound(
        game,
        settings,
        bound=lambda lower, upper: _box_variations(game, pairs, lower, upper).values,
        sample=lambda fields: _variations(game, pairs, tables_at(game, fields)["transition"]).values,
        numbers=numbers_of_a_box(game, "transition", slopes=False) + variation_work(pairs, game.num_states),
    )
    found = _variations(game, pairs, tables_at(game, field[None])["transition"])
    if found.values[0] >= bound.upper - _ATTAINED:
        witness = field_witness(game, field.reshape(mean_field_shape(game)), found.pairs[0])
        return dataclasses.replace(bound, upper=float(found.values[0]), exact=True, witness=witness)
    return bound


def _variations(game: AbstractGame, pairs: np.ndarray, tables: np.ndarray) -> Largest:
    rows = tables.reshape(len(tables), -1, game.num_states)
    return largest_total_variation(rows, rows, pairs)


def _box_variations(game: AbstractGame, pairs: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> Largest:
    tables = enclose(game, "transition", lower, upper)
    shape = (len(lower), -1, game.num_states)
    # This is asked only of rows that are proved to be probabilities, whatever the enclosure of one box allows.
    low, high = (np.clip(end, 0.0, 1.0).reshape(shape) for end in (tables.lower, tables.upper))
    return largest_total_variation(low, high, pairs)


def box_variation(game: AbstractGame, pairs: np.ndarray, witness: Mapping[str, Any]) -> float:
    """Certified total variation between two rows over the box of a witness."""
    table = affine_table(game, "transition")
    if table is not None:  # then the only box asked for is the whole simplex
        return _coarse_variation(game, pairs, table)
    return float(_box_variations(game, pairs, witness["box_lower"][None], witness["box_upper"][None]).values[0])


def field_witness(game: AbstractGame, field: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """A mean field and two rows of the transition, by their numbers."""
    return {"mean_field": field, "rows": row_index(game, rows)}


# Both


def _whole_simplex(game: AbstractGame) -> dict[str, np.ndarray]:
    size = field_size(game)
    return {"box_lower": np.zeros(size), "box_upper": np.ones(size)}


def budget_of(settings: SearchSettings, numbers: int) -> dict[str, Any]:
    """Budget of one branch and bound whose boxes hold so many numbers each: work is counted, never timed."""
    boxes = int(settings.num_boxes / max(1.0, numbers / _NUMBERS_OF_A_BOX))
    return {"num_boxes": max(1, boxes), "time_limit": settings.time_limit}


def _branch_and_bound(
    game: AbstractGame, settings: SearchSettings, *, bound, sample, numbers: int
) -> tuple[Bound, np.ndarray]:
    """A supremum over the simplex, and the mean field of its best sample."""
    budget = budget_of(settings, numbers)
    if settings.time_limit is not None:  # compiled before the clock starts: compiling takes longer than most limits
        bound(np.zeros((1, field_size(game))), np.ones((1, field_size(game))))
    found = supremum(bound, sample, field_size(game), **budget)
    low, high = found.box_lower, found.box_upper
    # The bound of the worst box itself, so that the witness reproduces; a point where a sample settles all boxes.
    upper = found.upper if _is_point(low, high) else max(found.upper, bound(low[None], high[None])[0])
    witness = {"box_lower": found.box_lower, "box_upper": found.box_upper}
    searched = {
        "boxes": found.boxes,
        "finished": found.finished,
        "largest_sampled": found.lower,
        "boxes_allowed": budget["num_boxes"],
    }
    return Bound(float(upper), False, witness, searched, cut=found.cut), np.asarray(found.field)


def _is_point(lower: np.ndarray, upper: np.ndarray) -> bool:
    return np.array_equal(lower, upper)


# What a witness gives


def variation_at(game: AbstractGame, name: str, witness: Mapping[str, Any]) -> float:
    """Total variation of a witness of `variation_bound`: between its two rows, or the certified one of its box.

    Args:
        game: the game, traced.
        name: of the pairs, "one_step" or "action_spread".
        witness: mean_field (M's shape) and rows (2, 3), or box_lower and box_upper (M,).

    Raises:
        ValueError: a witness of another game.
    """
    check_witness(game, witness)
    if "mean_field" not in witness:
        return box_variation(game, PAIRS[name](game), witness)
    table = tables_at(game, witness["mean_field"].reshape(1, -1))["transition"][0]
    first, second = (table[tuple(row)] for row in witness["rows"])
    return float(0.5 * np.sum(np.abs(first - second)))


def lipschitz_at(game: AbstractGame, name: str, witness: Mapping[str, Any]) -> float:
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
        if _is_point(low, high):
            return float(_norms(game, name, slopes_at(game, name, low)).values[0])
        return float(slope_norms(game, name, low, high).values[0])
    fields = witness["mean_fields"].reshape(2, -1)
    first, second = (table[tuple(witness["row"])] for table in tables_at(game, fields)[name])
    distance = np.sum(np.abs(fields[0] - fields[1]))
    return float(np.sum(np.abs(first - second)) / distance) if distance > 0.0 else 0.0


def check_witness(game: AbstractGame, witness: Mapping[str, Any]) -> None:
    """Refuse a witness whose mean fields or boxes do not fit the game.

    Raises:
        ValueError: they do not.
    """
    shape, size = mean_field_shape(game), (field_size(game),)
    expected = {"mean_field": shape, "mean_fields": (2, *shape), "box_lower": size, "box_upper": size}
    require_shapes(witness, {name: wanted for name, wanted in expected.items() if name in witness})
