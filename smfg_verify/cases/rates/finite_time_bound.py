"""Our own theorem: expected errors of AC-SMFG with a floor stay below bounds made of certified constants."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions import search_settings
from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.bounds.theorem.certified import certified_inputs
from smfg_verify.bounds.theorem.coefficients import coefficients_of
from smfg_verify.bounds.theorem.curve import LINES, TheoremCurve, theorem_curve
from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_game
from smfg_verify.cases.shared.statistics import mean_interval
from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.at_iterate import at_iterate
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Schedule, ac_smfg

# Mild enough that bounds from rest stay far below the trivial ones for as long as a run is.
_MILD = {
    "num_states": 2,
    "num_follower_actions": 2,
    "num_leader_actions": 2,
    "discount": 0.4,
    "temperature": 1.0,
    "ergodicity": 0.3,
    "transition_coupling": 0.3,
}
# So far apart that most of each bound is noise or a faster player's error, not the worst moves of slower ones.
_STEPS = {"leader": 1e-10, "mean_field": 1e-5, "follower": 1e-3, "critic": 0.5}


@register_case("finite-time-bound", source="Ours: the theorem of docs/theorem.md, proved there.")
def finite_time_bound(version: Version, *, curve: Callable[..., TheoremCurve] = theorem_curve) -> CaseRecord:
    r"""Errors of AC-SMFG with independent samples and a floor stay below bounds of certified constants.

    $$ E e^{k+1} \le (1 - \eta_k)_+ E e^k + (\text{noise})_k + (\text{moves})_k \quad
       \text{for } e \in \{ e_{V_f}, e_{V_l}, e_\theta, e_\mu \} $$

    On random games, from an equilibrium where all four are zero, so that the bounds are not the trivial ones. Measured:
    the largest quotient of a mean over seeds by its bound, over games, residuals and checkpoints, with the largest ends
    of their intervals. Predicted: at most 1. A game without constants, or a residual without a number, leaves the
    quotient without one: the case is then inconclusive, never about fewer games.

    Args:
        version: 2 games, 64 seeds of 100 iterations, or 10 games, 256 seeds of 3000.
        curve: unrolls the theorem's lines, an ingredient.

    Returns:
        The largest quotient against 1.
    """
    number, seeds, iterations = (2, 64, 100) if version is Version.QUICK else (10, 256, 3000)
    found = [_quotients(random_game(seed, **_MILD), seeds, iterations, curve) for seed in range(number)]
    estimates, lowers, uppers = np.max(np.concatenate(found, axis=1), axis=1)
    lacking = sum(bool(np.isnan(quotients).any()) for quotients in found)
    largest = {f"largest {name}": float(np.max(part)) for name, part in _by_line(found).items()}
    return CaseRecord(
        measured=float(estimates),
        predicted=1.0,
        kind=Kind.UPPER_BOUND,
        error=0.0,
        error_source=CaseText("interval-over-runs"),
        interval=(float(lowers), float(uppers)),
        looked_at=CaseText("runs-on-games", {"games": number, "seeds": seeds, "iterations": iterations}),
        details={**largest, "games without a number": lacking},
    )


def _quotients(
    game: AbstractGame, seeds: int, iterations: int, curve: Callable[..., TheoremCurve]
) -> Float[np.ndarray, "3 LC"]:
    """Estimate and ends of mean over bound for each line and checkpoint after the first; NaN without constants."""
    inputs = certified_inputs(game, search_settings("quick")).inputs
    if inputs is None:
        return np.full((3, len(LINES)), np.nan)
    floor, schedule = inputs.largest_floor, Schedule.from_constants(_STEPS)
    trace = ac_smfg(
        game,
        num_iterations=iterations,
        seeds=range(seeds),
        schedule=schedule,
        sampling="iid",
        follower_floor=floor,
        checkpoints=8,
        initial=_at_rest(game),
    )
    residuals = exact_residuals(game, trace)
    start = {name: float(np.max(getattr(residuals, name)[:, 0] + residuals.rounding[name][:, 0])) for name in LINES}
    bounds = curve(inputs, coefficients_of(inputs, floor), schedule, residuals.iterations, start)
    columns = []
    for name in LINES:
        for position in range(1, len(residuals.iterations)):
            interval = mean_interval(getattr(residuals, name)[:, position])
            columns.append([end / bounds.tracking[name][position] for end in interval])
    return np.array(columns).T


def _at_rest(game: AbstractGame) -> dict[str, np.ndarray]:
    """The first iterate where follower, critics and mean field belong to the uniform leader."""
    logits = jnp.zeros(leader_logits_shape(game))
    found = solve_equilibrium(game, logits)
    follower = np.asarray(found.follower_policy)
    there = at_iterate(game, softmax_policy(logits), jnp.asarray(follower), jnp.asarray(found.mean_field))
    return {
        "follower_logits": np.log(follower),
        "follower_critic": np.asarray(there.follower_value),
        "leader_critic": np.asarray(there.leader_value),
        "mean_field": np.asarray(found.mean_field),
    }


def _by_line(found: list[Float[np.ndarray, "3 LC"]]) -> dict[str, np.ndarray]:
    """Estimates of each line over all games and checkpoints."""
    tables = [quotients[0].reshape(len(LINES), -1) for quotients in found]
    return {name: np.concatenate([table[row] for table in tables]) for row, name in enumerate(LINES)}
