r"""One-sided contraction: $\langle v, W D\Gamma_\phi(m) v \rangle \le (1 - c) \langle v, W v \rangle$ with c > 0."""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.at_witness import at_witness
from smfg_verify.assumptions.contraction.measured_modulus import random_points
from smfg_verify.assumptions.contraction.proved_bounds import (
    USED,
    BoundInputs,
    inputs_from,
    inputs_of,
    smaller_bound,
    witness_of,
)
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable, require_shapes
from smfg_verify.assumptions.one_sided.certified_rate import CellRate, proves, rate_by_cells, rate_by_modulus
from smfg_verify.assumptions.one_sided.consequences import leader_slopes, tracking
from smfg_verify.assumptions.one_sided.growth import fastest, frame_of, growths, norms
from smfg_verify.assumptions.one_sided.measured_rate import Rates, Searched, find_rates
from smfg_verify.assumptions.one_sided.obstruction import obstruction_of, secants_along, upper_rate
from smfg_verify.assumptions.one_sided.sentences import ONE_SIDED
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_mean_fields, field_size
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries

PROPERTY = "one-sided-contraction"
STATEMENTS = ("certified-rate", "rate", "euclidean")
_PAIRS = 32
# Probabilities of a leader's actions, at least, in the logits of a witness.
_RARELY = 1e-9


def _rate_at(game: AbstractGame, witness: Entries) -> float:
    """1 - growth at a witness in its weighted norm; of pairs without one, the bound for every weight."""
    if "shares" in witness:
        return upper_rate(game, witness)
    size = field_size(game)
    require_shapes(witness, {"weight": (size - 1, size - 1)})
    found = at_witness(game, witness, solve=False)
    return 1.0 - float(growths(found.response, frame_of(size, witness["weight"]))[0])


def _proved_at(game: AbstractGame, witness: Entries) -> float:
    """The proved rate again: over as many cells, or from the constants."""
    inputs = inputs_from(game, witness)
    if "weight" not in witness:
        return rate_by_modulus(inputs, float(game.temperature), field_size(game))
    size = field_size(game)
    require_shapes(witness, {"weight": (size - 1, size - 1)})
    return rate_by_cells(checked(game), inputs, witness["weight"], num_boxes=int(witness["num_boxes"])).rate


RECOMPUTE = {
    "certified-rate": _proved_at,
    "rate": _rate_at,
    "euclidean": _rate_at,
}


