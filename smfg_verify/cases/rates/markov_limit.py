"""Markov and independent sampling lead AC-SMFG to the same leader."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.runs import aligned_game, leader_steps, run_at_rate
from smfg_verify.cases.shared.statistics import mean_interval
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Trace


@register_case("markov-limit", source="Both sampling modes have one mean field of updates; theory of this project.")
def markov_limit(version: Version, *, run: Callable[..., Trace] = run_at_rate) -> CaseRecord:
    r"""AC-SMFG tends to the same leader's policy whether its samples are Markov or independent.

    $$ E\,\phi_{\omega_k}^{markov} - E\,\phi_{\omega_k}^{iid} = O(\zeta_k) \to 0 $$

    Measured: the difference, between the two modes, of the mean over seeds of the leader's probability of its last
    action, averaged over its observations. Predicted: 0, up to the leader's step size.

    Args:
        version: 64 seeds of 4000 iterations in each mode, or 128 of 100 000.
        run: of a game, seeds, iterations and sampling, an ingredient.

    Returns:
        The difference against 0.
    """
    seeds, iterations = (64, 4000) if version is Version.QUICK else (128, 100_000)
    game = aligned_game()
    markov, independent = (
        _last_action(run(game, num_seeds=seeds, num_iterations=iterations, sampling=mode)) for mode in ("markov", "iid")
    )
    # One seed names a run in both modes; whatever the two share, differences of different seeds are independent.
    difference = mean_interval(markov - independent)
    return CaseRecord(
        measured=difference.estimate,
        predicted=0.0,
        kind=Kind.EQUALITY,
        error=leader_steps(iterations)[-1],
        error_source=CaseText("last-step"),
        interval=(difference.lower, difference.upper),
        looked_at=CaseText(
            "seeds-in-each-mode", {"game": "independent-leader", "seeds": seeds, "iterations": iterations}
        ),
        details={"probability_markov": np.mean(markov), "probability_iid": np.mean(independent)},
    )


def _last_action(trace: Trace) -> np.ndarray:
    result: np.ndarray = np.mean(np.asarray(softmax_policy(jnp.asarray(trace.leader_logits[:, -1])))[..., -1], axis=1)
    return result
