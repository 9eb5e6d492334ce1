"""The finite-time rate of AC-SMFG where its assumptions hold."""

from collections.abc import Callable

import numpy as np

from smfg_verify.bounds.rates.decay import rate_window
from smfg_verify.cases.record import CaseRecord, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.shared.runs import aligned_game, leaders_of, run_at_rate
from smfg_verify.cases.shared.statistics import no_slower_than_envelope, slope_interval
from smfg_verify.stochastic import Trace


@register_case("ac-smfg-rate", source="Zeng et al. (2025), arXiv 2509.15392: the rate of AC-SMFG.")
def ac_smfg_rate(version: Version, *, run: Callable[..., Trace] = run_at_rate) -> CaseRecord:
    r"""On an aligned game the running minimum of the squared gradient of AC-SMFG falls at the rate k^(-1/2).

    $$ \min_{t \le k} E\|\nabla\Phi(\omega_t)\|_2^2 = \tilde O(k^{-1/2}) $$

    The claim is an upper bound up to logarithms: a faster decay does not contradict it. Predicted: at most the log-log
    slope of $\log(k+2)/\sqrt{k+1}$ over the same checkpoints. Measured: the slope of the running minimum, over the
    checkpoints of the last two decades, of the mean over seeds of the exact squared gradient.

    Args:
        version: 64 seeds of 30 000 iterations, or 256 of 1 000 000.
        run: of a game, seeds and iterations, an ingredient.

    Returns:
        The slope against that of the envelope.
    """
    seeds, iterations = (64, 30_000) if version is Version.QUICK else (256, 1_000_000)
    game = aligned_game()
    trace = run(game, num_seeds=seeds, num_iterations=iterations)
    squares = np.square(leaders_of(game, trace).total_norm).reshape(len(trace.seeds), -1)
    inside = rate_window(trace.iterations)
    counts = trace.iterations[inside] + 1
    # Before the window the mean is larger, so its running minimum starts there.
    return no_slower_than_envelope(
        squares[:, inside],
        counts,
        running_minimum=True,
        game="independent-leader",
        seeds=seeds,
        details={"slope_of_the_mean": slope_interval(squares[:, inside], counts).estimate},
    )
