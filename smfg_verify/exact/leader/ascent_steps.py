"""Steps of an ascent on leader policies: where an iterate stands, and the curves along which it moves."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.gradient.stackelberg import StackelbergGradient
from smfg_verify.policies import softmax_policy

SMALLEST_SIZE = 1e-14
LARGEST_MOVE = 20.0
# Probability a logit gives to an action the optimum never takes: too small to move either stationarity measure.
NEVER = 1e-30
_LARGEST_SCALE = 1e6


class Iterate(NamedTuple):
    """A leader's policy, (O, B), and the gradient there."""

    policy: Float[np.ndarray, "O B"]
    gradient: StackelbergGradient

    @property
    def measures(self) -> tuple[float, float, float]:
        """Objective, norm of the gradient in logits, policy-space gap."""
        norm = float(np.linalg.norm(self.gradient.total))
        return float(self.gradient.objective), norm, float(self.gradient.policy_gap)

    @property
    def objective(self) -> float:
        """Phi."""
        return float(self.gradient.objective)

    @property
    def slope(self) -> Float[np.ndarray, "O B"]:
        """dPhi/dphi, (O, B)."""
        return np.asarray(self.gradient.policy_space)

    @property
    def solved(self) -> bool:
        """Whether the equilibrium has converged."""
        return bool(self.gradient.equilibrium.converged)

    @property
    def differentiable(self) -> bool:
        """Whether there is a gradient: none at a kink of the functions, or where the equilibrium is not unique."""
        return bool(np.all(np.isfinite(self.gradient.total)) and np.all(np.isfinite(self.slope)))


@runtime_checkable
@runtime_checkable
class Step(Protocol):
    """A curve of policies that starts at the current one in an ascent direction."""

    def __init__(self, policy: np.ndarray, slope: np.ndarray, scale: float): ...

    def at(self, size: float) -> np.ndarray:
        """Policy at a size in (0, 1]."""

    @property
    def rise(self) -> float:
        """Derivative of the objective along the curve at its start."""

    @staticmethod
    def coordinates(iterate: Iterate) -> tuple[np.ndarray, np.ndarray]:
        """Where an iterate stands and which way is up, in the coordinates in which steps are straight."""


class ProjectedStep:
    """Towards the Euclidean projection of a gradient step."""

    def __init__(self, policy: np.ndarray, slope: np.ndarray, scale: float):
        self.policy, self.direction = policy, project_rows(policy + scale * slope) - policy
        self.rise = float(np.sum(slope * self.direction))

    def at(self, size: float) -> np.ndarray:
        result: np.ndarray = self.policy + size * self.direction
        return result

    @staticmethod
    def coordinates(iterate: Iterate) -> tuple[np.ndarray, np.ndarray]:
        return iterate.policy, iterate.slope


class NaturalStep:
    """Along the natural gradient, straight in the logits."""

    def __init__(self, policy: np.ndarray, slope: np.ndarray, scale: float):
        self.logits = np.log(np.maximum(policy, NEVER))
        advantage = slope - np.sum(policy * slope, axis=-1, keepdims=True)
        self.move = np.clip(scale * advantage, -LARGEST_MOVE, LARGEST_MOVE)
        self.rise = float(np.sum(policy * advantage * self.move))

    def at(self, size: float) -> np.ndarray:
        return never_zero(np.asarray(softmax_policy(jnp.asarray(self.logits + size * self.move))))

    @staticmethod
    def coordinates(iterate: Iterate) -> tuple[np.ndarray, np.ndarray]:
        mean = np.sum(iterate.policy * iterate.slope, axis=-1, keepdims=True)
        return np.log(np.maximum(iterate.policy, NEVER)), iterate.slope - mean


def next_scale(last: tuple[np.ndarray, np.ndarray], new: tuple[np.ndarray, np.ndarray], scale: float) -> float:
    """Barzilai and Borwein's step length, or a longer step where the curvature has the wrong sign."""
    moved = new[0] - last[0]
    curvature = float(np.sum(moved * (last[1] - new[1])))
    length = float(np.sum(moved * moved))
    largest = _LARGEST_SCALE / max(float(np.max(np.abs(new[1]))), SMALLEST_SIZE)
    return min(largest, length / curvature if curvature > length / largest else 10.0 * scale)


def project_rows(table: Float[np.ndarray, "O B"]) -> Float[np.ndarray, "O B"]:
    """Euclidean projection of each row on the simplex."""
    ordered = np.sort(table, axis=-1)[:, ::-1]
    excess = np.cumsum(ordered, axis=-1) - 1.0
    counts = np.arange(1, table.shape[-1] + 1)
    active = np.sum(ordered * counts > excess, axis=-1, keepdims=True)
    shift = np.take_along_axis(excess, active - 1, axis=-1) / active
    result: Float[np.ndarray, "O B"] = np.maximum(table - shift, 0.0)
    return result


def never_zero(policy: Float[np.ndarray, "O B"]) -> Float[np.ndarray, "O B"]:
    """The policy with every probability at least about 1e-30, as logits can hold it."""
    positive = np.maximum(policy, NEVER)
    result: Float[np.ndarray, "O B"] = positive / np.sum(positive, axis=-1, keepdims=True)
    return result
