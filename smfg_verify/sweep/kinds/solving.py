r"""Solve: equilibrium, objective and Stackelberg gradient under a leader.

At $\phi$, the uniform leader or the one an exact ascent from it ends at: $\Phi$, $\|\nabla\Phi\|$, its direct part
$\|p\|$, $\cos(\nabla\Phi, p)$, the policy-space gap, the equilibrium's residual and the gradient's error bound.
"""

import jax.numpy as jnp
import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.exact import StackelbergGradient, optimise_leader, stackelberg_gradient
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries, Record
from smfg_verify.sweep.kinds.kind import Kind, Seeds, Variable, refuse_unknown, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome

_LEADERS = ("uniform", "best")
_VARIABLES = {
    "objective": Variable("leader's objective Phi", "reward"),
    "gradient_norm": Variable("||grad Phi|| in logits", "reward"),
    "direct_norm": Variable("norm of the direct part of the gradient", "reward"),
    "alignment": Variable("cosine of the gradient and its direct part"),
    "policy_gap": Variable("policy-space stationarity gap", "reward"),
    "residual": Variable("residual of the equilibrium"),
    "error_bound": Variable("bound on the error of the gradient", "reward"),
}


def _settings(options: Entries) -> Record:
    refuse_unknown("solve", options, SOLVE.options)
    leader = options.get("leader", "uniform")
    if leader not in _LEADERS:
        raise InputError(f"[solve] leader: got {leader!r}, expected one of: {', '.join(_LEADERS)}.")
    return {"leader": leader}


def _compute(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    logits = jnp.zeros(leader_logits_shape(game))
    if settings["leader"] == "uniform":
        return [outcome_of(stackelberg_gradient(game, logits, throw=False))]
    optimum = optimise_leader(game, logits)
    found = outcome_of(optimum.gradient)
    if found.status is CellStatus.DONE and not optimum.converged:
        return [Outcome(CellStatus.NOT_CONVERGED, f"the leader's ascent ended as {optimum.status.label}")]
    return [found]


def outcome_of(gradient: StackelbergGradient) -> Outcome:
    """The numbers of a gradient, and whether there are any."""
    equilibrium, bound = gradient.equilibrium, float(gradient.error_bound)
    if not bool(equilibrium.converged):
        return Outcome(CellStatus.NOT_CONVERGED, values={"residual": float(equilibrium.residual)})
    total, direct = np.asarray(gradient.total), np.asarray(gradient.direct)
    norms = float(np.linalg.norm(total)), float(np.linalg.norm(direct))
    known = min(norms) > bound
    values = {
        "objective": float(gradient.objective),
        "gradient_norm": norms[0],
        "direct_norm": norms[1],
        "alignment": float(np.sum(total * direct)) / (norms[0] * norms[1]) if known else float("nan"),
        "policy_gap": float(gradient.policy_gap),
        "residual": float(equilibrium.residual),
        "error_bound": bound,
    }
    whole = np.isfinite(norms[0])
    return Outcome(CellStatus.DONE if whole else CellStatus.NOT_DIFFERENTIABLE, values=values)


SOLVE = register(
    Kind(
        name="solve",
        table="solve",
        options=("leader",),
        settings=_settings,
        by_schedule=lambda settings: False,
        by_seed=False,
        with_seeds=False,
        variables=_VARIABLES,
        compute=_compute,
    )
)
