"""The mean field estimate while both policies are frozen: its exact mean squared error, and runs of AC-SMFG."""

import warnings
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain, stationary_distribution
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.games import load
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.stochastic import Schedule, Trace, ac_smfg
from smfg_verify.stochastic.iterate import Sampling

# Followers that mostly stay where they are: successive states of a chain are alike, and Markov sampling pays for it.
_STAY = 1.5
_STEP = 2.0
_NUM_SNAPSHOTS = 10


class FrozenPopulation(NamedTuple):
    """A game whose chain does not depend on the mean field, and its chain under frozen policies.

    Attributes:
        game: the game.
        follower_logits: theta, (n, A).
        transition: P(s' | s), (n, n).
        law: its stationary law, (n,).
        initial: law of the first state, (n,).
    """

    game: AbstractGame
    follower_logits: Float[np.ndarray, "n A"]
    transition: Float[np.ndarray, "n n"]
    law: Float[np.ndarray, " n"]
    initial: Float[np.ndarray, " n"]


def frozen_population() -> FrozenPopulation:
    """Workers of the tax game who mostly stay in their sector, at the uniform leader."""
    game = load("laffer-tax")
    logits = _STAY * np.array([[1.0, -0.2], [-1.0, 1.0]])
    rows = observed_rows(softmax_policy(jnp.zeros(leader_logits_shape(game))), game.leader_observation)
    model = follower_model(tabulate(game, jnp.full(2, 0.5, dtype=float)), rows)
    transition = chain(softmax_policy(jnp.asarray(logits)), model.transition)
    law = np.asarray(stationary_distribution(transition))
    return FrozenPopulation(game, logits, np.asarray(transition), law, np.asarray(game.initial_distribution))


def snapshots(num_iterations: int) -> Int[np.ndarray, " C"]:
    """Iterations far enough apart that the errors there hardly depend on each other, in the second half of a run."""
    return np.linspace(num_iterations // 2, num_iterations, _NUM_SNAPSHOTS).astype(int)


def squared_errors(
    population: FrozenPopulation, sampling: Sampling, num_seeds: int, num_iterations: int
) -> Float[np.ndarray, "S C"]:
    r"""$\|\hat\mu_k - \nu\|_2^2$ of runs of AC-SMFG whose leader, follower and critics stand still."""
    # Both modes draw from the streams of their seeds: other seeds, other numbers.
    first = 0 if sampling == "markov" else num_seeds
    with warnings.catch_warnings():
        # The order of the step sizes is broken on purpose: three of them are zero.
        warnings.filterwarnings("ignore", message="step sizes")
        trace: Trace = ac_smfg(
            population.game,
            num_iterations=num_iterations,
            seeds=range(first, first + num_seeds),
            schedule=Schedule.from_constants({"leader": 0.0, "mean_field": _STEP, "follower": 0.0, "critic": 0.0}),
            sampling=sampling,
            checkpoints=snapshots(num_iterations),
            initial={"follower_logits": population.follower_logits},
        )
    kept = np.isin(trace.iterations, snapshots(num_iterations))
    result: Float[np.ndarray, "S C"] = np.sum((trace.mean_field[:, kept] - population.law) ** 2, axis=-1)
    return result


def exact_errors(population: FrozenPopulation, sampling: Sampling, num_iterations: int) -> Float[np.ndarray, " C"]:
    r"""$E\|\hat\mu_k - \nu\|_2^2$ at the snapshots, by recursion; nothing is sampled and nothing is left out.

    With $x_k = \hat\mu_k - \nu$, $\hat\mu_{k+1} = (1 - \xi_k) \hat\mu_k + \xi_k e_{j}$ and j the state of iteration
    k + 1, the joint moments $U_k(:, i) = E[x_k 1\{s_k = i\}]$ follow
    $U_{k+1}(:, j) = (1 - \xi_k) \sum_i U_k(:, i) P(i, j) + \xi_k (e_j - \nu) p_{k+1}(j)$, and they are all that
    $E\|x_{k+1}\|^2$ needs beside $E\|x_k\|^2$. Independent sampling is the chain whose every row is $\nu$.

    Args:
        population: chain, stationary law and first state; AC-SMFG starts at the uniform mean field.
        sampling: "markov" or "iid".
        num_iterations: of the run.

    Returns:
        At `snapshots(num_iterations)`, (C,).
    """
    law, size = population.law, len(population.law)
    independent = sampling == "iid"
    transition = np.broadcast_to(law, (size, size)) if independent else population.transition
    marginal = law if independent else population.initial
    offset = np.full(size, 1.0 / size) - law
    joint, square = np.outer(offset, marginal), float(offset @ offset)
    corners = np.eye(size) - law[:, None]
    found = [square]
    for iteration in range(num_iterations):
        step = min(1.0, _STEP / np.sqrt(iteration + 1.0))
        moved, marginal = joint @ transition, marginal @ transition
        cross = float(np.sum(moved * corners))
        noise = float(marginal @ np.sum(corners**2, axis=0))
        square = (1.0 - step) ** 2 * square + 2.0 * step * (1.0 - step) * cross + step**2 * noise
        joint = (1.0 - step) * moved + step * corners * marginal
        found.append(square)
    result: Float[np.ndarray, " C"] = np.array(found)[snapshots(num_iterations)]
    return result
