r"""Proved lower bounds of the rate: by cells of leader policies and mean fields, or by the proved l1 modulus."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import (
    ALLOWED_MOVE,
    BoundInputs,
    smaller_bound,
    step_of_roundings,
)
from smfg_verify.assumptions.enclosure.response.budget import affordable_cells, usable_tables
from smfg_verify.assumptions.enclosure.response.measures import growth_over
from smfg_verify.assumptions.enclosure.response.search import CellSupremum, supremum_over_cells
from smfg_verify.assumptions.one_sided.growth import frame_of
from smfg_verify.game import AbstractGame, game_hash

# Distance of the proved rate from the one at a cell's centre at which the proof ends.
_TOLERANCE = 0.01


class CellRate(NamedTuple):
    """What cells prove.

    Attributes:
        rate: lower bound of the rate in the norm asked for; minus infinity where there is none.
        cells: what was found over them; None where the game has no cells.
        rounding_step: how far the roundings of the game's functions may move the best-response map, in l1.
        reason: why there are no cells; empty where there are.
    """

    rate: float
    cells: CellSupremum | None
    rounding_step: float
    reason: str


def rate_by_modulus(inputs: BoundInputs, temperature: float, size: int) -> float:
    r"""$1 - \frac{\kappa}{2} (1 + \sqrt{M / 2})$, kappa the proved l1 modulus: below the rate in the Euclidean norm.

    $D\Gamma v$ sums to zero, so $\langle v, D\Gamma v \rangle \le \frac12 (v_i - v_j) \kappa |v|_1$ with i, j the
    largest and least entry; $|v|_1 = \langle w, v \rangle$ with signs w, and the symmetric part of
    $\frac12 (e_i - e_j) w^T$ has no eigenvalue above $\frac14 (2 + \sqrt{2 M})$.
    """
    growth = 0.5 * smaller_bound(inputs, temperature) * (1.0 + float(np.sqrt(0.5 * size)))
    return 1.0 - growth * (1.0 + CLEARLY_BELOW_ONE)


def rate_by_cells(
    game: AbstractGame, inputs: BoundInputs, weight: Float[np.ndarray, "k k"], *, num_boxes: int
) -> CellRate:
    """The rate in the norm of a weight, by enclosing D Gamma over cells of leader policies and mean fields.

    Computed once for a game's content and a budget.

    Args:
        game: the game, traced.
        inputs: of the proved bounds, for the roundings of its functions.
        weight: W in the tangent basis, (k, k).
        num_boxes: of the budget.

    Returns:
        The bound, of every leader policy and mean field, pure ones and vertices included.
    """
    weighted = np.array(weight, dtype=float)
    known = game_hash(game), jax.tree.structure(game), inputs, weighted.tobytes(), num_boxes
    return _cached(_Key(known, game, weighted))


@dataclasses.dataclass(frozen=True)
class _Key:
    """What a rate depends on, and what it is computed of."""

    known: tuple[object, object, BoundInputs, bytes, int]
    game: AbstractGame = dataclasses.field(compare=False)
    weight: np.ndarray = dataclasses.field(compare=False)


@functools.lru_cache(maxsize=32)
def _cached(key: _Key) -> CellRate:
    game, inputs, num_boxes = key.game, key.known[2], key.known[4]
    tables, reason = usable_tables(game)
    if tables is None:
        return CellRate(float("-inf"), None, float("inf"), reason)
    left, right = frame_of(len(tables.reward), key.weight)
    found = supremum_over_cells(
        tables,
        functools.partial(growth_over, tables, left=left, right=right),
        num_cells=affordable_cells(tables, num_boxes),
        tolerance=_TOLERANCE,
        hopeless=1.0,
    )
    step = step_of_roundings(inputs, float(game.temperature), found.mixing)
    return CellRate(1.0 - found.upper, found, step, "")


def proves(found: CellRate) -> bool:
    """Whether cells prove a positive rate, that what is rounded leaves alone."""
    smooth = found.rounding_step <= ALLOWED_MOVE * min(1.0, max(found.rate, 0.0))
    return bool(found.rate > CLEARLY_BELOW_ONE and smooth)
