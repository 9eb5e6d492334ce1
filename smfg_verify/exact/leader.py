"""Exact ascent of the leader's objective to a stationary policy."""

import enum
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.equilibrium import prepare, raise_unless_converged
from smfg_verify.exact.gradient import StackelbergGradient, policy_gradient
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy

# A step may lose this much, relative to max(1, |Phi|), to rounding and still count as monotone.
_ROUNDING = 1e-13
_SUFFICIENT_INCREASE = 1e-4
_SMALLEST_SIZE = 1e-14
# Probability a logit gives to an action the optimum never takes: too small to move either stationarity measure.
_NEVER = 1e-30


class AscentStatus(enum.Enum):
    """Why an ascent ended."""

    CONVERGED = "both stationarity measures are within the tolerance"
    STALLED = "no step increases the objective"
    OUT_OF_STEPS = "the bound on the number of steps is reached"
    EQUILIBRIUM_FAILED = "an equilibrium on the way did not converge"


class LeaderOptimum(eqx.Module):
    """Where an ascent of the leader ended, and how it went.

    Attributes:
        leader_logits: last logits, (O, B).
        gradient: the Stackelberg gradient there, with objective, policy-space gap and certificate.
        status: why the ascent ended.
        objective_history: Phi after 0, 1, ... steps, (K,), non-decreasing up to rounding.
        gradient_norm_history: Euclidean norm of grad Phi in logits, (K,).
        policy_gap_history: policy-space stationarity gap, (K,).
    """

    leader_logits: Float[Array, "O B"]
    gradient: StackelbergGradient
    status: AscentStatus = eqx.field(static=True)
    objective_history: Float[np.ndarray, " K"]
    gradient_norm_history: Float[np.ndarray, " K"]
    policy_gap_history: Float[np.ndarray, " K"]

    @property
    def converged(self) -> bool:
        """Whether both stationarity measures are within the tolerance."""
        return self.status is AscentStatus.CONVERGED


def optimise_leader(
    game: AbstractGame,
    initial_logits: Float[ArrayLike, "O B"],
    *,
    tolerance: float = 1e-8,
    max_steps: int = 2000,
) -> LeaderOptimum:
    r"""Ascend Phi exactly until $\|\nabla\Phi\|$ and the policy-space gap are both within the tolerance.

    Spectral projected gradient on the leader's policy itself:
    $\phi \leftarrow \phi + t\,(\mathrm{Proj}(\phi + \eta G) - \phi)$, $G = d\Phi/d\phi$, with Barzilai and Borwein's $\eta$ and t halved until the objective increases enough, so the
    history is monotone. In policy space a deterministic optimum is reached in finitely many steps and a saturated
    start is left at once; in logits both would take for ever. Each equilibrium search starts from the last mean
    field: the ascent stays on one branch where equilibria are many.

    Args:
        game: the game.
        initial_logits: where to start, (O, B).
        tolerance: largest accepted value of both stationarity measures, in units of the objective.
        max_steps: bound on the number of steps.

    Returns:
        The end point, why it ended, and the history. An action the optimum never takes has probability 1e-30 in
        the returned logits. It is a local result: other starts may end higher.

    Raises:
        ValueError: as `solve_equilibrium`.
        RuntimeError: the equilibrium of the initial logits does not converge.

    Source: spectral projected gradient (Birgin, Martinez and Raydan 2000), here with a monotone line search.
    """
    game, logits = prepare(game, initial_logits)
    start = _evaluate(game, np.asarray(softmax_policy(logits)), None)
    raise_unless_converged(start.gradient.equilibrium)
    iterates, status = _ascend(game, start, tolerance, max_steps)
    last = _evaluate(game, _never_zero(iterates[-1].policy), iterates[-1])
    objective, norm, gap = (np.array(column) for column in zip(*(i.measures for i in iterates), strict=True))
    return LeaderOptimum(jnp.log(last.policy), last.gradient, status, objective, norm, gap)


