r"""Newton's method for an equilibrium of a large game, damped, on the host.

The rules are those of `exact.root`, with two that large games need. Progress is measured in mass that is off and in
units of the temperature: the largest entry of a mean field of 1e5 entries says nothing. An entry of the mean field
falls in one step to no less than a tenth of it, or what the law at the point has there: rewards such as -log(m) are
far from their tangents otherwise. On the host, because SuperLU's factors are; `root.newton` is one compiled loop.
"""

from typing import NamedTuple

import numpy as np

from smfg_verify.exact import root
from smfg_verify.exact.equilibrium.outcome import EquilibriumMethod, Status
from smfg_verify.exact.follower import MAX_ITERATIONS
from smfg_verify.exact.sparse.chain import chain_of, discounted
from smfg_verify.exact.sparse.linearisation import Linear
from smfg_verify.exact.sparse.local_moves import Local
from smfg_verify.exact.sparse.places import Field, Pair, Place, Vector, answer_of, place_at, population
from smfg_verify.game import AbstractGame

# Largest share of an entry of the mean field that is left where a step takes it away.
_KEPT = 0.1
# How well a step solves its linear equation: at first by half, which takes as many steps as a hundredth and up to half
# as many products, then as well as the residual is small.
_ROUGH, _FINE = 0.5, 1e-6
# Below it a part of a step gains what rounding feigns: only the whole one is tried.
_NEARLY = 1e-9
# Residual of the first value, relative to its size.
_FIRST = 1e-3


class Search(NamedTuple):
    """Where a search ended.

    Attributes:
        place: the best point; a status where the equations have no value at the first.
        steps: Newton steps taken in all.
        products: of the Jacobian with a vector, in all.
        method: which search it was.
    """

    place: Place | Status
    steps: int
    products: int
    method: EquilibriumMethod


def near(place: Place) -> bool:
    """Whether a search has come so near that only rounding is left, or all but."""
    return place.norm <= _NEARLY


def with_value(game: AbstractGame, local: Local, field: Field, accepted: float = _FIRST) -> Pair:
    """A mean field with the value of the best response to it, by whole steps of soft policy iteration.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        field: mean field, flattened.
        accepted: residual of the value that is left, relative to max(tau, max |V|); rough unless said otherwise.

    Returns:
        Both.
    """
    value: Vector = np.zeros(game.num_states)
    for _ in range(MAX_ITERATIONS):
        found = answer_of(game, local, Pair(field, value))
        missed = value - found.updated
        size = np.max(np.abs(missed))
        if not np.isfinite(size) or size <= accepted * max(float(local.temperature), np.max(np.abs(value))):
            break
        factors = discounted(chain_of(np.asarray(local.targets), found.weights), float(game.discount))
        value = value - factors.solve(missed)
    return Pair(field, value)


def newton(game: AbstractGame, local: Local, start: Pair, max_steps: int, tolerance: float = root.TOLERANCE) -> Search:
    """Damped Newton; its merit never exceeds the one it began with.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        start: where to go on from.
        max_steps: bound on the steps.
        tolerance: merit at which it ends.

    Returns:
        The search at its end: at the tolerance or at rounding, at the bound, or where no part of a step helps.
    """
    place, steps, products = place_at(game, local, start), 0, 0
    if isinstance(place, Status):
        return Search(place, 0, 0, EquilibriumMethod.NONE)
    while place.merit > tolerance and steps < max_steps:
        solved = Linear(game, local, place).solve(place.remainder, min(_ROUGH, max(_FINE, place.merit)))
        products += solved.products
        following = _part_that_helps(game, local, place, solved.solution)
        if following is None:
            break
        place, steps = following, steps + 1
    return Search(place, steps, products, EquilibriumMethod.NEWTON)


def _part_that_helps(game: AbstractGame, local: Local, place: Place, step: Pair) -> Place | None:
    """The place after the longest of the halved steps that makes the merit fall."""
    length = 1.0
    while np.all(np.isfinite(step.field)) and length > (0.5 if near(place) else root.SMALLEST_STEP):
        trial = place_at(game, local, moved(game, place, step, length))
        if not isinstance(trial, Status) and trial.merit <= (1.0 - root.SUFFICIENT_DECREASE * length) * place.merit:
            return trial
        length *= 0.5
    return None


def moved(game: AbstractGame, place: Place, step: Pair, length: float) -> Pair:
    """The place's point less a part of a step, in the simplex, and empty where the law at the place is."""
    field = place.point.field
    law = population(game, place.law.law, place.answer.policy)
    least = np.minimum(_KEPT * field, law)
    trial = np.where(law == 0.0, 0.0, np.maximum(field - length * step.field, least))
    return Pair(trial / np.sum(trial), place.point.value - length * step.value)
