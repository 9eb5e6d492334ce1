"""What the findings of gradient alignment share: their witness, and how its constant is taken from it alone."""

from typing import Literal

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.properties import Recompute
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, checked, evaluate_leaders
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

PROPERTY = "gradient-alignment"


def point_of(game: AbstractGame, witness: Entries, reading: Reading) -> LeaderPoints:
    """The witness as a point in one reading, its equilibrium solved again from the mean field it was found at."""
    game = checked(game)
    require_shapes(witness, {"logits": leader_logits_shape(game), "mean_field": mean_field_shape(game)})
    return reading.of(evaluate_leaders(game, witness["logits"][None], witness["mean_field"][None]))


def excess_gap(points: LeaderPoints, other: Literal["total", "direct"]) -> np.ndarray:
    """Gap of one field beyond the gap of the field that was followed to (nearly) zero, (N,)."""
    excess = points.total_gap - points.direct_gap
    result: np.ndarray = np.maximum(0.0, excess if other == "total" else -excess)
    return result


def concluded(
    game: AbstractGame,
    statement: str,
    searched: Entries,
    witness: Entries,
    *,
    verdict: Verdict,
    exact: float | None,
    side: Side,
    facts: Entries,
    details: Entries,
    recompute: Recompute,
) -> Finding:
    """A finding at a witness; its constant is what the witness alone gives, so that it reproduces."""
    measured = float(recompute(game, witness)) if witness else float("nan")
    constant = measured if exact is None else exact
    return Finding(
        property=PROPERTY,
        statement=statement,
        verdict=verdict,
        constant=constant,
        side=side if exact is None else Side.EXACT,
        evidence=Evidence.SEARCH if exact is None else Evidence.PROOF,
        facts={**facts, "proved": exact is not None},
        witness=witness,
        searched=searched,
        details={**details, "measured": measured},
    )


def witness_at(points: LeaderPoints, index: int) -> dict[str, np.ndarray]:
    """One point as a finding's witness: leader, equilibrium, and both gradients with their error."""
    names = ("logits", "mean_field", "follower_policy", "total", "direct", "error")
    return {name: getattr(points, name)[index] for name in names}


def worst_of(values: np.ndarray, which: str) -> int | None:
    """Index of the extreme ("min" or "max") among the values that are numbers; None if none is."""
    if not np.isfinite(values).any():
        return None
    return int(np.nanargmin(values) if which == "min" else np.nanargmax(values))


def numbers_of(values: np.ndarray) -> np.ndarray:
    """The values that are numbers."""
    result: np.ndarray = values[np.isfinite(values)]
    return result
