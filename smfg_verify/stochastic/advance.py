"""Many iterations of AC-SMFG in one compiled call, with random numbers that depend on seed and iteration only."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, UInt

from smfg_verify.game import AbstractGame
from smfg_verify.stochastic.schedules import PowerSchedule, Schedule
from smfg_verify.stochastic.updates import Iterate, Sampling, num_uniforms, update
from smfg_verify.stochastic.value_bounds import ValueBounds

# Runs that one compiled call advances side by side. The width is the same whatever the number of seeds, so that a
# seed's bits do not depend on its company and another number of seeds does not recompile. Two groups of 32 on two
# threads take 0.55 of the time of one group of 64, which XLA runs on one.
LANES = 32

# Iterations whose uniforms are drawn together: drawn one by one they cost as much as the update itself, and longer
# blocks leave the cache.
BLOCK = 128

_INITIAL_STREAM, _RUN_STREAM = 0, 1


def seed_key(seed: UInt[Array, ""], stream: int) -> Key[Array, ""]:
    """JAX key of one seed and one stream of random numbers."""
    return jax.random.fold_in(jax.random.key(seed), stream)


def seed_uniforms(seeds: UInt[Array, " lanes"]) -> Float[Array, "2 lanes"]:
    """Two uniforms a seed, for the first states of its two chains."""
    return jax.vmap(lambda seed: jax.random.uniform(seed_key(seed, _INITIAL_STREAM), (2,)), out_axes=-1)(seeds)


def block_uniforms(keys: Key[Array, " lanes"], block: Int[Array, ""], count: int) -> Float[Array, "block count lanes"]:
    """Uniforms of iterations block * BLOCK, ..., (block + 1) * BLOCK - 1.

    Args:
        keys: of the runs' streams, one a lane.
        block: which block of iterations, counted from iteration 0 of the run.
        count: uniforms an iteration.

    Returns:
        (BLOCK, count, lanes), in [0, 1).
    """

    def draw(key):
        return jax.random.uniform(jax.random.fold_in(key, block), (BLOCK * count,))

    return jax.vmap(draw, out_axes=-1)(keys).reshape(BLOCK, count, -1)


@eqx.filter_jit
def advance(
    game: AbstractGame,
    bounds: ValueBounds,
    schedule: Schedule | PowerSchedule,
    sampling: Sampling,
    seeds: UInt[Array, " lanes"],
    iterate: Iterate,
    start: Int[Array, ""],
    stop: Int[Array, ""],
) -> Iterate:
    """Run iterations start, ..., stop - 1. Any split of a range into calls gives the same bits.

    Args:
        game: the game, with traced leaves.
        bounds: boxes that the critics are projected to.
        schedule: step sizes, the same for every lane or one choice a lane.
        sampling: "markov" or "iid".
        seeds: one a lane.
        iterate: after `start` iterations, lanes last.
        start, stop: int32, traced, so that every range shares one compilation.

    Returns:
        The iterate after `stop` iterations.
    """
    count = num_uniforms(game, sampling)
    keys = jax.vmap(lambda seed: seed_key(seed, _RUN_STREAM))(seeds)

    def run_block(carry):
        start_of_block, iterate = carry
        block = start_of_block // BLOCK
        uniforms = block_uniforms(keys, block, count)

        def one(iteration, iterate):
            drawn = jax.lax.dynamic_index_in_dim(uniforms, iteration - block * BLOCK, keepdims=False)
            return update(game, bounds, schedule.at(iteration), sampling, iterate, drawn)

        end = jnp.minimum(stop, (block + 1) * BLOCK)
        return end, jax.lax.fori_loop(start_of_block, end, one, iterate)

    return jax.lax.while_loop(lambda carry: carry[0] < stop, run_block, (start, iterate))[1]
