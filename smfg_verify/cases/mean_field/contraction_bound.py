"""The proved bound of the best-response map's modulus, held against the modulus that is found."""

from collections.abc import Callable

import numpy as np

from smfg_verify.assumptions import search_settings
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.measured_modulus import find_modulus, random_points
from smfg_verify.assumptions.contraction.proved_bounds import BoundInputs, inputs_of, smaller_bound
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_game
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_norms
from smfg_verify.game import AbstractGame

# Points of one compiled batch.
_QUICK_POINTS = 32
# Enclosures are widened outward by a relative 1e-13; the Jacobian's own rounding is far below this.
_RELATIVE_ERROR = 1e-9


@register_case(
    "contraction-bound", source="Perturbation of stationary laws and of soft optimal values; theory of this project."
)
def contraction_bound(version: Version, *, bound: Callable[[BoundInputs, float], float] = smaller_bound) -> CaseRecord:
    r"""The best-response map of mean fields has at most the certified l1 Lipschitz constant, for every leader.

    $$ \|D\Gamma_\phi(\mu)\|_{1 \to 1} \le \frac{m}{1-\delta_m}\Big(L_P + \delta_A \frac{L_Q}{\tau}\Big), \qquad
       L_Q = \frac{L_f + \gamma L_P\, span(V)/2}{1-\gamma} $$

    $\Gamma_\phi(\mu)$ is the stationary law at $\mu$ of the soft best response. Measured: the largest tangent norm of
    its derivative over leaders and mean fields (quick: random ones; full: ascended). Predicted: the smaller of the two
    certified bounds. Of several games the one is reported whose ratio is largest.

    Args:
        version: one random game, or six.
        bound: from certified constants and the temperature, an ingredient.

    Returns:
        Measured modulus against certified bound.
    """
    full = version is Version.FULL
    settings = search_settings("normal" if full else "quick")
    rows = []
    for seed in range(6 if full else 1):
        game = random_game(seed, temperature=1.0, ergodicity=0.2)
        certified = bound(inputs_of(game, game_constants(game, settings)), float(game.temperature))
        rows.append((find_modulus(game, settings).value if full else _sampled(game, settings), certified))
    measured, certified = max(rows, key=lambda row: row[0] / row[1])
    return CaseRecord(
        measured=measured,
        predicted=certified,
        kind=Kind.UPPER_BOUND,
        error=_RELATIVE_ERROR * certified,
        error_source=CaseText("rounding-of-derivative"),
        looked_at=_looked_at(len(rows), full=full),
        details={"certified_over_measured": certified / measured},
    )


def _looked_at(games: int, *, full: bool) -> CaseText:
    if full:
        return CaseText("ascended-games", {"games": games})
    return CaseText("sampled-games", {"games": games, "points": _QUICK_POINTS})


def _sampled(game: AbstractGame, settings: SearchSettings) -> float:
    logits, fields = random_points(game, _QUICK_POINTS, settings)
    return float(np.max(tangent_norms(at_mean_fields(game, logits, fields).response)))
