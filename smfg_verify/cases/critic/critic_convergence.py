"""TD(0) with averaging finds the value of a frozen policy at the parametric rate."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.critic import averaged_errors, frozen_evaluation
from smfg_verify.cases.shared.statistics import slope_interval

# What the start leaves behind falls like N^-2 and still tilts the slope a little over a finite window.
_MARGIN = 0.1
_STEP = 1.0


@register_case(
    "critic-convergence", source="Polyak and Juditsky (1992); Ruppert (1988), on linear stochastic approximation."
)
def critic_convergence(version: Version, *, errors: Callable[..., Array] = averaged_errors) -> CaseRecord:
    r"""The mean squared error of averaged TD(0) on a frozen policy falls like one over the number of samples.

    $$ E\|\bar V_N - V^\pi\|_2^2 = \Theta(N^{-1}), \qquad \bar V_N = \frac{1}{N} \sum_{k \le N} V_k, \quad
       \beta_k = \min(1, c/\sqrt{k+1}) $$

    Every iteration draws one transition from every state (the synchronous model). Measured: the log-log slope of the
    mean over runs, N over the last one and a half decades. Predicted: -1.

    Args:
        version: 1024 runs of 8192 iterations, or 8192 of 65 536.
        errors: of problem, runs, numbers of iterations and step, an ingredient.

    Returns:
        The slope against -1.
    """
    runs, iterations = (1024, 8192) if version is Version.QUICK else (8192, 65_536)
    numbers = np.unique(np.round(np.geomspace(iterations / 30, iterations, 12)).astype(int))
    found = np.asarray(errors(frozen_evaluation(), runs, jnp.asarray(numbers), jnp.asarray(_STEP)))
    slope = slope_interval(found, numbers)
    return CaseRecord(
        measured=slope.estimate,
        predicted=-1.0,
        kind=Kind.RATE,
        error=_MARGIN,
        error_source=CaseText("finite-window"),
        interval=(slope.lower, slope.upper),
        looked_at=CaseText("runs-by-length", {"runs": runs, "first": int(numbers[0]), "last": int(numbers[-1])}),
    )
