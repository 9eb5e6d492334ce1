r"""How far the gradient of a large game can be trusted: what `gradient.certificate` states, estimated by products.

The errors of the point are carried to the gradient by moving it: along the directions in which the equilibrium's own
errors are largest, joined with random errors and roundings of what each action is worth, the whole formula is
evaluated again, so far away that the difference is clear of rounding, and scaled back. Random roundings of the
adjoint equation are carried by solves with it. Beside that, an adjoint gradient has to give the same derivative along
random directions of the leader as the forward response of the equilibrium does; what they differ by counts too.
"""

from dataclasses import replace
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from smfg_verify.exact.equilibrium.outcome import Equilibrium
from smfg_verify.exact.gradient.certificate import Certificate, to_logits
from smfg_verify.exact.gradient.perturbation import leader_directions
from smfg_verify.exact.sparse.accuracy import SPREAD, Estimate
from smfg_verify.exact.sparse.equations.linearisation import Linear
from smfg_verify.exact.sparse.equations.local_moves import Local, leader_size
from smfg_verify.exact.sparse.equations.local_slopes import local_slopes
from smfg_verify.exact.sparse.equations.places import Pair, Vector, place_at
from smfg_verify.exact.sparse.gradient import Formula, Table, Tables, change_along, gradient_formula
from smfg_verify.game import AbstractGame

# How far the point is moved along an error, relative to the whole mass and to each entry: clear of rounding, and within
# the reach of first order.
_FAR, _SHARE = 1e-6, 1e-2
# How well estimates are solved, and responses to the leader.
_ROUGH, _FINE = 1e-3, 1e-9
_DRAWS = 2
# Unit roundoffs granted to each quantity, and the multiple of a first-order change that counts.
_ROUNDINGS, _NONLINEAR = 4.0, 2.0
# A response of the mean field below so many times its own errors is none.
_RESOLUTION = 1e3


class _Change(NamedTuple):
    """First-order changes of the derivatives in logits (Euclidean, the largest of the three gradients), and of Phi."""

    gradient: float
    objective: float


def certify(
    game: AbstractGame, local: Local, linear: Linear, estimate: Estimate, equilibrium: Equilibrium, formula: Formula
) -> Certificate:
    """The certificate of a gradient, from what it was computed by; the condition number is not known, and NaN.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        linear: the equations at the equilibrium.
        estimate: its errors, with the directions in which they are largest.
        equilibrium: the equilibrium.
        formula: the gradient.

    Returns:
        The certificate.

    Raises:
        StalledError: a linear equation was not solved.
    """
    directions = np.asarray(leader_directions(local.leader_policy.shape))
    responses = [_response(linear, direction) for direction in directions]
    error = float(equilibrium.error_bound)
    moves = np.stack([pair.field if _is_seen(pair, error) else np.zeros_like(pair.field) for pair in responses])
    seen = local_slopes(game, np.asarray(local.targets), np.asarray(linear.field), moves, error)
    assert estimate.doubt is not None
    assert estimate.quality is not None
    random = _random_errors(linear, estimate.doubt, estimate.quality)
    moved = [
        _moved(game, local, linear, formula, direction.plus(beside), shift)
        for direction, (beside, shift) in zip(estimate.directions, random, strict=True)
    ]
    rounding, objective = _assembly(game, local, linear, formula, seen.leader_grain)
    gradient = _NONLINEAR * _largest([change.gradient for change in moved]) + SPREAD * _adjoint_rounding(
        local, linear, formula
    )
    gradient += SPREAD * _disagreement(local, linear, formula, directions, responses) + rounding
    objective += max(
        _NONLINEAR * _largest([change.objective for change in moved]),
        _objective_error(linear, formula, estimate.doubt, estimate.quality / float(local.temperature)),
    )
    unseen = np.inf if seen.hidden else 0.0
    differentiable = bool(seen.slopes.differentiable)
    return Certificate(
        forward_residual=equilibrium.residual,
        adjoint_residual=jnp.asarray(formula.residual),
        condition=jnp.asarray(np.nan),
        error_bound=jnp.asarray(gradient + unseen if differentiable else np.inf),
        objective_error_bound=jnp.asarray(objective + unseen),
        slopes=seen.slopes,
    )


def _response(linear: Linear, direction: Table) -> Pair:
    """Change of the equilibrium with the leader's policy."""
    nothing = Pair(np.zeros_like(linear.place.point.field), np.zeros_like(linear.place.point.value))
    pushed = linear.apply(nothing, direction)
    return linear.solve(pushed.times(-1.0), _FINE).within(_FINE)


def _is_seen(response: Pair, error: float) -> bool:
    return bool(np.max(np.abs(response.field)) > _RESOLUTION * error)


def _random_errors(linear: Linear, doubt: Pair, quality: Vector) -> list[tuple[Pair, np.ndarray]]:
    """Errors of the unknowns from random misses of their equations, and roundings of the actions' worth.

    Those that do most to the value lift it everywhere alike, which no action feels.
    """
    generator = np.random.default_rng(0)
    policy = np.asarray(linear.place.answer.policy)
    errors = []
    for _ in range(_DRAWS):
        # Not of random sign: two of them may be the same, or opposite, in all draws.
        drawn = (generator.normal(size=part.shape) for part in doubt)
        error = linear.solve(doubt.times(Pair(*drawn)), _ROUGH).within(_ROUGH)
        shift = quality[:, None] * generator.normal(size=policy.shape)
        # Changes count times `_NONLINEAR` afterwards.
        errors.append((error.times(SPREAD / _NONLINEAR), SPREAD / _NONLINEAR * shift))
    return errors


