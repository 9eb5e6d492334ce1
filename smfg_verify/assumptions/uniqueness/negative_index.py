r"""Equilibria of index -1: a leader that has one has others, whether or not a search meets them.

The indices of all equilibria of a leader sum to 1 where its map is continuous, so what there is besides one of index -1
has index 2: it is not nothing, and where none of it is degenerate or at a kink there are at least two. A map of one
variable crosses the diagonal with index 1, 0 or -1, so that on two states there are at least two whatever they are.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.contraction.at_witness import at_witness
from smfg_verify.assumptions.enclosure.response.budget import tables_of
from smfg_verify.assumptions.enclosure.response.index.cover import has_one_law
from smfg_verify.assumptions.enclosure.response.index.one_leader import leader_corners, negative_at
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.uniqueness.several_equilibria import (
    Equilibria,
    find_equilibria,
    starting_fields,
    tangent_determinant,
)
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy
from smfg_verify.records.entries import Entries

# Equilibria that a proof is tried for, and searches for the others of a leader that has one of index -1.
_MOST_TRIED, _NUM_STARTS = 4, 32
# Probabilities of a leader's actions, at least, in the logits of a witness.
_RARELY = 1e-9


class _Candidate(NamedTuple):
    """An equilibrium found, and the determinant there."""

    logits: Float[np.ndarray, "O B"]
    mean_field: Float[np.ndarray, " M"]
    determinant: float


def negative_index_finding(
    game: AbstractGame, logits: Float[np.ndarray, "L O B"], found: list[Equilibria], met: Entries, seed: int
) -> Finding:
    """The smallest determinant at an equilibrium found; one of index -1, proved by a cell around it, refutes.

    Args:
        game: the game, traced.
        logits: of leaders, (L, O, B).
        found: their equilibria, one record a leader.
        met: a leader policy and mean field near an equilibrium of index -1 that cells met, or nothing.
        seed: of the starts of searches for others.

    Returns:
        The finding.
    """
    if met:
        leader = np.log(np.maximum(met["leader_policy"], _RARELY))[None]
        logits, found = (
            np.concatenate([logits, leader]),
            [*found, *find_equilibria(game, leader, met["mean_field"][None])],
        )
    known = [
        _Candidate(leader, field, float(determinant))
        for leader, entry in zip(logits, found, strict=True)
        for field, determinant in zip(entry.distinct, entry.determinant, strict=True)
        if np.isfinite(determinant)
    ]
    known.sort(key=lambda candidate: candidate.determinant)
    if not known:
        return _finding(Verdict.INCONCLUSIVE, None, 0, 0.0, {}, "")
    negative = [candidate for candidate in known[:_MOST_TRIED] if candidate.determinant < 0.0]
    if not negative:
        return _finding(Verdict.SUPPORTED, known[0], len(known), 0.0, {}, "")
    tables, reason = tables_of(game)
    for candidate in negative:
        width = 0.0 if tables is None else _proved_width(tables, candidate)
        if width > 0.0:
            others = _others(game, candidate, seed)
            return _finding(Verdict.REFUTED, candidate, len(known), width, others, "")
    return _finding(Verdict.INCONCLUSIVE, negative[0], len(known), 0.0, {}, reason)


def _proved_width(tables: Tables, candidate: _Candidate) -> float:
    """Width of a cell in which the candidate is proved, its index and that its map is continuous; 0 where it is not."""
    corners = leader_corners(tables, np.asarray(softmax_policy(candidate.logits)))
    cell = None if corners is None else negative_at(tables, corners, candidate.mean_field)
    if corners is None or cell is None or not has_one_law(tables, corners):
        return 0.0
    n = len(candidate.mean_field)
    return float(np.max(np.ptp(cell[:n, :n], axis=0)))


def _others(game: AbstractGame, candidate: _Candidate, seed: int) -> Entries:
    """All equilibria of the candidate's leader that searches from many starts find."""
    starts = starting_fields(game, _NUM_STARTS, np.random.default_rng(seed))
    starts = np.concatenate([candidate.mean_field[None], starts])
    return {"all_equilibria": find_equilibria(game, candidate.logits[None], starts)[0].distinct}


def _finding(
    verdict: Verdict, at: _Candidate | None, number: int, width: float, others: Entries, reason: str
) -> Finding:
    return Finding(
        property="uniqueness",
        statement="negative-index",
        verdict=verdict,
        constant=float("nan") if at is None else at.determinant,
        side=Side.UPPER,
        evidence=Evidence.SEARCH,
        facts={
            "equilibria": number,
            "entries": 0 if at is None else len(at.mean_field),
            "width": width,
            "others": len(others["all_equilibria"]) - 1 if others else 0,
            "reason": reason,
        },
        witness={} if at is None else {"logits": at.logits, "mean_field": at.mean_field, **others},
        searched={"equilibria": number},
    )


def determinant_of(game: AbstractGame, witness: Entries) -> float:
    """The determinant again, at the equilibrium of a witness."""
    return tangent_determinant(at_witness(game, witness, solve=True).response[0])
