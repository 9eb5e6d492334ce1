"""Exact ascent of the leader's objective to a stationary policy."""

import enum
from typing import NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.equilibrium import prepare, raise_unless_converged
from smfg_verify.exact.gradient import StackelbergGradient, policy_gradient, raise_if_singular
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy
from smfg_verify.portable import Portable

# A step may lose this much, relative to max(1, |Phi|), to rounding and still count as monotone.
_ROUNDING = 1e-13
_SUFFICIENT_INCREASE = 1e-4
_SMALLEST_SIZE = 1e-14
_LARGEST_SCALE = 1e6
_LARGEST_MOVE = 20.0
# Probability a logit gives to an action the optimum never takes: too small to move either stationarity measure.
_NEVER = 1e-30


class AscentStatus(enum.Enum):
    """Why an ascent ended."""

    CONVERGED = "both stationarity measures are within the tolerance"
    STALLED = "no step increases the objective"
    OUT_OF_STEPS = "the bound on the number of steps is reached"
    EQUILIBRIUM_FAILED = "an equilibrium on the way did not converge"


class LeaderOptimum(Portable, eqx.Module):
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

    Without leader entropy, spectral projected gradient on the leader's policy itself:
    $\phi \leftarrow \phi + t\,(\mathrm{Proj}(\phi + \eta G) - \phi)$, $G = d\Phi/d\phi$. There a deterministic optimum
    is reached in finitely many steps, a saturated start left at once; in logits both would take for ever. With
    leader entropy the optimum is inside and G is unbounded at the faces: the same with natural gradient steps
    $\phi \propto \phi\,e^{t \eta G}$. Either way $\eta$ is Barzilai and Borwein's and t is halved until the objective
    increases enough, so the history is monotone. Each equilibrium search starts from the last mean field: the
    ascent stays on one branch where equilibria are many.

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
        RuntimeError: the equilibrium of the initial logits does not converge or is not locally unique.

    Source: spectral projected gradient (Birgin, Martinez and Raydan 2000), here with a monotone line search; natural
        policy gradient (Kakade 2001).
    """
    game, logits = prepare(game, initial_logits)
    start = _evaluate(game, np.asarray(softmax_policy(logits)), None)
    raise_unless_converged(start.gradient.equilibrium)
    raise_if_singular(start.gradient)
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
    gradient = policy_gradient(game, jnp.asarray(policy), start)
    if gradient.equilibrium.source_gap is not None:
        gradient.equilibrium.source_gap.require_agreement()
    return _Iterate(policy, gradient)


def _ascend(game, start: _Iterate, tolerance: float, max_steps: int) -> tuple[list[_Iterate], AscentStatus]:
    step: type[_Step] = _NaturalStep if float(game.leader_temperature) > 0.0 else _ProjectedStep
    iterates, scale = [start], 1.0 / max(float(np.max(np.abs(start.slope))), _SMALLEST_SIZE)
    for _ in range(max_steps):
        last = iterates[-1]
        if max(last.measures[1:]) <= tolerance:
            return iterates, AscentStatus.CONVERGED
        found = _line_search(game, last, step(last.policy, last.slope, scale))
        if isinstance(found, AscentStatus):
            return iterates, found
        scale = _next_scale(step.coordinates(last), step.coordinates(found), scale)
        iterates.append(found)
    converged = max(iterates[-1].measures[1:]) <= tolerance
    return iterates, AscentStatus.CONVERGED if converged else AscentStatus.OUT_OF_STEPS


@runtime_checkable
class _Step(Protocol):
    """A curve of policies that starts at the current one in an ascent direction."""

    def __init__(self, policy: np.ndarray, slope: np.ndarray, scale: float): ...

    def at(self, size: float) -> np.ndarray:
        """Policy at a size in (0, 1]."""

    @property
    def rise(self) -> float:
        """Derivative of the objective along the curve at its start."""

    @staticmethod
    def coordinates(iterate: _Iterate) -> tuple[np.ndarray, np.ndarray]:
        """Where an iterate stands and which way is up, in the coordinates in which steps are straight."""


class _ProjectedStep:
    """Towards the Euclidean projection of a gradient step."""

    def __init__(self, policy: np.ndarray, slope: np.ndarray, scale: float):
        self.policy, self.direction = policy, _project_rows(policy + scale * slope) - policy
        self.rise = float(np.sum(slope * self.direction))

    def at(self, size: float) -> np.ndarray:
        return self.policy + size * self.direction

    @staticmethod
    def coordinates(iterate: _Iterate) -> tuple[np.ndarray, np.ndarray]:
        return iterate.policy, iterate.slope


class _NaturalStep:
    """Along the natural gradient, straight in the logits."""

    def __init__(self, policy: np.ndarray, slope: np.ndarray, scale: float):
        self.logits = np.log(np.maximum(policy, _NEVER))
        advantage = slope - np.sum(policy * slope, axis=-1, keepdims=True)
        self.move = np.clip(scale * advantage, -_LARGEST_MOVE, _LARGEST_MOVE)
        self.rise = float(np.sum(policy * advantage * self.move))

    def at(self, size: float) -> np.ndarray:
        return _never_zero(np.asarray(softmax_policy(jnp.asarray(self.logits + size * self.move))))

    @staticmethod
    def coordinates(iterate: _Iterate) -> tuple[np.ndarray, np.ndarray]:
        mean = np.sum(iterate.policy * iterate.slope, axis=-1, keepdims=True)
        return np.log(np.maximum(iterate.policy, _NEVER)), iterate.slope - mean


def _line_search(game: AbstractGame, last: _Iterate, step: _Step) -> _Iterate | AscentStatus:
    """The largest of the sizes 1, 1/2, 1/4, ... that increases the objective enough; or why there is none."""
    objective = last.measures[0]
    floor = objective - _ROUNDING * max(1.0, abs(objective))
    size, failed = 1.0, False
    while size > _SMALLEST_SIZE:
        trial = _evaluate(game, step.at(size), last)
        failed = not bool(trial.gradient.equilibrium.converged)
        if not failed and trial.measures[0] >= floor + _SUFFICIENT_INCREASE * size * step.rise:
            return trial
        size *= 0.5
    return AscentStatus.EQUILIBRIUM_FAILED if failed else AscentStatus.STALLED


def _next_scale(last: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray], scale: float) -> float:
    """Barzilai and Borwein's step length, or a longer step where the curvature has the wrong sign."""
    moved = new[0] - last[0]
    curvature = float(np.sum(moved * (last[1] - new[1])))
    length = float(np.sum(moved * moved))
    largest = _LARGEST_SCALE / max(float(np.max(np.abs(new[1]))), _SMALLEST_SIZE)
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
