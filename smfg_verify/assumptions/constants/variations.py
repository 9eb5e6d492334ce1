"""Certified suprema of total variations between rows of the transition, over all mean fields."""

import dataclasses
from collections.abc import Callable

import numpy as np

from smfg_verify.assumptions.constants.row_distances import (
    Largest,
    largest_total_variation,
    pairs_of_actions,
    pairs_of_leader_actions,
    pairs_of_states,
    variation_work,
)
from smfg_verify.assumptions.constants.suprema import (
    ATTAINED,
    MAX_WORK,
    Bound,
    branch_and_bound,
    check_witness,
    field_witness,
    vertex,
    whole_simplex,
)
from smfg_verify.assumptions.enclosure import AffineTable, NoEnclosure, affine_table, enclose, numbers_of_a_box
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.records.entries import Entries


def state_pairs(game: AbstractGame) -> np.ndarray:
    """Pairs of rows whose total variation bounds the one-step Dobrushin coefficient, (N, N)."""
    observation = np.asarray(game.leader_observation)
    return pairs_of_states(observation, game.num_follower_actions, game.num_leader_actions)


def action_pairs(game: AbstractGame) -> np.ndarray:
    """Pairs of rows that differ in the follower's action only, (N, N)."""
    return pairs_of_actions(game.num_states, game.num_follower_actions, game.num_leader_actions)


def leader_pairs(game: AbstractGame) -> np.ndarray:
    """Pairs of rows that differ in the leader's action only, (N, N)."""
    return pairs_of_leader_actions(game.num_states, game.num_follower_actions, game.num_leader_actions)


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
        return Bound(0.0, True, field_witness(game, vertex(game, 0), np.zeros(2, dtype=int)), {"boxes": 0})
    if work > MAX_WORK:
        return Bound(1.0, False, reason=f"out of budget: {work} entries to compare for one mean field")
    try:
        table = affine_table(game, "transition")
        if table is None:
            return _general_variation(game, pairs, settings)
        if work * len(_vertex_tables(table)) > MAX_WORK:
            found = _coarse_variation(game, pairs, table)
            return Bound(found, False, whole_simplex(game), {"boxes": 1, "finished": False})
        return _affine_variation(game, pairs, table)
    except NoEnclosure as error:
        return Bound(1.0, False, reason=str(error))


def _vertex_tables(table: AffineTable) -> np.ndarray:
    return table.constant[None] if table.is_constant else table.constant + table.slope


def _affine_variation(game: AbstractGame, pairs: np.ndarray, table: AffineTable) -> Bound:
    found = _variations(game, pairs, _vertex_tables(table))
    worst = int(np.argmax(found.values))
    witness = field_witness(game, vertex(game, worst), found.pairs[worst])
    return Bound(float(found.values[worst]), True, witness, {"boxes": 0})


def _coarse_variation(game: AbstractGame, pairs: np.ndarray, table: AffineTable) -> float:
    """Upper bound from the range of each entry over the whole simplex."""
    vertices = _vertex_tables(table)
    low, high = (end.reshape(1, -1, game.num_states) for end in (vertices.min(axis=0), vertices.max(axis=0)))
    return float(largest_total_variation(low, high, pairs).values[0])


def _general_variation(game: AbstractGame, pairs: np.ndarray, settings: SearchSettings) -> Bound:
    bound, field = branch_and_bound(
        game,
        settings,
        bound=lambda lower, upper: _box_variations(game, pairs, lower, upper).values,
        sample=lambda fields: _variations(game, pairs, tables_at(game, fields)["transition"]).values,
        numbers=numbers_of_a_box(game, "transition", slopes=False) + variation_work(pairs, game.num_states),
    )
    found = _variations(game, pairs, tables_at(game, field[None])["transition"])
    if found.values[0] >= bound.upper - ATTAINED:
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


def box_variation(game: AbstractGame, pairs: np.ndarray, witness: Entries) -> float:
    """Certified total variation between two rows over the box of a witness."""
    table = affine_table(game, "transition")
    if table is not None:  # then the only box asked for is the whole simplex
        return _coarse_variation(game, pairs, table)
    return float(_box_variations(game, pairs, witness["box_lower"][None], witness["box_upper"][None]).values[0])


def variation_at(game: AbstractGame, name: str, witness: Entries) -> float:
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
