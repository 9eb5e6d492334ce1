r"""Exact expectations over one iteration of AC-SMFG: every sample it can draw, the iterate it leads to, and its weight.

The samples of one iteration are a transition (s, a, b, s') of the learners and a point (s', a') of the population,
drawn independently given the iterate. The next iterate of each is that of the algorithm's own update, projections
included, so no formula for a residual's change enters.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.bounds.local.components import Components
from smfg_verify.bounds.local.mean_dynamics import expected_update
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import AbstractGame
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.records.portable import reduce_portable
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.samples import PolicyRows, Samples
from smfg_verify.stochastic.schedules import StepSizes
from smfg_verify.stochastic.updates import learn
from smfg_verify.stochastic.value_bounds import ValueBounds


class Outcomes(NamedTuple):
    """Every next iterate and how probable it is; the first axis (T) counts the samples.

    Attributes:
        points: next iterates.
        stationary_weights: probabilities where both chains have their exact laws ("iid" sampling), (T,).
        chain_weights: probabilities given where the two chains stand ("markov" sampling), (T,).
    """

    points: Components
    stationary_weights: Float[Array, " T"]
    chain_weights: Float[Array, " T"]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


def num_population_points(game: AbstractGame) -> int:
    """Number of points that the mean field may move to: states, or state-action pairs."""
    return game.num_states * (game.num_follower_actions if game.mean_field_support == "state_actions" else 1)


def num_outcomes(game: AbstractGame) -> int:
    """Number T of samples that one iteration can draw, n^2 A B for the learners times one for each population point."""
    learners = game.num_states**2 * game.num_follower_actions * game.num_leader_actions
    return learners * num_population_points(game)


def outcomes(
    game: AbstractGame,
    bounds: ValueBounds,
    steps: StepSizes,
    point: Components,
    occupancy_state: Int[Array, ""],
    population_state: Int[Array, ""],
) -> Outcomes:
    """All iterates that one iteration may lead to, for use inside jit and vmap.

    Args:
        game: the game, traced.
        bounds: boxes of the critics.
        steps: of the iteration.
        point: the iterate before it.
        occupancy_state, population_state: where the chains stand, for the weights of Markov sampling.

    Returns:
        Next iterates and both weights.
    """
    learner, population = _indices(game)
    # The learners' transition is the slow index, as in the outer product of the weights below.
    first, second = (pair.ravel() for pair in np.indices((learner.shape[1], population.shape[1])))
    samples = _samples(game, point, learner[:, first], population[:, second])
    lanes = first.shape[0]
    repeated = {name: jnp.broadcast_to(leaf[..., None], (*leaf.shape, lanes)) for name, leaf in point._asdict().items()}
    zeros = jnp.zeros((lanes,), dtype=int)  # where the chains stand moves no learner
    before = Iterate(**repeated, occupancy_state=zeros, population_state=zeros)
    after = learn(game, bounds, steps, before, samples)
    moved = Components(**{name: jnp.moveaxis(getattr(after, name), -1, 0) for name in Components._fields})
    weights = _weights(game, point, learner, population, occupancy_state, population_state)
    return Outcomes(moved, *(jnp.outer(*pair).ravel() for pair in weights))


def _indices(game: AbstractGame) -> tuple[Int[np.ndarray, "4 L"], Int[np.ndarray, "2 P"]]:
    """All (s, a, b, s') and all (s', a') of the population; its action is 0 where the mean field is on states."""
    n, num_actions = game.num_states, game.num_follower_actions
    learner = np.indices((n, num_actions, game.num_leader_actions, n)).reshape(4, -1)
    actions = num_actions if game.mean_field_support == "state_actions" else 1
    return learner, np.indices((n, actions)).reshape(2, -1)


def _samples(game: AbstractGame, point: Components, learner: np.ndarray, population: np.ndarray) -> Samples:
    state, follower_action, leader_action, next_state = learner
    leader_rows = observed_rows(point.leader_logits, game.leader_observation)
    return Samples(
        state=jnp.asarray(state),
        follower_action=jnp.asarray(follower_action),
        leader_action=jnp.asarray(leader_action),
        next_state=jnp.asarray(next_state),
        follower=PolicyRows.of_logits(point.follower_logits[state].T),
        leader=PolicyRows.of_logits(leader_rows[state].T),
        population_state=jnp.asarray(population[0]),
        population_action=jnp.asarray(population[1]),
        occupancy_state=jnp.asarray(state),
    )


def _weights(
    game: AbstractGame,
    point: Components,
    learner: np.ndarray,
    population: np.ndarray,
    occupancy_state: Array,
    population_state: Array,
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """For both kinds of sampling, the probabilities of the learners' transitions and of the population's points."""
    follower, leader = softmax_policy(point.follower_logits), softmax_policy(point.leader_logits)
    rows = observed_rows(leader, game.leader_observation)
    laws = expected_update(game, point)
    state, follower_action, leader_action, next_state = learner
    moved = tabulate(game, point.mean_field).transition[state, follower_action, leader_action, next_state]
    transition = follower[state, follower_action] * rows[state, leader_action] * moved
    here = jnp.arange(game.num_states) == occupancy_state
    arrivals = laws.transition[population_state][population[0]]
    if game.mean_field_support == "state_actions":
        arrivals = arrivals * follower[population[0], population[1]]
    return (transition * laws.occupancy[state], jnp.ravel(laws.population)), (transition * here[state], arrivals)
