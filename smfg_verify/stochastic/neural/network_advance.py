"""Many iterations of several runs in one compiled call, and what is recorded of them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PyTree, UInt

from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic
from smfg_verify.stochastic.engine.uniforms import seed_key
from smfg_verify.stochastic.neural.network_updates import GaussianField, Iterate, Players, update
from smfg_verify.stochastic.neural.networks import AbstractNetworks, over_positions
from smfg_verify.stochastic.schedules import Schedule

# Runs that one compiled call advances side by side; fixed, so that a seed's bits do not depend on its company.
LANES = 4

_INITIAL_STREAM, _RUN_STREAM = 0, 1


@eqx.filter_jit
def first_iterates(
    game: ContinuousLinearQuadratic,
    networks: AbstractNetworks,
    optimiser: optax.GradientTransformation,
    leader_logits: Float[Array, " B"],
    seeds: UInt[Array, " lanes"],
    num_chains: int,
) -> Iterate:
    """Networks and chains drawn with the seed; the mean field estimate is that of the first law, lanes first."""

    def one(seed: UInt[Array, ""]) -> Iterate:
        of_policy, of_follower, of_leader, of_chains = jax.random.split(seed_key(seed, _INITIAL_STREAM), 4)
        players = Players(
            leader_logits, networks.policy(of_policy), networks.critic(of_follower), networks.critic(of_leader)
        )
        occupancy, population = game.first_position(jax.random.uniform(of_chains, (2, num_chains)))
        law, positions = jnp.asarray(game.grid.initial_distribution), jnp.asarray(game.grid.positions)
        field = GaussianField(law @ positions, law @ positions**2)
        state = optimiser.init(eqx.filter(players, eqx.is_inexact_array))
        return Iterate(players, state, field, occupancy, population)

    result: Iterate = eqx.filter_vmap(one)(seeds)
    return result


@eqx.filter_jit
def advance(
    game: ContinuousLinearQuadratic,
    optimiser: optax.GradientTransformation,
    schedules: Schedule,
    delay: Int[Array, ""],
    seeds: UInt[Array, " lanes"],
    iterate: Iterate,
    start: Int[Array, ""],
    stop: Int[Array, ""],
) -> Iterate:
    """Run iterations start, ..., stop - 1. Any split of a range into calls gives the same bits.

    Args:
        game: the game, with traced leaves.
        optimiser: from directions to moves of unit step size.
        schedules: step sizes, leaves (lanes,).
        delay: int32; iteration k takes the step sizes of iteration k + delay.
        seeds: one a lane.
        iterate: after `start` iterations, lanes first.
        start, stop: int32, traced, so that every range shares one compilation.

    Returns:
        The iterate after `stop` iterations.
    """
    keys = jax.vmap(lambda seed: seed_key(seed, _RUN_STREAM))(seeds)
    arrays, functions = eqx.partition(iterate, eqx.is_array)

    def one(iteration: Array, arrays: PyTree[Array]) -> PyTree[Array]:
        def lane(schedule: Schedule, key: Array, arrays: PyTree[Array]) -> PyTree[Array]:
            before = eqx.combine(arrays, functions)
            after = update(game, optimiser, schedule.at(iteration + delay), before, jax.random.fold_in(key, iteration))
            return eqx.filter(after, eqx.is_array)

        return jax.vmap(lane)(schedules, keys, arrays)

    result: Iterate = eqx.combine(jax.lax.fori_loop(start, stop, one, arrays), functions)
    return result


@eqx.filter_jit
def snapshot(
    game: ContinuousLinearQuadratic, iterate: Iterate, positions: Float[Array, " m"]
) -> dict[str, Float[Array, " lanes *k"]]:
    """What a checkpoint records, by the name of the attribute of `NeuralTrace`, lanes first.

    Args:
        game: the game.
        iterate: lanes first.
        positions: where the learned functions are read, lengths.
    """

    def one(iterate: Iterate) -> dict[str, Array]:
        players, horizon = iterate.players, 1.0 / (1.0 - game.discount)
        law = over_positions(players.policy, positions)
        return {
            "leader_policy": jax.nn.softmax(players.leader_logits),
            "policy_mean": law.mean,
            "policy_std": jnp.exp(law.log_std),
            "follower_value": horizon * over_positions(players.follower_critic, positions),
            "leader_value": horizon * over_positions(players.leader_critic, positions),
            "field_mean": iterate.mean_field.mean,
            "field_variance": iterate.mean_field.variance,
        }

    result: dict[str, Float[Array, " lanes *k"]] = eqx.filter_vmap(one)(iterate)
    return result