@register_property(
    PROPERTY, recompute=RECOMPUTE, renderings=ONE_SIDED, sufficient=("certified-rate",), aside=("euclidean",)
)
def check_one_sided(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Whether one weighted norm and c > 0 have $\langle v, W (D\Gamma_\phi(m) - I) v \rangle \le -c |v|_W^2$ always.

    Weaker than contraction and enough for what the line of the mean field needs: one equilibrium, Lipschitz in the
    leader, that a small step brings nearer.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: ours; uniqueness as for strongly monotone maps.
    """
    if field_size(game) == 1:
        return [not_applicable(PROPERTY, statement) for statement in STATEMENTS]
    constants = game_constants(game, settings)
    inputs, rates = inputs_of(game, constants), find_rates(game, settings)
    cells = CellRate(float("-inf"), None, float("inf"), "no norm was found with a positive rate")
    if rates.best.rate > 0.0:
        cells = rate_by_cells(game, inputs, rates.best.weight, num_boxes=settings.num_boxes)
        rates = rates._replace(best=_worse_of(game, rates.best, cells))
    return [
        cut_short(_certified_finding(game, inputs, rates.best, cells, settings), constants.cut, *USED),
        _rate_finding(game, settings, rates),
        _euclidean_finding(game, rates.best if _is_euclidean(rates.best) else rates.euclidean),
    ]


def _is_euclidean(found: Searched) -> bool:
    return bool(np.array_equal(found.weight, np.eye(len(found.weight))))


def _worse_of(game: AbstractGame, found: Searched, cells: CellRate) -> Searched:
    """The search's worst point, or the centre of a cell where the map grows faster."""
    if cells.worst is None:
        return found
    policy, field = cells.worst
    logits = np.log(np.maximum(policy, _RARELY))
    response = at_mean_fields(game, logits[None], field[None]).response
    growth = float(growths(response, frame_of(field_size(game), found.weight))[0])
    if not growth > found.worst.value:
        return found
    return found._replace(worst=found.worst._replace(value=growth, logits=logits, mean_field=field))


def _certified_finding(
    game: AbstractGame, inputs: BoundInputs, found: Searched, cells: CellRate, settings: SearchSettings
) -> Finding:
    """The larger of two proved rates, certified where it is positive."""
    plain = rate_by_modulus(inputs, float(game.temperature), field_size(game))
    by_cells = cells.rate > plain
    certified = proves(cells) if by_cells else plain > CLEARLY_BELOW_ONE
    witness = dict(witness_of(inputs))
    if by_cells:
        witness |= {"weight": found.weight, "num_boxes": np.asarray(settings.num_boxes)}
    counts = {} if cells.cells is None else {"cells": cells.cells.cells, "finished": cells.cells.finished}
    return Finding(
        property=PROPERTY,
        statement="certified-rate",
        verdict=Verdict.CERTIFIED if certified else Verdict.INCONCLUSIVE,
        constant=cells.rate if by_cells else plain,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        facts={
            "modulus": float(smaller_bound(inputs, float(game.temperature))),
            "entries": field_size(game),
            "by_cells": by_cells,
            "cells": 0 if cells.cells is None else cells.cells.cells,
            "zone_cells": cells.zone_cells if by_cells else 0,
            "euclidean": _is_euclidean(found) or not by_cells,
            "rounding_step": cells.rounding_step,
            "reason": cells.reason,
        },
        witness=witness,
        searched=counts,
        details={} if cells.cells is None else {"bound_curve": 1.0 - cells.cells.curve, "by_modulus": plain},
    )


def _euclidean_finding(game: AbstractGame, found: Searched) -> Finding:
    """The rate at W = I, refuted where a secant of the map grows as fast as the mean fields lie apart."""
    secant = _secant_rate(game, found)
    return Finding(
        property=PROPERTY,
        statement="euclidean",
        verdict=_verdict(found, refuted=secant <= 0.0),
        constant=found.rate,
        side=Side.UPPER,
        evidence=Evidence.SEARCH,
        facts={"secant": secant},
        witness=_witness(found),
        searched=found.worst.searched,
        details={"search_curve": 1.0 - found.worst.curve, "secant": secant},
    )


def _verdict(found: Searched, *, refuted: bool) -> Verdict:
    if not np.isfinite(found.rate):
        return Verdict.INCONCLUSIVE
    if found.rate > 0.0:
        return Verdict.INCONCLUSIVE if found.worst.searched["sample_nan"] else Verdict.SUPPORTED
    return Verdict.REFUTED if refuted else Verdict.INCONCLUSIVE


def _witness(found: Searched) -> dict[str, np.ndarray]:
    if not np.isfinite(found.rate):
        return {}
    return {"logits": found.worst.logits, "mean_field": found.worst.mean_field, "weight": found.weight}


def _secant_rate(game: AbstractGame, found: Searched) -> float:
    """Upper bound of the Euclidean rate by two mean fields on the tangent that grows fastest, without a derivative."""
    if not np.isfinite(found.rate):
        return float("nan")
    at = at_witness(game, _witness(found), solve=False)
    tangent = fastest(at.response[0], frame_of(field_size(game)))
    secants, errors = secants_along(game, at.logits, at.mean_field, tangent[None])
    return 1.0 - float(secants[0] @ tangent - errors[0])


def _rate_finding(game: AbstractGame, settings: SearchSettings, rates: Rates) -> Finding:
    """The rate in the best weighted norm found, refuted where pairs of mean fields leave no weight a positive rate."""
    best, witness, bound = rates.best, _witness(rates.best), float("nan")
    if not best.rate > 0.0 and rates.common.multipliers is not None:
        points = rates.points
        obstruction = obstruction_of(points.logits, points.mean_field, rates.common.multipliers)
        bound = upper_rate(game, obstruction)
        witness = obstruction if bound < 0.0 else witness
    verdict = _verdict(best, refuted=bound < 0.0)
    facts, details = _consequences(game, settings, best)
    return Finding(
        property=PROPERTY,
        statement="rate",
        verdict=verdict,
        constant=bound if verdict is Verdict.REFUTED else best.rate,
        side=Side.UPPER,
        evidence=Evidence.SEARCH,
        facts={
            **facts,
            "euclidean": _is_euclidean(best),
            "pairs": len(witness["shares"]) if "shares" in witness else 0,
            "found": best.rate,
        },
        witness=witness,
        searched={**best.worst.searched, **rates.common.counts},
        details={**details, "highest": rates.highest, "search_curve": 1.0 - best.worst.curve},
    )


def _consequences(
    game: AbstractGame, settings: SearchSettings, best: Searched
) -> tuple[dict[str, object], dict[str, object]]:
    """What the rate would give, were it the true one: constants from the points looked at."""
    frame = frame_of(field_size(game), best.weight)
    logits, fields = random_points(game, min(settings.num_leaders, _PAIRS), settings)
    slopes = leader_slopes(game, logits, fields, frame)
    looked_at = at_mean_fields(
        game, np.concatenate([best.worst.logits[None], logits]), np.concatenate([best.worst.mean_field[None], fields])
    )
    lipschitz = _largest(norms(looked_at.response, frame))
    steps = tracking(best.rate, lipschitz)
    slope = _largest(slopes) / best.rate if best.rate > 0.0 else float("nan")
    facts: dict[str, object] = {"lipschitz": lipschitz, "largest_step": steps.largest_step, "leader_slope": slope}
    return facts, {**facts, "best_step": steps.best_step, "best_factor": steps.best_factor, "weight": best.weight}


def _largest(values: Float[np.ndarray, " N"]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")
