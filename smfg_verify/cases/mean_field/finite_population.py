"""A game of N followers is near the mean field game, as near as independent draws allow."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_game
from smfg_verify.cases.shared.statistics import slope_interval
from smfg_verify.exact import Equilibrium, solve_equilibrium
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.stochastic import simulate_population

# Steps until the start is forgotten, and steps a replicate is averaged over.
_BURN_IN = 60
_MARGIN = 0.05


def simulated_deviation(
    game: AbstractGame, equilibrium: Equilibrium, num_followers: int, num_replicates: int, num_steps: int
) -> Float[np.ndarray, " R"]:
    r"""Mean over time of $\|\mu^N_t - \mu^*\|_2^2$ in independent populations of N followers.

    The first states are drawn from the equilibrium. Populations of different sizes share no random numbers.

    Args:
        game: the game, traced.
        equilibrium: of the uniform leader.
        num_followers: N.
        num_replicates: R, populations.
        num_steps: averaged over, after the start is forgotten.

    Returns:
        (R,).
    """
    run = simulate_population(
        game,
        equilibrium.follower_policy,
        num_followers,
        num_steps=_BURN_IN + num_steps,
        seeds=range(num_followers * num_replicates, (num_followers + 1) * num_replicates),
        mean_field=equilibrium.mean_field,
        deviation=False,
    )
    result: Float[np.ndarray, " R"] = np.mean(
        np.sum((run.mean_field - run.reference)[:, _BURN_IN:] ** 2, axis=-1), axis=1
    )
    return result


@register_case(
    "finite-population", source="Propagation of chaos for weakly interacting chains; theory of this project."
)
def finite_population(version: Version, *, simulate: Callable[..., np.ndarray] = simulated_deviation) -> CaseRecord:
    r"""The empirical law of N followers is within O(1/sqrt(N)) of the mean field equilibrium.

    $$ \sqrt{E\|\mu^N_t - \mu^*\|_2^2} = \Theta(N^{-1/2}), \qquad \mu^N_t = \frac{1}{N}\sum_{i \le N} e_{s^i_t} $$

    Followers play the equilibrium policy and interact through the transition, which depends on their empirical law;
    each meets a draw of the leader's action of its own (one draw common to all would not average out). Measured: half
    the log-log slope in N of the mean squared deviation. Predicted: -1/2.

    Args:
        version: N from 10 to 640 in 48 populations, or from 10 to 10 240 in 128.
        simulate: of game, equilibrium, followers, replicates and steps, an ingredient.

    Returns:
        The slope against -1/2.
    """
    sizes, replicates, steps = (10 * 4 ** np.arange(4), 48, 100)
    if version is Version.FULL:
        sizes, replicates, steps = (10 * 4 ** np.arange(6), 128, 200)
    # One successor a row and full coupling: of 36 random games tried, one whose followers interact most.
    game = random_game(2, transition_coupling=1.0, branching=1, ergodicity=0.02, dependence="general")
    equilibrium = solve_equilibrium(game, np.zeros(leader_logits_shape(game)))
    found = np.stack([simulate(game, equilibrium, int(number), replicates, steps) for number in sizes], axis=1)
    slope = slope_interval(found, sizes)
    alone = (1.0 - float(jnp.sum(equilibrium.mean_field**2))) / sizes[-1]
    return CaseRecord(
        measured=0.5 * slope.estimate,
        predicted=-0.5,
        kind=Kind.RATE,
        error=_MARGIN,
        error_source=CaseText("smallest-population"),
        interval=(0.5 * slope.lower, 0.5 * slope.upper),
        looked_at=CaseText(
            "populations",
            {
                "game": "random-game",
                "first": int(sizes[0]),
                "last": int(sizes[-1]),
                "populations": replicates,
                "steps": steps,
            },
        ),
        details={
            "deviation_at_largest_N": np.sqrt(np.mean(found[:, -1])),
            "over_that_of_independent_followers": np.sqrt(np.mean(found[:, -1]) / alone),
        },
    )