class _Iterate(NamedTuple):
    """A leader's policy, (O, B), and the gradient there."""

    policy: Float[np.ndarray, "O B"]
    gradient: StackelbergGradient

    @property
    def measures(self) -> tuple[float, float, float]:
        """Objective, norm of the gradient in logits, policy-space gap."""
        norm = float(np.linalg.norm(self.gradient.total))
        return float(self.gradient.objective), norm, float(self.gradient.policy_gap)

    @property
    def slope(self) -> Float[np.ndarray, "O B"]:
        """dPhi/dphi, (O, B)."""
        return np.asarray(self.gradient.policy_space)


def _evaluate(game: AbstractGame, policy: np.ndarray, near: _Iterate | None) -> _Iterate:
    start = None if near is None else near.gradient.equilibrium.mean_field
    return _Iterate(policy, policy_gradient(game, jnp.asarray(policy), start))


def _ascend(game, start: _Iterate, tolerance: float, max_steps: int) -> tuple[list[_Iterate], AscentStatus]:
    iterates, scale = [start], 1.0 / max(float(np.max(np.abs(start.slope))), _SMALLEST_SIZE)
    for _ in range(max_steps):
        last = iterates[-1]
        if max(last.measures[1:]) <= tolerance:
            return iterates, AscentStatus.CONVERGED
        found = _line_search(game, last, scale)
        if isinstance(found, AscentStatus):
            return iterates, found
        scale = _next_scale(last, found, scale)
        iterates.append(found)
    converged = max(iterates[-1].measures[1:]) <= tolerance
    return iterates, AscentStatus.CONVERGED if converged else AscentStatus.OUT_OF_STEPS


def _line_search(game: AbstractGame, last: _Iterate, scale: float) -> _Iterate | AscentStatus:
    """The first point on the way to the projected step that increases the objective enough; or why there is none."""
    direction = _project_rows(last.policy + scale * last.slope) - last.policy
    rise = float(np.sum(last.slope * direction))
    objective = last.measures[0]
    floor = objective - _ROUNDING * max(1.0, abs(objective))
    size, failed = 1.0, False
    while size > _SMALLEST_SIZE:
        trial = _evaluate(game, last.policy + size * direction, last)
        failed = not bool(trial.gradient.equilibrium.converged)
        if not failed and trial.measures[0] >= floor + _SUFFICIENT_INCREASE * size * rise:
            return trial
        size *= 0.5
    return AscentStatus.EQUILIBRIUM_FAILED if failed else AscentStatus.STALLED


def _next_scale(last: _Iterate, new: _Iterate, scale: float) -> float:
    """Barzilai and Borwein's step length, or a longer step where the curvature has the wrong sign."""
    moved = new.policy - last.policy
    curvature = float(np.sum(moved * (last.slope - new.slope)))
    length = float(np.sum(moved * moved))
    largest = 1e6 / max(float(np.max(np.abs(new.slope))), _SMALLEST_SIZE)
    return min(largest, length / curvature if curvature > length / largest else 10.0 * scale)


def _project_rows(table: Float[np.ndarray, "O B"]) -> Float[np.ndarray, "O B"]:
    """Euclidean projection of each row on the simplex."""
    ordered = np.sort(table, axis=-1)[:, ::-1]
    excess = np.cumsum(ordered, axis=-1) - 1.0
    counts = np.arange(1, table.shape[-1] + 1)
    active = np.sum(ordered * counts > excess, axis=-1, keepdims=True)
    shift = np.take_along_axis(excess, active - 1, axis=-1) / active
    return np.maximum(table - shift, 0.0)


def _never_zero(policy: Float[np.ndarray, "O B"]) -> Float[np.ndarray, "O B"]:
    positive = np.maximum(policy, _NEVER)
    return positive / np.sum(positive, axis=-1, keepdims=True)
