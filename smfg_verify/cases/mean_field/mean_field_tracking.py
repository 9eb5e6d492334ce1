"""The mean field estimate of AC-SMFG at frozen policies has exactly the predicted error."""

from collections.abc import Callable

import numpy as np

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.frozen_population import exact_errors, frozen_population, squared_errors
from smfg_verify.cases.shared.statistics import mean_interval


@register_case(
    "mean-field-tracking", source="Linear stochastic approximation, exact second moments; theory of this project."
)
def mean_field_tracking(version: Version, *, run: Callable[..., np.ndarray] = squared_errors) -> CaseRecord:
    r"""At frozen policies the mean field estimate of AC-SMFG tracks the stationary law with the predicted error.

    $$ \hat\mu_{k+1} = \hat\mu_k + \xi_k (e_{\bar s_{k+1}} - \hat\mu_k), \qquad
       E\|\hat\mu_k - \nu\|_2^2 \approx \tfrac{\xi_k}{2}\, trace\, \Gamma, \quad
       \Gamma = \sum_{j \in Z} Cov(e_{\bar s_0}, e_{\bar s_j}) $$

    The prediction is not the approximation of the formula but the exact recursion of second moments, for Markov
    samples. Measured and predicted: the mean over ten iterations of the second half of the run.

    Args:
        version: 512 seeds of 2000 iterations, or 4096 of 10 000.
        run: of population, sampling, seeds and iterations, an ingredient.

    Returns:
        The mean squared error against its prediction.
    """
    seeds, iterations = (512, 2000) if version is Version.QUICK else (4096, 10_000)
    # Of the prediction: some three standard errors of the measured mean, so that an interval fits inside.
    share = 0.1 if version is Version.QUICK else 0.04
    population = frozen_population()
    predicted = float(np.mean(exact_errors(population, "markov", iterations)))
    measured = mean_interval(np.mean(run(population, "markov", seeds, iterations), axis=1))
    return CaseRecord(
        measured=measured.estimate,
        predicted=predicted,
        kind=Kind.EQUALITY,
        error=share * predicted,
        error_source=CaseText("fine-share", {"share": share}),
        interval=(measured.lower, measured.upper),
        looked_at=CaseText("frozen-seeds", {"seeds": seeds, "iterations": iterations, "game": "laffer-tax"}),
    )
