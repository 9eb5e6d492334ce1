"""The error of averaged TD(0) against the smallest that any estimator can have."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.critic import averaged_errors, frozen_evaluation, local_minimax_risk
from smfg_verify.cases.shared.statistics import mean_interval

_STEP = 1.0


@register_case("critic-lower-bound", source="Khamaru, Pananjady, Ruan, Wainwright, Jordan (2020), arXiv 2003.07337.")
def critic_lower_bound(version: Version, *, errors: Callable[..., Array] = averaged_errors) -> CaseRecord:
    r"""The scaled error of averaged TD(0) stays above the instance-dependent lower bound of policy evaluation.

    $$ N\,E\|\bar V_N - V^\pi\|_2^2 \ge trace\,\Sigma^*, \qquad
       \Sigma^* = (I - \gamma P)^{-1} \Sigma (I - \gamma P)^{-T}, \quad \Sigma = diag\,Var(r + \gamma V(s')\,|\,s) $$

    What is compared, exactly: the bound is asymptotic and local minimax, over problems near this one, and for one
    transition drawn from every state an iteration. So the runs sample that way, which AC-SMFG does not (its critic sees
    one state an iteration, and s there has the weight $1/d(s)$). At finite N on one problem an estimator could fall
    below it; averaged TD(0) has this very limit, approached from above. The ratio in the details says how near it is.

    Args:
        version: 16 384 runs of 256 iterations, or 131 072 of 1024.
        errors: of problem, runs, numbers of iterations and step, an ingredient.

    Returns:
        The scaled error against the bound.
    """
    runs, iterations = (16_384, 256) if version is Version.QUICK else (131_072, 1024)
    problem = frozen_evaluation()
    last = iterations * np.asarray(errors(problem, runs, jnp.asarray([iterations]), jnp.asarray(_STEP)))[:, -1]
    measured, bound = mean_interval(last), local_minimax_risk(problem)
    return CaseRecord(
        measured=measured.estimate,
        predicted=bound,
        kind=Kind.LOWER_BOUND,
        error=0.0,
        error_source=CaseText("interval-over-runs"),
        interval=(measured.lower, measured.upper),
        looked_at=CaseText("runs", {"runs": runs, "iterations": iterations}),
        details={"ratio": measured.estimate / bound},
    )
