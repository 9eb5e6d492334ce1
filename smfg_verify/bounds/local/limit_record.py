"""What is known of a point where AC-SMFG can stop, and which of several points are one."""

import dataclasses
import enum
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Complex

from smfg_verify.bounds.local.components import Components
from smfg_verify.records.status import NamedStatus

# Two interior zeros are one if their policies and mean fields agree so far; ends of flows into a vertex are blurrier.
_SAME = 1e-6
_SAME_AT_BOUNDARY = 1e-3


class LimitStatus(NamedStatus, enum.Enum):
    """What was found at the end of a search for a zero.

    Examples:
        >>> from smfg_verify.bounds import LimitStatus
        >>> [status.value for status in LimitStatus]
        ['interior', 'boundary', 'degenerate', 'not-differentiable', 'not-converged']
    """

    INTERIOR = "interior"
    BOUNDARY = "boundary"
    DEGENERATE = "degenerate"
    NOT_DIFFERENTIABLE = "not-differentiable"
    NOT_CONVERGED = "not-converged"


@dataclasses.dataclass(frozen=True)
class LimitPoint:
    r"""A zero of the mean dynamics, or why there is none where a search ended.

    Numbers that the status leaves without meaning are NaN: stability is known for INTERIOR points only, since towards
    a deterministic policy the logits run off and softmax saturates, so that no Jacobian tells whether it attracts.

    Attributes:
        status: INTERIOR (isolated zero, polished), BOUNDARY (the leader's policy tends to a deterministic one in some
            row, with a strictly worse payoff of what it drops), DEGENERATE (a zero that is not isolated),
            NOT_DIFFERENTIABLE (a zero at which differences of the dynamics disagree with their Jacobian: a kink) or
            NOT_CONVERGED.
        iterate: the five components; at a BOUNDARY the last iterate of the flow, whose policies and mean field are
            the limit's and whose logits are not; NaN where not converged.
        residual: $\|h\|_2$ over all five components, always measured at the last iterate, in units of reward.
        newton_steps: of the polish.
        eigenvalues: of diag(c) dh/dx on the movable directions, slowest (largest real part) first, (R,).
        dominant: name of the component that takes the largest part in each mode (participation factors), (R,).
        stable: all real parts are negative: AC-SMFG with these step constants can stop here.
        ordered: the constants obey zeta <= xi <= alpha <= beta.
        condition: 2-norm condition number of dh/dx on the movable directions.
        gradient_norm: $\|\nabla\Phi\|_2$ in logits, in units of the objective: not zero where the direct gradient
            misses a part.
        policy_gap: policy-space stationarity gap of Phi, which does not vanish where softmax merely saturates.
        direct_norm: $\|p\|_2$, the direct part.
        direct_policy_gap: its policy-space gap.
        objective: Phi.
        least_probability: smallest entry of the leader's policy.
        num_starts: how many starts ended here.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import find_limit_points
        >>> point = find_limit_points(games.load("laffer-tax"), starts=np.zeros((1, 1, 2))).points[0]
        >>> point.status.value, round(point.objective, 3), point.policy_gap > 1.0  # a stop, but no stationary policy
        ('boundary', 0.74, True)
    """

    status: LimitStatus
    iterate: Components
    residual: float
    newton_steps: int
    eigenvalues: Complex[np.ndarray, " R"]
    dominant: tuple[str, ...]
    stable: bool
    ordered: bool
    condition: float
    gradient_norm: float
    policy_gap: float
    direct_norm: float
    direct_policy_gap: float
    objective: float
    least_probability: float
    num_starts: int = 1

    @property
    def spectral_abscissa(self) -> float:
        """Largest real part of the eigenvalues: minus the slowest rate, in 1 / (sum of step scales); NaN if unknown."""
        return float(self.eigenvalues[0].real) if self.eigenvalues.size else math.nan


@dataclasses.dataclass(frozen=True)
class LimitPoints:
    """All different ends of a multi-start search, those most starts ended at first.

    Attributes:
        points: one record for each different limit; every start that failed is a record of its own status.
        num_starts: starts in all.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import find_limit_points
        >>> found = find_limit_points(games.load("laffer-tax"), starts=np.zeros((1, 1, 2)))
        >>> found.num_starts, len(found.interior), len(found.boundary)
        (1, 0, 1)
    """

    points: tuple[LimitPoint, ...]
    num_starts: int

    @property
    def interior(self) -> tuple[LimitPoint, ...]:
        """The isolated zeros."""
        return tuple(point for point in self.points if point.status is LimitStatus.INTERIOR)

    @property
    def stable(self) -> tuple[LimitPoint, ...]:
        """The isolated zeros that attract."""
        return tuple(point for point in self.interior if point.stable)

    @property
    def boundary(self) -> tuple[LimitPoint, ...]:
        """The limits with a leader that is deterministic somewhere."""
        return tuple(point for point in self.points if point.status is LimitStatus.BOUNDARY)


def deduplicated(found: list[LimitPoint]) -> tuple[LimitPoint, ...]:
    """One record for each different limit, with the number of starts that ended there; most starts first."""
    different: list[LimitPoint] = []
    for point in found:
        same = [index for index, other in enumerate(different) if _is_same(point, other)]
        if same:
            kept = different[same[0]]
            different[same[0]] = dataclasses.replace(kept, num_starts=kept.num_starts + 1)
        else:
            different.append(point)
    return tuple(sorted(different, key=lambda point: -point.num_starts))


def _is_same(first: LimitPoint, second: LimitPoint) -> bool:
    if first.status is not second.status or first.status is LimitStatus.NOT_CONVERGED:
        return False
    tolerance = _SAME if first.status is LimitStatus.INTERIOR else _SAME_AT_BOUNDARY
    pairs = zip(_policies_and_field(first.iterate), _policies_and_field(second.iterate), strict=True)
    return all(np.max(np.abs(one - other)) <= tolerance for one, other in pairs)


def _policies_and_field(iterate: Components) -> list[np.ndarray]:
    tables = (iterate.leader_logits, iterate.follower_logits)
    return [*(np.asarray(jax.nn.softmax(jnp.asarray(t), axis=-1)) for t in tables), np.asarray(iterate.mean_field)]
