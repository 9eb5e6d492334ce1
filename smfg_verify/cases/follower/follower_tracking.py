"""The follower of AC-SMFG learns its best response at a fixed leader."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.gradient_domination.measures import FollowerPoints, evaluate_points
from smfg_verify.bounds.rates.decay import rate_window
from smfg_verify.cases.record import CaseRecord, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.shared.statistics import no_slower_than_envelope
from smfg_verify.game import traced
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule, ac_smfg

# Step constants of mean field, follower and critics, chosen: with (1, 4, 4) the slope over k = 11 788 ... 1 000 000 is
# -0.14 [-0.33, -0.06] (64 seeds), and the claim would fail there. The mean is that of a few seeds whose follower
# saturated: at the end the median gap is 0.003 and the largest 8.8. With (1, 2, 4) it is -0.59 [-0.75, -0.49].
_STEPS = {"mean_field": 0.2, "follower": 1.0, "critic": 1.0}


def optimality_gaps(
    num_seeds: int, num_iterations: int, steps: Mapping[str, float] = _STEPS
) -> tuple[Float[np.ndarray, "S C"], Int[np.ndarray, " C"]]:
    r"""Gaps $J_f(\pi^*(\phi, \hat\mu_k)) - J_f(\pi_k)$ along runs at the uniform leader, and their iterations."""
    game = load("two-road-toll")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="step sizes")
        trace = ac_smfg(
            game,
            num_iterations=num_iterations,
            seeds=range(num_seeds),
            schedule=Schedule.from_constants({"leader": 0.0, **steps}),
            checkpoints=30,
        )
    grid = trace.follower_logits.shape[:2]
    flat = (
        array.reshape(-1, *array.shape[2:]) for array in (trace.follower_logits, trace.leader_logits, trace.mean_field)
    )
    return np.asarray(evaluate_points(traced(game), FollowerPoints(*flat)).gap).reshape(grid), trace.iterations


@register_case("follower-tracking", source="Zeng et al. (2025), arXiv 2509.15392: the follower's residual of AC-SMFG.")
def follower_tracking(
    version: Version, *, run: Callable[..., tuple[np.ndarray, np.ndarray]] = optimality_gaps
) -> CaseRecord:
    r"""At a fixed leader the follower's optimality gap along AC-SMFG falls at the rate k^(-1/2).

    $$ E[J_f(\pi^*(\phi, \hat\mu_k), \phi, \hat\mu_k) - J_f(\pi_k, \phi, \hat\mu_k)] = \tilde O(k^{-1/2}) $$

    The mean field estimate and both critics move along. What is shown is shown for the step constants used: steps of
    the follower four times as large, with critics to match, leave some seeds at a saturated policy, and the mean over
    seeds then falls slower than claimed over a million iterations. A faster decay does not contradict the claim.
    Predicted: at most the log-log slope of $\log(k+2)/\sqrt{k+1}$. Measured: the slope of the mean over
    seeds of the exact gap, over the checkpoints of the last two decades.

    Args:
        version: 64 seeds of 30 000 iterations, or 256 of 1 000 000.
        run: of seeds and iterations, an ingredient.

    Returns:
        The slope against that of the envelope.
    """
    seeds, iterations = (64, 30_000) if version is Version.QUICK else (256, 1_000_000)
    gaps, checkpoints = run(seeds, iterations)
    inside = rate_window(checkpoints)
    counts = checkpoints[inside] + 1
    return no_slower_than_envelope(
        gaps[:, inside],
        counts,
        game="two-road-toll",
        seeds=seeds,
        details={"gap_at_the_end": np.mean(gaps[:, -1])},
    )
