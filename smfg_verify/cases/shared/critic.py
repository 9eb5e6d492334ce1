"""TD(0) with averaging on a frozen policy, sampled as the lower bound's observation model says."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.cases.shared.points import random_game
from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.game import mean_field_shape
from smfg_verify.stochastic import sample_index


class Evaluation(NamedTuple):
    """Evaluation of one policy: from each state a cell (action, next state) is drawn, with its reward.

    Attributes:
        probability: of each cell, (n, cells).
        reward: of each cell, entropy term included, (n, cells).
        next_state: of each cell, (cells,).
        transition: the policy's chain, (n, n).
        discount: gamma.
        value: the exact value, (n,).
    """

    probability: Float[Array, "n cells"]
    reward: Float[Array, "n cells"]
    next_state: Float[Array, " cells"]
    transition: Float[Array, "n n"]
    discount: float
    value: Float[Array, " n"]


def frozen_evaluation(seed: int = 0) -> Evaluation:
    """A random policy of a random game's follower, at the uniform leader and mean field."""
    # A short horizon: what the start leaves behind in the average falls below the noise within the iterations run.
    game = random_game(seed, num_states=3, num_follower_actions=2, discount=0.5)
    rows = np.full((game.num_states, game.num_leader_actions), 1.0 / game.num_leader_actions)
    field = jnp.full(mean_field_shape(game), 1.0 / np.prod(mean_field_shape(game)), dtype=float)
    model = follower_model(tabulate(game, field), jnp.asarray(rows))
    shape = (game.num_states, game.num_follower_actions)
    policy = jax.nn.softmax(jnp.asarray(np.random.default_rng(seed).standard_normal(shape)))
    reward = model.reward - game.temperature * jnp.log(policy)
    return Evaluation(
        probability=(policy[:, :, None] * model.transition).reshape(game.num_states, -1),
        reward=jnp.repeat(reward, game.num_states, axis=1),
        next_state=jnp.tile(jnp.arange(game.num_states), game.num_follower_actions),
        transition=chain(policy, model.transition),
        discount=float(game.discount),
        value=policy_value(model, policy, game.discount, game.temperature),
    )


def local_minimax_risk(problem: Evaluation) -> float:
    r"""The smallest limit of $N E\|\hat V - V\|^2$ that an estimator can have, in the local minimax sense.

    Trace of $\Sigma^* = (I - \gamma P)^{-1} \Sigma (I - \gamma P)^{-T}$, $\Sigma = diag\,Var(r + \gamma V(s') | s)$.

    Source: Khamaru et al. (2020), arXiv 2003.07337, for the Euclidean norm.
    """
    target = np.asarray(problem.reward + problem.discount * problem.value[problem.next_state])
    weight = np.asarray(problem.probability)
    variance = np.sum(weight * target**2, axis=1) - np.sum(weight * target, axis=1) ** 2
    system = np.eye(len(variance)) - problem.discount * np.asarray(problem.transition)
    return float(np.sum(np.linalg.solve(system, np.diag(np.sqrt(variance))) ** 2))


@eqx.filter_jit
def averaged_errors(
    problem: Evaluation, num_runs: int, checkpoints: Int[Array, " C"], step: Float[Array, ""]
) -> Float[Array, "R C"]:
    r"""Squared errors of the averaged iterate of R runs, at increasing numbers N of iterations.

    $V_{k+1}(s) = V_k(s) + \beta_k (r + \gamma V_k(s') - V_k(s))$ at every s with a sample of its own,
    $\beta_k = \min(1, c/\sqrt{k+1})$, $\bar V_N = \frac1N \sum_{k=1}^{N} V_k$, from $V_0 = 0$.

    Args:
        problem: what is evaluated.
        num_runs: R, static.
        checkpoints: the numbers N, (C,).
        step: c.

    Returns:
        $\|\bar V_N - V\|_2^2$, (R, C), in squared units of reward.
    """
    size = problem.value.shape[0]
    weight = jnp.broadcast_to(problem.probability.T[:, :, None], (problem.probability.shape[1], size, num_runs))

    def iterate(iteration: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        value, average = carry
        uniform = jax.random.uniform(jax.random.fold_in(jax.random.key(0), iteration), (size, num_runs))
        cell = sample_index(weight, uniform)
        reward = jnp.take_along_axis(problem.reward, cell, axis=1)
        following = jnp.take_along_axis(value, problem.next_state[cell], axis=0)
        beta = jnp.minimum(1.0, step / jnp.sqrt(iteration + 1.0))
        value = value + beta * (reward + problem.discount * following - value)
        return value, average + (value - average) / (iteration + 1.0)

    def advance(
        carry: tuple[Array, tuple[Array, Array]], stop: Array
    ) -> tuple[tuple[Array, tuple[Array, Array]], Array]:
        start, tables = carry
        tables = jax.lax.fori_loop(start, stop, iterate, tables)
        return (stop, tables), jnp.sum((tables[1] - problem.value[:, None]) ** 2, axis=0)

    zeros = jnp.zeros((size, num_runs))
    _, errors = jax.lax.scan(advance, (jnp.zeros_like(checkpoints[0]), (zeros, zeros)), checkpoints)
    return errors.T
