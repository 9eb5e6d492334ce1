"""Runs of AC-SMFG that several cases look at."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.gradient.at_leaders import LeaderPoints, checked, evaluate_leaders
from smfg_verify.game import AbstractGame
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule, Trace, ac_smfg
from smfg_verify.stochastic.iterate import Sampling

# Constants of the step sizes: the leader steps as fast as the mean field.
_AT_RATE = {"leader": 1.0, "mean_field": 1.0, "follower": 2.0, "critic": 4.0}


def leader_steps(num_iterations: int) -> Float[np.ndarray, " K"]:
    """The leader's step sizes zeta_k of the first iterations of `run_at_rate`."""
    return np.asarray(Schedule.from_constants(_AT_RATE).at(jnp.arange(num_iterations)).leader)


def aligned_game() -> AbstractGame:
    """A leader whom followers and mean field do not concern: direct gradient and total gradient are the same.

    Its own entropy puts the optimum inside, where errors do not vanish by saturation; a short horizon ends the
    transient early.
    """
    return checked(load("independent-leader", leader_temperature=1.0, discount=0.5, cost=1.0))


def run_at_rate(game: AbstractGame, *, num_seeds: int, num_iterations: int, sampling: Sampling = "markov") -> Trace:
    """A run whose leader steps as fast as the order of step sizes allows."""
    return ac_smfg(
        game,
        num_iterations=num_iterations,
        seeds=range(num_seeds),
        schedule=Schedule.from_constants(_AT_RATE),
        sampling=sampling,
        checkpoints=30,
    )


def leaders_of(game: AbstractGame, trace: Trace, positions: slice = slice(None)) -> LeaderPoints:
    """Exact gradients at the leaders of a run, one row a seed and checkpoint, seeds first."""
    logits: Float[np.ndarray, "S C O B"] = trace.leader_logits[:, positions]
    return evaluate_leaders(game, logits.reshape(-1, *logits.shape[-2:]))
