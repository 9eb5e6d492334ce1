r"""Uniqueness by the index: $\det(I - D\Gamma_\phi) > 0$ on tangents wherever $\Gamma_\phi(m) = m$ is possible."""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.contraction.proved_bounds import BoundInputs, inputs_from, step_of_roundings, witness_of
from smfg_verify.assumptions.enclosure.response.budget import affordable_cells, tables_of
from smfg_verify.assumptions.enclosure.response.cells import centre_of
from smfg_verify.assumptions.enclosure.response.index.cover import Cover, cover
from smfg_verify.assumptions.enclosure.response.index.fixed_points import ROOM
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame
from smfg_verify.game.identity import GameKey
from smfg_verify.records.entries import Entries

# Of the cells that a rate would get: the index is decided by fewer, or hardly ever.
_PART = 2


@dataclasses.dataclass(frozen=True)
class CellIndex:
    """What cells prove of the index.

    Attributes:
        cover: what was reached; None where the game has no cells, or nobody asked.
        rounding_step: how far the roundings of the game's functions may move the best-response map, in l1.
        reason: why there are no cells; empty where there are.
        undecided: a leader policy and mean field in the smallest undecided cell; empty where there is none.
        negative: the same in a cell of equilibria of index -1.
    """

    cover: Cover | None
    rounding_step: float
    reason: str
    undecided: Entries
    negative: Entries

    @property
    def share(self) -> float:
        """Share of leader policies and mean fields that is not decided."""
        return 1.0 if self.cover is None else self.cover.undecided

    @property
    def proves(self) -> bool:
        """Whether each leader is proved to have one equilibrium, whatever roundings do.

        A map moved by a step, as the machine's is, has its fixed points where the real one may have its only one: cells
        that count as empty keep more than that from having any.
        """
        if self.cover is None or not self.cover.complete or self.cover.negative is not None:
            return False
        return bool(self.rounding_step <= ROOM * min(1.0, self.cover.slack))


NOBODY_ASKED = CellIndex(None, float("inf"), "", {}, {})


def index_by_cells(game: AbstractGame, inputs: BoundInputs, num_boxes: int) -> CellIndex:
    """The index over all leader policies and mean fields of a game, by cells.

    Args:
        game: the game, traced.
        inputs: of the proved bounds, for the roundings of its functions.
        num_boxes: of the budget.

    Returns:
        What cells prove.
    """
    found, reason, undecided, negative = _covered(GameKey.of(game), num_boxes)
    if found is None:
        return CellIndex(None, float("inf"), reason, {}, {})
    step = step_of_roundings(inputs, float(game.temperature), found.mixing)
    return CellIndex(found, step, "", undecided, negative)


@functools.lru_cache(maxsize=16)
def _covered(key: GameKey, num_boxes: int) -> tuple[Cover | None, str, Entries, Entries]:
    """The cover, why there is none, and where it is undecided and negative; once for a game's content and a budget."""
    tables, reason = tables_of(key.game)
    if tables is None:
        return None, reason, {}, {}
    found = cover(tables, max(1, affordable_cells(tables, num_boxes) // _PART))
    return found, "", _place(tables, found.smallest), _place(tables, found.negative)


def _place(tables: Tables, cell: Float[np.ndarray, "D W"] | None) -> Entries:
    names = ("leader_policy", "mean_field")
    return {} if cell is None else dict(zip(names, centre_of(tables, cell), strict=True))


def index_finding(inputs: BoundInputs, num_boxes: int, found: CellIndex, unasked: str) -> Finding:
    """The index as a finding: certified where nothing is left undecided.

    Args:
        inputs: of the proved bounds.
        num_boxes: of the budget.
        found: by cells.
        unasked: the statement that left nothing to ask for, or nothing.

    Returns:
        The finding; its constant is the share of leader policies and mean fields left undecided.
    """
    cells = found.cover
    counts = {} if cells is None else {"cells": cells.cells, "empty": cells.empty, "positive": cells.positive}
    return Finding(
        property="uniqueness",
        statement="index",
        verdict=Verdict.CERTIFIED if found.proves else Verdict.INCONCLUSIVE,
        constant=float("nan") if unasked else found.share,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={
            "unasked": unasked,
            "reason": found.reason,
            "negative": bool(found.negative),
            "rounding_step": found.rounding_step,
            **{name: np.asarray(value) for name, value in found.undecided.items()},
            **counts,
        },
        witness={} if cells is None else {**witness_of(inputs), "num_boxes": np.asarray(num_boxes)},
        searched=counts,
        details={} if cells is None else {"slack": cells.slack},
    )


def share_of(game: AbstractGame, witness: Entries) -> float:
    """The share left undecided again, from a witness."""
    return index_by_cells(checked(game), inputs_from(game, witness), int(witness["num_boxes"])).share
