r"""Whether a run has left its transient: one rule for the rates that `validate` judges and the pilot that `plan` reads.

Two must be over. The residual's: from its last change-point on there must be enough checkpoints to fit a rate to.
The leader's: on its clock $\sum_k c/\sqrt{k+1}$ a quarter of the iterations is half of the time, and a leader that is
on its way covers half of the way in the second half, one that has arrived next to nothing. Where it covers more than a
quarter, what is seen of a residual of the leader is its start, not its rate.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import softmax

from smfg_verify.bounds.rates.change_point import ChangePoint, ChangeStatus
from smfg_verify.bounds.rates.decay import MIN_CHECKPOINTS, rate_window
from smfg_verify.bounds.rates.sentences import NO_OBSTACLE, Obstacle

# The share of its way that a leader may cover in the second half of its clock, and how many standard errors over seeds
# that must be to be no chance.
_MOST_LATE = 0.25
_STANDARD_ERRORS = 4.0


class LeaderWay(NamedTuple):
    """How far the mean policy of a run's leaders went, in total variation at the observation where that is most.

    Attributes:
        whole: from the first checkpoint to the last.
        late: over the second half of the leader's clock.
        error: standard error of `late` over seeds.

    Examples:
        >>> from smfg_verify.bounds import LeaderWay
        >>> LeaderWay(whole=0.5, late=0.01, error=0.02).arrived, LeaderWay(whole=0.5, late=0.3, error=0.02).arrived
        (True, False)
    """

    whole: float
    late: float
    error: float

    @property
    def arrived(self) -> bool:
        """Whether little of the way was covered late, or no more than chance gives."""
        return not (self.late > _MOST_LATE * self.whole and self.late > _STANDARD_ERRORS * self.error)


def leader_way(logits: Float[np.ndarray, "S C O B"], iterations: Int[np.ndarray, " C"]) -> LeaderWay:
    """The way of the leaders of a run.

    Args:
        logits: at every checkpoint of every seed.
        iterations: completed iterations at each checkpoint, increasing.

    Returns:
        The way; NaN, which counts as arrived, where a seed diverged or there is a single one.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import leader_way
        >>> logits = np.zeros((4, 3, 1, 2))
        >>> logits[:, 1:, 0, 0] = 2.0  # moves early, then stays
        >>> way = leader_way(logits, np.array([0, 10, 1000]))
        >>> round(way.whole, 3), round(way.late, 3), bool(way.arrived)
        (0.381, 0.0, True)
    """
    logits = np.asarray(logits, dtype=float)
    half = int(np.searchsorted(iterations, 0.25 * iterations[-1]))
    if len(logits) < 2 or not np.all(np.isfinite(logits[:, [0, half, -1]])):
        return LeaderWay(np.nan, np.nan, np.nan)
    policies = softmax(logits[:, [0, half, -1]], axis=-1)
    first, middle, last = np.moveaxis(policies, 1, 0)
    moved = last - middle
    means = moved.mean(axis=0)
    distances = 0.5 * np.sum(np.abs(means), axis=-1)
    farthest = int(np.argmax(distances))
    # Along the signs of the mean move the distance is a mean over seeds, so that it has a standard error.
    along = 0.5 * np.sum(moved[:, farthest] * np.sign(means[farthest]), axis=-1)
    whole = 0.5 * np.max(np.sum(np.abs((last - first).mean(axis=0)), axis=-1))
    error = float(np.std(along, ddof=1) / np.sqrt(len(along)))
    return LeaderWay(float(whole), float(distances[farthest]), error)


def asymptotic_window(iterations: Int[np.ndarray, " C"], change: ChangePoint) -> Bool[np.ndarray, " C"]:
    """The last two decades of checkpoints, from the last change-point on where there is one."""
    mask = rate_window(iterations)
    if change.status is ChangeStatus.FOUND:
        mask = mask & (np.asarray(iterations) >= change.iteration)
    return mask


def flattens(change: ChangePoint) -> bool:
    """Whether a residual falls less after its last change-point than before, as it does towards a positive limit."""
    return change.status is ChangeStatus.FOUND and change.slope_after >= change.slope_before


def transient_obstacle(mask: Bool[np.ndarray, " C"], change: ChangePoint, way: LeaderWay | None) -> Obstacle:
    """Why the transient is not over, if it is not.

    Args:
        mask: the asymptotic window.
        change: the last change-point of the residual.
        way: of the leader, for a residual of the leader; None where the leader plays no part.
    """
    if np.sum(mask) < MIN_CHECKPOINTS and change.status is ChangeStatus.FOUND:
        facts = {"checkpoints": int(np.sum(mask)), "iteration": change.iteration, "least": MIN_CHECKPOINTS}
        return Obstacle("short-regime", facts)
    if way is not None and not way.arrived:
        return Obstacle("moving-leader", {"whole": way.whole, "late": way.late})
    return NO_OBSTACLE
