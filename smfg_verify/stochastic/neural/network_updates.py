"""One iteration of AC-SMFG with function approximation, for one run; `advance` maps it over runs."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, Key, PyTree

from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic
from smfg_verify.records.portable import Portable, reduce_portable
from smfg_verify.stochastic.neural.networks import Critic, Policy, over_positions
from smfg_verify.stochastic.schedules import StepSizes


class Players(Portable, eqx.Module):
    """What is learned by gradients.

    Attributes:
        leader_logits: omega, (B,), of the public target.
        policy: the follower's, position -> `ActionLaw`.
        follower_critic, leader_critic: position -> value over the horizon.
    """

    leader_logits: Float[Array, " B"]
    policy: Policy
    follower_critic: Critic
    leader_critic: Critic


class GaussianField(NamedTuple):
    """The mean field estimate: a normal law by its first two moments, lengths and squared lengths."""

    mean: Float[Array, ""]
    second_moment: Float[Array, ""]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)

    @property
    def variance(self) -> Float[Array, ""]:
        """Of the population's positions, squared length."""
        return self.second_moment - self.mean**2


class Iterate(Portable, eqx.Module):
    """Everything one run carries from one iteration to the next.

    Attributes:
        players: what is learned by gradients.
        optimiser_state: of optax.
        mean_field: mu_hat.
        occupancy_position: x of the chains with restarts, (chains,).
        population_position: x_bar of the chains without restarts, (chains,).
    """

    players: Players
    optimiser_state: PyTree
    mean_field: GaussianField
    occupancy_position: Float[Array, " chains"]
    population_position: Float[Array, " chains"]


class Samples(NamedTuple):
    """Transitions of the chains with restarts, (chains,) each."""

    position: Float[Array, " chains"]
    action: Float[Array, " chains"]
    leader_action: Int[Array, " chains"]
    next_position: Float[Array, " chains"]


def update(
    game: ContinuousLinearQuadratic,
    optimiser: optax.GradientTransformation,
    steps: StepSizes,
    iterate: Iterate,
    key: Key[Array, ""],
) -> Iterate:
    r"""One iteration; every update reads the iterate of before the iteration.

    The directions of AC-SMFG, averaged over chains that move side by side,

    $$ \delta_l \nabla \log \phi_\omega(b), \quad \delta_f \nabla \log \pi_\theta(a|x), \quad
       \delta_f \nabla V_f(x), \quad \delta_l \nabla V_l(x), $$

    go through the optimiser and are then scaled by $\zeta_k, \alpha_k, \beta_k, \beta_k$. The estimate's moments
    move by $\xi_k$ towards those of the chains without restarts. Critics are not projected: on the line no box holds
    every value.

    Args:
        game: the game, with traced leaves.
        optimiser: from directions to moves of unit step size.
        steps: zeta_k, xi_k, alpha_k, beta_k.
        iterate: of before.
        key: of this run and iteration.

    Returns:
        The iterate of after.

    Source: AC-SMFG of Zeng et al. (arXiv 2509.15392); networks, chains side by side and optimiser are our choices.
    """
    of_occupancy, of_restart, of_population = jax.random.split(key, 3)
    players = iterate.players
    samples = _transitions(game, players, iterate.occupancy_position, of_occupancy)
    ascent = directions(game, players, iterate.mean_field, samples)
    moves, optimiser_state = optimiser.update(
        ascent, iterate.optimiser_state, eqx.filter(players, eqx.is_inexact_array)
    )
    moved = _transitions(game, players, iterate.population_position, of_population)
    return Iterate(
        players=_moved(players, moves, steps),
        optimiser_state=optimiser_state,
        mean_field=_towards(iterate.mean_field, steps.mean_field, moved.next_position),
        occupancy_position=_with_restarts(game, samples.next_position, of_restart),
        population_position=moved.next_position,
    )


def directions(
    game: ContinuousLinearQuadratic, players: Players, mean_field: GaussianField, samples: Samples
) -> Players:
    r"""Averages over the chains of $\delta \nabla \log$ policy and $\delta \nabla V$, for both players.

    Args:
        game: the game, with traced leaves.
        players: policies and critics.
        mean_field: mu_hat.
        samples: one transition a chain.

    Returns:
        One direction a learned number, in the structure of the players; nothing is scaled.
    """
    position, action, leader_action, next_position = samples

    def potential(players: Players) -> Float[Array, ""]:
        log_follower = over_positions(players.policy, position).log_density(action)
        log_leader = jax.nn.log_softmax(players.leader_logits)[leader_action]
        follower_reward = game.follower_reward(position, action, leader_action, mean_field.mean)
        leader_reward = game.leader_reward(position, leader_action)

        def score(critic: Critic, reward: Array, log_probability: Array) -> Array:
            value, ahead = over_positions(critic, position), over_positions(critic, next_position)
            delta = reward + (game.discount * ahead - value) / (1.0 - game.discount)
            # The gradient of what is returned is the direction: delta is held fixed, V(x') does not enter.
            return jnp.mean(jax.lax.stop_gradient(delta) * (log_probability + value))

        follower = score(players.follower_critic, follower_reward - game.temperature * log_follower, log_follower)
        leader = score(players.leader_critic, leader_reward - game.leader_temperature * log_leader, log_leader)
        return follower + leader

    result: Players = eqx.filter_grad(potential)(players)
    return result


def _transitions(
    game: ContinuousLinearQuadratic, players: Players, position: Float[Array, " chains"], key: Key[Array, ""]
) -> Samples:
    of_follower, of_leader, of_noise = jax.random.split(key, 3)
    law = over_positions(players.policy, position)
    action = law.at(jax.random.normal(of_follower, position.shape))
    leader_action = jax.random.categorical(of_leader, players.leader_logits, shape=position.shape)
    next_position = game.next_position(position, action, jax.random.normal(of_noise, position.shape))
    return Samples(position, action, leader_action, next_position)


def _with_restarts(
    game: ContinuousLinearQuadratic, next_position: Float[Array, " chains"], key: Key[Array, ""]
) -> Float[Array, " chains"]:
    goes_on, place = jax.random.uniform(key, (2, *next_position.shape))
    return jnp.where(goes_on < game.discount, next_position, game.first_position(place))


def _moved(players: Players, moves: Players, steps: StepSizes) -> Players:
    def scaled(step: Float[Array, ""], move: PyTree) -> PyTree:
        return jax.tree.map(lambda leaf: step * leaf, move)

    result: Players = eqx.apply_updates(
        players,
        Players(
            leader_logits=scaled(steps.leader, moves.leader_logits),
            policy=scaled(steps.follower, moves.policy),
            follower_critic=scaled(steps.critic, moves.follower_critic),
            leader_critic=scaled(steps.critic, moves.leader_critic),
        ),
    )
    return result


def _towards(field: GaussianField, step: Float[Array, ""], positions: Float[Array, " chains"]) -> GaussianField:
    seen = GaussianField(jnp.mean(positions), jnp.mean(positions**2))
    result: GaussianField = jax.tree.map(lambda old, new: old + step * (new - old), field, seen)
    return result
