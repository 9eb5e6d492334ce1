r"""Proved lower bounds of the rate: by cells of leader policies and mean fields, or by the proved l1 modulus."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import (
    ALLOWED_MOVE,
    BoundInputs,
    inputs_of,
    smaller_bound,
    step_of_roundings,
)
from smfg_verify.assumptions.enclosure.response.measures import growth_over
from smfg_verify.assumptions.enclosure.response.proof import proof_by_cells
from smfg_verify.assumptions.enclosure.response.search import CellSupremum
from smfg_verify.assumptions.enclosure.response.zones.proof import proof_by_zones
from smfg_verify.assumptions.one_sided.growth import frame_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.response_jacobian import field_size
from smfg_verify.game import AbstractGame


class CellRate(NamedTuple):
    """What cells prove.

    Attributes:
        rate: lower bound of the rate in the norm asked for; minus infinity where there is none.
        cells: what was found over them; None where the game has no cells.
        rounding_step: how far the roundings of the game's functions may move the best-response map, in l1.
        reason: why there are no cells; empty where there are.
        worst: leader's policy (O, B) and mean field (n,) at the centre of largest growth; None without cells.
        zone_cells: of mean fields with all leaders at once, where these give the rate; zero where cells do.
    """

    rate: float
    cells: CellSupremum | None
    rounding_step: float
    reason: str
    worst: tuple[Float[np.ndarray, "O B"], Float[np.ndarray, " n"]] | None = None
    zone_cells: int = 0


def rate_by_modulus(inputs: BoundInputs, temperature: float, size: int) -> float:
    r"""$1 - \frac{\kappa}{2} (1 + \sqrt{M / 2})$, kappa the proved l1 modulus: below the rate in the Euclidean norm.

    $D\Gamma v$ sums to zero, so $\langle v, D\Gamma v \rangle \le \frac12 (v_i - v_j) \kappa |v|_1$ with i, j the
    largest and least entry; $|v|_1 = \langle w, v \rangle$ with signs w, and the symmetric part of
    $\frac12 (e_i - e_j) w^T$ has no eigenvalue above $\frac14 (2 + \sqrt{2 M})$.
    """
    return _rate_of(smaller_bound(inputs, temperature), size)


def _rate_of(modulus: float, size: int) -> float:
    growth = 0.5 * modulus * (1.0 + float(np.sqrt(0.5 * size)))
    return 1.0 - growth * (1.0 + CLEARLY_BELOW_ONE)


def rate_by_cells(
    game: AbstractGame, inputs: BoundInputs, weight: Float[np.ndarray, "k k"], *, num_boxes: int
) -> CellRate:
    """The rate in the norm of a weight, by enclosing D Gamma over cells of leader policies and mean fields.

    Args:
        game: the game, traced.
        inputs: of the proved bounds, for the roundings of its functions.
        weight: W in the tangent basis, (k, k).
        num_boxes: of the budget.

    Returns:
        The bound, of every leader policy and mean field, pure ones and vertices included.
    """
    frame = frame_of(field_size(game), weight)
    proof = proof_by_cells(game, growth_over, *frame, num_boxes=num_boxes, hopeless=1.0)
    found = CellRate(float("-inf"), None, float("inf"), proof.reason)
    if proof.cells is not None:
        step = step_of_roundings(inputs, float(game.temperature), proof.cells.mixing)
        found = CellRate(1.0 - proof.cells.upper, proof.cells, step, "", proof.worst)
    # The modulus of whole leaders bounds the growth in the Euclidean norm.
    if not np.array_equal(weight, np.eye(len(weight))):
        return found
    zones = proof_by_zones(game, num_boxes)
    rate = _rate_of(zones.modulus, field_size(game))
    if not rate > found.rate:
        return found
    step = step_of_roundings(inputs, float(game.temperature), zones.mixing)
    return found._replace(rate=rate, rounding_step=step, zone_cells=zones.cells)


def euclidean_rate(game: AbstractGame, settings: SearchSettings) -> CellRate:
    """The rate in the Euclidean norm, by cells.

    Args:
        game: the game, traced.
        settings: of the constants and the cells.

    Returns:
        The bound.
    """
    inputs = inputs_of(game, game_constants(game, settings))
    return rate_by_cells(game, inputs, np.eye(field_size(game) - 1), num_boxes=settings.num_boxes)


def proves(found: CellRate) -> bool:
    """Whether cells prove a positive rate, that what is rounded leaves alone."""
    smooth = found.rounding_step <= ALLOWED_MOVE * min(1.0, max(found.rate, 0.0))
    return bool(found.rate > CLEARLY_BELOW_ONE and smooth)
