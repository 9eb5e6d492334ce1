"""What a sweep over step sizes found: its planes, its two optima, and what they say of the prediction."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.bounds.steps.sentences import NoOptimum, NoRegion
from smfg_verify.bounds.steps.sweep import StepPlane
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.iterate import Sampling


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PlaneResult:
    r"""What became of one plane; rows are values of y, columns of x.

    Attributes:
        plane: its two parameters and their values.
        measured: mean over seeds of the final $\|\nabla\Phi\|^2$, (Y, X); NaN where a run diverged.
        standard_error: of that mean, (Y, X).
        predicted: the same by the linear noise approximation, (Y, X); NaN where it diverges.
        policy_gap, objective: means over seeds of the final policy-space gap and of Phi, (Y, X): a small gradient in
            logits with a large gap is a saturated softmax, not a stationary policy.
        certified: where the drift inequalities have a Lyapunov function at the last iteration's step sizes, (Y, X).
    """

    plane: StepPlane
    measured: Float[np.ndarray, "Y X"]
    standard_error: Float[np.ndarray, "Y X"]
    predicted: Float[np.ndarray, "Y X"]
    policy_gap: Float[np.ndarray, "Y X"]
    objective: Float[np.ndarray, "Y X"]
    certified: Bool[np.ndarray, "Y X"]


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Optimum:
    """One choice of step sizes, and what fresh seeds say about it.

    Attributes:
        choice: by name of `PARAMETERS`.
        measured: mean in the sweep.
        predicted: by the linear noise approximation.
        fresh: mean over seeds that were not in the sweep, so that being the least of many is no advantage.
        fresh_error: its standard error.
        policy_gap, objective: means of the policy-space gap and of Phi over the same fresh seeds.
    """

    choice: Mapping[str, float]
    measured: float
    predicted: float
    fresh: float
    fresh_error: float
    policy_gap: float
    objective: float


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Laboratory:
    """A finished sweep.

    Attributes:
        base: step constants around which the planes lie.
        num_iterations, seeds, sampling: of every run.
        planes: results, in the order asked for.
        found: the choice with the least measured mean; None where there is none, see `undecided`.
        foreseen: the choice with the least predicted mean; None where nothing is predicted, or nothing found.
        no_optimum: why no choice is the best, as a case: every one diverged, or ends at a gradient that is zero up to
            rounding. The empty one where one is.
        difference: fresh mean at the foreseen choice minus that at the found one, and its standard error, by seed.
        rank_correlation: Spearman's, of measured and predicted over all choices; NaN where fewer than three are known.
        ratio: quartiles of measured over predicted, (3,).
        refinement: largest relative change of every sixth prediction when its blocks are halved: an estimate of the
            error of its integration. NaN where none of them is a number other than zero.
        no_region: why no region is drawn, as a case; the empty one where one is.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import StepPlane, step_laboratory
        >>> plane = StepPlane("leader", "critic", np.array([0.1, 0.2]), np.array([1.0, 2.0]))
        >>> laboratory = step_laboratory(games.load("laffer-tax"), num_iterations=4, num_seeds=4, planes=[plane])
        >>> laboratory.sampling, len(laboratory.planes), laboratory.undecided
        ('markov', 1, '')
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("undecided", "region_missing")

    base: Mapping[str, float]
    num_iterations: int
    seeds: int
    sampling: Sampling
    planes: tuple[PlaneResult, ...]
    found: Optimum | None
    foreseen: Optimum | None
    no_optimum: NoOptimum
    difference: tuple[float, float]
    rank_correlation: float
    ratio: tuple[float, float, float]
    refinement: float
    no_region: NoRegion

    @property
    def undecided(self) -> str:
        """Why no choice is the best, in words; empty where one is."""
        return self.no_optimum.sentence

    @property
    def region_missing(self) -> str:
        """Why no region is drawn, in words; empty where one is."""
        return self.no_region.sentence
