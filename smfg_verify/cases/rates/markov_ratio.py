"""What Markov samples cost against independent ones."""

from collections.abc import Callable

import numpy as np

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.frozen_population import exact_errors, frozen_population, squared_errors
from smfg_verify.cases.shared.statistics import ratio_interval


@register_case("markov-ratio", source="Asymptotic variance of Markov chain averages; theory of this project.")
def markov_ratio(version: Version, *, run: Callable[..., np.ndarray] = squared_errors) -> CaseRecord:
    r"""Markov samples multiply the mean field's error by the chain's autocorrelation, and leave its limit alone.

    $$ \frac{E\|\hat\mu_k^{markov} - \nu\|_2^2}{E\|\hat\mu_k^{iid} - \nu\|_2^2} \to
       \frac{trace \sum_{j \in Z} Cov(e_{\bar s_0}, e_{\bar s_j})}{1 - \|\nu\|_2^2} $$

    The prediction is the exact ratio at the iterations looked at, from the recursion of second moments. Measured: runs
    of AC-SMFG in its two sampling modes, policies frozen. Both errors are about the same law, and both fall to zero.

    Args:
        version: 512 seeds of 2000 iterations (iid: a quarter of the seeds), or 2048 of 20 000.
        run: of population, sampling, seeds and iterations, an ingredient.

    Returns:
        The ratio against its prediction.
    """
    seeds, iterations = (512, 2000) if version is Version.QUICK else (2048, 20_000)
    share = 0.2 if version is Version.QUICK else 0.08
    population = frozen_population()
    # Independent samples have the smaller error of the two means, and each costs a linear solve.
    number = {"markov": seeds, "iid": seeds // 4}
    markov, independent = (np.mean(run(population, mode, number[mode], iterations), axis=1) for mode in number)
    exact = [float(np.mean(exact_errors(population, mode, iterations))) for mode in ("markov", "iid")]
    ratio = ratio_interval(markov, independent)
    return CaseRecord(
        measured=ratio.estimate,
        predicted=exact[0] / exact[1],
        kind=Kind.EQUALITY,
        error=share * exact[0] / exact[1],
        error_source=CaseText("share", {"share": share}),
        interval=(ratio.lower, ratio.upper),
        looked_at=CaseText("seeds-of-two-modes", {"game": "laffer-tax", "iterations": iterations, **number}),
        details={"iid_measured_over_predicted": np.mean(independent) / exact[1]},
    )
