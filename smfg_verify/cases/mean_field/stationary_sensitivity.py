"""How far a stationary law moves with its chain."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.ergodicity.worst_chains import dobrushin
from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_chains
from smfg_verify.exact.population import stationary_distribution

_MOST_STEPS = 8
_NUM_STATES = 5
_ROUNDINGS = 64.0

Laws = Callable[[Float[np.ndarray, "N n n"]], Float[np.ndarray, "N n"]]


def stationary_laws(chains: Float[np.ndarray, "N n n"]) -> Float[np.ndarray, "N n"]:
    """Stationary laws of many chains."""
    return np.asarray(jax.jit(jax.vmap(stationary_distribution))(jnp.asarray(chains)))


@register_case("stationary-sensitivity", source="Perturbation bound of Markov chains (Seneta 1988; Mitrophanov 2005).")
def stationary_sensitivity(version: Version, *, laws: Laws = stationary_laws) -> CaseRecord:
    r"""A stationary law moves by at most the mixing factor times the largest change of a row of its chain, in l1.

    $$ \|\nu - \nu'\|_1 \le \min_m \frac{m}{1 - \delta_m(P)} \max_s \|P(s,\cdot) - P'(s,\cdot)\|_1 $$

    Only P need mix. Measured: the largest ratio of the left side to the right one over pairs of random chains, near
    and far, and over pairs of two-state chains whose rows move alike, for which the bound is attained: then
    $\nu P' - \nu P$ is the rows' common change and $(I - P^T)^{-1}$ stretches it by $1/(1-\delta_1)$.

    Args:
        version: 400 pairs, or 40 000.
        laws: stationary laws of chains, an ingredient.

    Returns:
        The largest ratio against 1.
    """
    number = 100 if version is Version.QUICK else 10_000
    generator = np.random.default_rng(0)
    ratios, changes = zip(*(_ratios(laws, *pair) for pair in _pairs(number, generator)), strict=True)
    largest = np.concatenate(ratios)
    return CaseRecord(
        measured=np.max(largest),
        predicted=1.0,
        kind=Kind.UPPER_BOUND,
        error=_ROUNDINGS * np.finfo(float).eps * _NUM_STATES / np.min(np.concatenate(changes)),
        error_source=CaseText("rounding-of-laws"),
        looked_at=CaseText("pairs-of-chains", {"pairs": len(largest), "states": _NUM_STATES}),
        details={
            "median_ratio": np.median(largest),
            "largest_ratio_of_random_pairs": np.max(np.concatenate(ratios[:-1])),
        },
    )


def _pairs(number: int, generator: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Far pairs, near pairs, pairs of slowly mixing chains, and the pairs that attain the bound last."""
    spread = [random_chains(number, _NUM_STATES, 1.0, generator) for _ in range(2)]
    slow = [random_chains(number, _NUM_STATES, 0.1, generator) for _ in range(2)]
    leave = generator.uniform(0.1, 0.4, size=(number, 2))
    two = np.stack([1.0 - leave[:, 0], leave[:, 0], leave[:, 1], 1.0 - leave[:, 1]], axis=1).reshape(-1, 2, 2)
    shift = 0.05 * np.array([-1.0, 1.0])
    return [
        (spread[0], spread[1]),
        (spread[0], 0.99 * spread[0] + 0.01 * spread[1]),
        (0.95 * slow[0] + 0.05 / _NUM_STATES, 0.95 * slow[1] + 0.05 / _NUM_STATES),
        (two, two + shift),
    ]


def _ratios(laws: Laws, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left side over right side, and the change of the rows."""
    steps = range(1, _MOST_STEPS + 1)
    with np.errstate(divide="ignore"):
        factor = np.min([m / (1.0 - dobrushin(first, m)) for m in steps], axis=0)
    change = np.max(np.sum(np.abs(first - second), axis=-1), axis=-1)
    return np.sum(np.abs(laws(first) - laws(second)), axis=-1) / (factor * change), change
