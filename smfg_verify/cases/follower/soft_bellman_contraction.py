"""The soft Bellman operator contracts by the discount factor, no less."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_game
from smfg_verify.exact.follower import soft_bellman
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.game import mean_field_shape

_ROUNDINGS = 16.0
# Of the values and of their distances, in units of reward.
_SCALES = (0.01, 1.0, 100.0)

Operator = Callable[[FollowerModel, Array, Array, Array], tuple[Array, Array]]


@register_case("soft-bellman-contraction", source="Entropy-regularised dynamic programming (Geist et al. 2019).")
def soft_bellman_contraction(version: Version, *, operator: Operator = soft_bellman) -> CaseRecord:
    r"""The soft Bellman operator has the Lipschitz constant gamma in the sup norm, attained by constant shifts.

    $$ \sup_{V \ne V'} \frac{\|TV - TV'\|_\infty}{\|V - V'\|_\infty} = \gamma, \quad
       (TV)(s) = \tau \log \sum_a e^{(r + \gamma P V)(s,a)/\tau}, \quad T(V + c 1) = TV + \gamma c 1 $$

    Measured: the largest ratio over random pairs and constant shifts. Predicted: the discount factor.

    Args:
        version: pairs on one random game, or on eight.
        operator: T and its greedy policy, an ingredient.

    Returns:
        The largest ratio against gamma.
    """
    seeds = range(1 if version is Version.QUICK else 8)
    ratios, errors, gamma = [], [], 0.0
    for seed in seeds:
        game = random_game(seed)
        rows = jnp.full((game.num_states, game.num_leader_actions), 1.0 / game.num_leader_actions, dtype=float)
        field = jnp.full(mean_field_shape(game), 1.0 / np.prod(mean_field_shape(game)), dtype=float)
        model, gamma = follower_model(tabulate(game, field), rows), float(game.discount)
        first, second = _pairs(game.num_states, np.random.default_rng(seed))
        apply = jax.jit(jax.vmap(lambda value, m=model, g=game: operator(m, value, g.discount, g.temperature)[0]))
        distance = np.max(np.abs(first - second), axis=1)
        ratios.append(np.max(np.abs(np.asarray(apply(first) - apply(second))), axis=1) / distance)
        size = np.maximum(1.0, np.maximum(np.max(np.abs(first), axis=1), np.max(np.abs(second), axis=1)))
        errors.append(_ROUNDINGS * np.finfo(float).eps * size / distance)
    everything, granted = np.concatenate(ratios), np.concatenate(errors)
    worst = int(np.argmax(everything))
    return CaseRecord(
        measured=everything[worst],
        predicted=gamma,
        kind=Kind.EQUALITY,
        error=granted[worst],
        error_source=CaseText("rounding-of-operator"),
        looked_at=CaseText("pairs-of-values", {"pairs": len(everything), "games": len(seeds)}),
        details={"largest_ratio_without_shifts": max(np.max(found[len(_SCALES) :]) for found in ratios)},
    )


def _pairs(
    num_states: int, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "N n"], Float[np.ndarray, "N n"]]:
    """Constant shifts first, one a scale, then random pairs of every scale."""
    base = generator.standard_normal((len(_SCALES), num_states))
    shifted = base + np.array(_SCALES)[:, None]
    scale = np.repeat(_SCALES, 64)[:, None]
    first = scale * generator.standard_normal((len(scale), num_states))
    second = first + scale * generator.standard_normal((len(scale), num_states))
    return np.concatenate([base, first]), np.concatenate([shifted, second])
