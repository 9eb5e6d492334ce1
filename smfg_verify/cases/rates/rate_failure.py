"""Where direct and total gradient disagree, AC-SMFG stops at a leader that is not stationary."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from smfg_verify.assumptions.gradient_alignment.measures import alignment_measures
from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.runs import leader_steps, leaders_of, run_at_rate
from smfg_verify.cases.shared.statistics import mean_interval
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.exact.gradient.stackelberg import policy_gradient
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.games import load
from smfg_verify.stochastic import Trace


def predicted_logits(game: AbstractGame, num_iterations: int) -> np.ndarray:
    r"""The leader's logits where $\dot\omega = (1 - \gamma)\, p(\omega)$ has come to after $\sum_k \zeta_k$, (O, B).

    p is the direct gradient at the equilibrium of $\omega$: the mean dynamics of AC-SMFG with followers, mean field
    and critics settled.
    """
    shape = leader_logits_shape(game)

    def flow(_: float, logits: np.ndarray) -> np.ndarray:
        direct = evaluate_leaders(game, logits.reshape(1, *shape)).direct
        return (1.0 - float(game.discount)) * direct.ravel()

    solved = solve_ivp(
        flow, (0.0, float(np.sum(leader_steps(num_iterations)))), np.zeros(np.prod(shape)), rtol=1e-6, atol=1e-8
    )
    return solved.y[:, -1].reshape(shape) if solved.success else np.full(shape, np.nan)


@register_case("rate-failure", source="Counter-example of this project: the Laffer curve, theory section 3.")
def rate_failure(version: Version, *, run: Callable[..., Trace] = run_at_rate) -> CaseRecord:
    r"""Without gradient alignment AC-SMFG tends to the highest tax, which is not stationary for the leader's objective.

    $$ \langle \nabla\Phi, p \rangle < 0 \ \text{somewhere}, \qquad \phi_{\omega_k} \to \phi_\infty, \quad
       gap(\phi_\infty) = \max_b G(b) - \langle \phi_\infty, G \rangle > 0, \quad G = d\Phi/d\phi $$

    The hypothesis is alignment; it is seen to fail where the inner product of total and direct gradient is negative
    beyond its error at a leader of the run. Measured: the policy-space gap at the end, mean over seeds. Predicted: the
    gap where the mean dynamics of the direct gradient have come to in the same time, which tend to the pure highest
    tax (its gap and the norm of the logit gradient, which vanishes and tells nothing, are in the details).

    Args:
        version: 32 seeds of 30 000 iterations, or 64 of 1 000 000.
        run: of a game, seeds and iterations, an ingredient.

    Returns:
        The gap at the end against the predicted gap.
    """
    seeds, iterations = (32, 30_000) if version is Version.QUICK else (64, 1_000_000)
    # The prediction lets follower and mean field answer at once; over the first iterations they do not.
    share = 0.1 if version is Version.QUICK else 0.02
    game = checked(load("laffer-tax"))
    trace = run(game, num_seeds=seeds, num_iterations=iterations)
    ends = leaders_of(game, trace, slice(-1, None))
    met = leaders_of(game, trace)
    predicted = evaluate_leaders(game, predicted_logits(game, iterations)[None])
    pure = policy_gradient(game, jnp.zeros(leader_logits_shape(game)).at[:, -1].set(1.0))
    gap = mean_interval(ends.total_gap)
    return CaseRecord(
        measured=gap.estimate,
        predicted=predicted.total_gap[0],
        kind=Kind.FAILURE,
        hypothesis_holds=not bool(np.any(alignment_measures(met).misaligned)),
        error=share * predicted.total_gap[0],
        error_source=CaseText("share", {"share": share}),
        interval=(gap.lower, gap.upper),
        looked_at=CaseText("seeds", {"game": "laffer-tax", "seeds": seeds, "iterations": iterations}),
        details={
            "gap_of_the_limit": float(pure.policy_gap),
            "direct_gap_of_the_limit": float(pure.direct_policy_gap),
            "gradient_norm_at_the_end": np.mean(ends.total_norm),
            "objective_at_the_end": np.mean(ends.objective),
            "misaligned_share_of_leaders": np.mean(alignment_measures(met).misaligned),
        },
    )