def _objective_error(linear: Linear, formula: Formula, doubt: Pair, logits: Vector) -> float:
    r"""First-order error of the objective, whatever the signs: $|\lambda|^T$ doubt, and that of the policy's logits."""
    multiplier, policy = formula.multipliers[0].plus(formula.multipliers[1]), np.asarray(linear.place.answer.policy)
    slopes = formula.leader.slopes.by_follower
    by_logits = np.abs(policy * (slopes - np.sum(policy * slopes, axis=1, keepdims=True)))
    carried = np.abs(multiplier.field) @ doubt.field + np.abs(multiplier.value) @ doubt.value
    return float(carried + np.sum(by_logits, axis=1) @ logits)


def _moved(
    game: AbstractGame, local: Local, linear: Linear, formula: Formula, direction: Pair, shift: np.ndarray
) -> _Change:
    """Change of gradient and objective when the point and the actions' worth move a little, from a longer move."""
    point = linear.place.point
    masses = np.where(point.field > 0.0, point.field, np.inf)
    by_value = max(np.max(np.abs(direction.value)), np.max(np.abs(shift)))
    size = max(np.sum(np.abs(direction.field)), by_value / float(local.temperature))
    share = np.max(np.abs(direction.field) / masses)
    longer = min(_FAR / size if size > 0.0 else 1.0, _SHARE / share if share > 0.0 else np.inf)
    there = point.plus(direction, longer)
    local = replace(local, shift=jnp.asarray(longer * shift))
    place = place_at(game, local, Pair(np.maximum(there.field, 0.0), there.value))
    if not isinstance(place, tuple):
        return _Change(np.inf, np.inf)
    found = gradient_formula(game, local, Linear(game, local, place), formula.multipliers, _ROUGH)
    changes = [_size(local, new - old) for new, old in zip(_three(found.tables), _three(formula.tables), strict=True)]
    objective = abs(found.leader.objective - formula.leader.objective)
    return _Change(_largest(changes) / longer, objective / longer)


def _largest(sizes: list[float]) -> float:
    """The largest; infinite where one is no number, which `max` may pass over."""
    return float(np.max(sizes)) if not np.any(np.isnan(sizes)) else float("inf")


def _three(tables: Tables) -> tuple[Table, Table, Table]:
    return tables.total, tables.direct, tables.held_field


def _size(local: Local, table: Table) -> float:
    """Euclidean size in logits of a change of the derivatives in policy entries."""
    return float(np.linalg.norm(to_logits(local.leader_policy, jnp.asarray(table))))


def _adjoint_rounding(local: Local, linear: Linear, formula: Formula) -> float:
    """Root mean square of what random roundings of the adjoint equation, and its residual, bring."""
    multiplier = formula.multipliers[0].plus(formula.multipliers[1])
    right = formula.leader.right[0].plus(formula.leader.right[1])
    missed = right.plus(linear.apply_transposed(multiplier)[0], -1.0)
    value = linear.place.point.value
    sharpness = 1.0 + (np.ptp(value) + float(local.temperature)) / float(local.temperature)
    unit = _ROUNDINGS * np.finfo(float).eps * sharpness
    generator = np.random.default_rng(0)
    changes = []
    for _ in range(_DRAWS):
        rounded = Pair(
            *(
                unit * generator.normal(size=b.shape) * (np.abs(b) + np.abs(x)) + left
                for b, x, left in zip(right, multiplier, missed, strict=True)
            )
        )
        turned = linear.solve_transposed(linear.held(rounded), _ROUGH).within(_ROUGH)
        changes.append(_size(local, linear.apply_transposed(turned)[1]))
    return float(np.linalg.norm(changes) / np.sqrt(_DRAWS))


def _disagreement(
    local: Local, linear: Linear, formula: Formula, directions: np.ndarray, responses: list[Pair]
) -> float:
    """Size of an error of the gradient that would make forward and adjoint derivatives differ as they do."""
    errors = []
    for direction, response in zip(directions, responses, strict=True):
        forward = change_along(linear, formula.leader, direction, response)
        backward = float(np.sum(formula.tables.total * direction))
        spread = float(np.sqrt(np.mean(direction**2)))
        errors.append((forward - backward) / spread if spread > 0.0 else 0.0)
    # In logits an entry counts times its probability.
    weight = float(np.max(np.asarray(local.leader_policy)))
    return weight * float(np.linalg.norm(errors) / np.sqrt(len(errors)))


def _assembly(
    game: AbstractGame, local: Local, linear: Linear, formula: Formula, grain: np.ndarray
) -> tuple[float, float]:
    """Roundings of the last sums of the gradient, in logits, and of the objective."""
    leader, point = formula.leader, linear.place.point
    multiplier = formula.multipliers[0].plus(formula.multipliers[1])
    unit = _ROUNDINGS * np.finfo(float).eps
    paid = leader_size(game, local, jnp.asarray(linear.place.answer.policy), linear.field)
    terms = leader.visits * (np.max(np.abs(leader.value)) + np.asarray(paid) + grain / unit)
    size = np.max(np.abs(point.value)) + float(local.temperature)
    whole = terms + np.abs(multiplier.value) * size + linear.place.law.law * np.max(np.abs(multiplier.field))
    rows = np.bincount(np.asarray(game.leader_observation), whole, minlength=local.leader_policy.shape[0])
    weights = np.linalg.norm(np.asarray(local.leader_policy), axis=1)
    # Each state's equation of the leader's value is rounded, and counts as often as the state is visited.
    objective = SPREAD * unit * np.max(np.abs(leader.value)) + unit * np.sum(terms)
    return float(_NONLINEAR * unit * np.linalg.norm(weights * rows)), float(objective)
