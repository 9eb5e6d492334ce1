"""What a run of any method achieved, evaluated exactly at its checkpoints."""

import dataclasses

import jax
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.exploitability import exploitability
from smfg_verify.game import AbstractGame, traced
from smfg_verify.policies import softmax_policy
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.trace import Trace

# Pairs of policies in a batch, at most: runs have tens of checkpoints, and a larger batch would be mostly padding.
_LARGEST_BATCH = 64


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Measures:
    r"""Exact measures of every seed at every checkpoint, (S, C) each; NaN where a seed diverged or a solve failed.

    Attributes:
        objective: $\Phi(\omega)$, the leader's objective at the equilibrium of its policy.
        objective_error: bound on its numerical error.
        exploitability: what a follower gains by deviating from its learned policy, against that policy's population.
        e_omega: $\|\nabla\Phi\|^2$ in logits.
        policy_gap: policy-space stationarity gap of the leader.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.comparison import Measures
        >>> one = np.ones((2, 3))
        >>> measures = Measures(objective=one, objective_error=0 * one, exploitability=one, e_omega=one, policy_gap=one)
        >>> measures.objective.shape  # seeds, checkpoints
        (2, 3)
    """

    objective: Float[np.ndarray, "S C"]
    objective_error: Float[np.ndarray, "S C"]
    exploitability: Float[np.ndarray, "S C"]
    e_omega: Float[np.ndarray, "S C"]
    policy_gap: Float[np.ndarray, "S C"]


def measures_of(game: AbstractGame, trace: Trace) -> Measures:
    """Evaluate a run of any method.

    Args:
        game: the game of the run.
        trace: the run.

    Returns:
        The measures.

    Raises:
        ValueError: the trace of another game, or float64 off.

    Examples:
        >>> from smfg_verify import ac_smfg, games
        >>> from smfg_verify.comparison import measures_of
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> measures = measures_of(game, trace)
        >>> measures.objective.shape, bool((measures.exploitability >= 0.0).all())
        ((2, 2), True)
    """
    found = exact_residuals(game, trace)
    leaders, followers = (np.asarray(table) for table in (trace.leader_logits, trace.follower_logits))
    finite = np.isfinite(leaders).all(axis=(2, 3)) & np.isfinite(followers).all(axis=(2, 3))
    gains = np.full(finite.shape, np.nan)
    if finite.any():
        ready = traced(game)
        call = lambda *logits: _gains(ready, *logits)  # noqa: E731
        gains[finite] = in_batches(call, batch_size(game, _LARGEST_BATCH), leaders[finite], followers[finite])
    return Measures(
        objective=found.objective,
        objective_error=found.rounding["objective"],
        exploitability=gains,
        e_omega=found.e_omega,
        policy_gap=found.policy_gap,
    )


@jit_for_game
def _gains(game: AbstractGame, leaders: Float[Array, "N O B"], followers: Float[Array, "N n A"]) -> Float[Array, " N"]:
    def one(leader: Array, follower: Array) -> Array:
        return exploitability(game, softmax_policy(leader), softmax_policy(follower)).gain

    return jax.vmap(one)(leaders, followers)
