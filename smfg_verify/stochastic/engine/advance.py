"""Many iterations of a method in one compiled call, with random numbers that depend on seed and iteration only."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, UInt

from smfg_verify.game import AbstractGame, compiled_for_game
from smfg_verify.stochastic.method import Carry, Method
from smfg_verify.stochastic.value_bounds import ValueBounds

# Runs that one compiled call advances side by side. The width is the same whatever the number of seeds, so that a
# seed's bits do not depend on its company and another number of seeds does not recompile. Two groups of 32 on two
# threads take 0.55 of the time of one group of 64, which XLA runs on one.
LANES = 32

# Iterations whose uniforms are drawn together: drawn one by one they cost as much as an update of AC-SMFG itself, and
# longer blocks leave the cache. A method of many uniforms gets fewer iterations, but the same ones in every call.
BLOCK = 128
_UNIFORMS_A_BLOCK = 8192

_INITIAL_STREAM, _RUN_STREAM = 0, 1


def seed_key(seed: UInt[Array, ""], stream: int) -> Key[Array, ""]:
    """JAX key of one seed and one stream of random numbers."""
    return jax.random.fold_in(jax.random.key(seed), stream)


def seed_uniforms(seeds: UInt[Array, " lanes"]) -> Float[Array, "2 lanes"]:
    """Two uniforms a seed, for the first states of its two chains."""
    return jax.vmap(lambda seed: jax.random.uniform(seed_key(seed, _INITIAL_STREAM), (2,)), out_axes=-1)(seeds)


def block_length(count: int) -> int:
    """Iterations a block, where an iteration uses `count` uniforms; part of what a seed's random numbers are."""
    return max(1, min(BLOCK, _UNIFORMS_A_BLOCK // max(count, 1)))


def block_uniforms(keys: Key[Array, " lanes"], block: Int[Array, ""], count: int) -> Float[Array, "block count lanes"]:
    """Uniforms of iterations block * length, ..., (block + 1) * length - 1, with length = block_length(count).

    Args:
        keys: of the runs' streams, one a lane.
        block: which block of iterations, counted from iteration 0 of the run.
        count: uniforms an iteration.

    Returns:
        (length, count, lanes), in [0, 1).
    """
    length = block_length(count)

    def draw(key: Array) -> Array:
        return jax.random.uniform(jax.random.fold_in(key, block), (length * count,))

    return jax.vmap(draw, out_axes=-1)(keys).reshape(length, count, keys.shape[0])


@compiled_for_game
def advance(
    game: AbstractGame,
    bounds: ValueBounds,
    method: Method,
    seeds: UInt[Array, " lanes"],
    carry: Carry,
    start: Int[Array, ""],
    stop: Int[Array, ""],
) -> Carry:
    """Run iterations start, ..., stop - 1. Any split of a range into calls gives the same bits.

    Args:
        game: the game, with traced leaves.
        bounds: boxes that the critics are projected to.
        method: what one iteration does.
        seeds: one a lane.
        carry: after `start` iterations, lanes last.
        start, stop: int32, traced, so that every range shares one compilation.

    Returns:
        The carry after `stop` iterations.
    """
    count = method.num_uniforms(game)
    length = block_length(count)
    keys = jax.vmap(lambda seed: seed_key(seed, _RUN_STREAM))(seeds)

    def run_block(position: tuple[Array, Carry]) -> tuple[Array, Carry]:
        start_of_block, carry = position
        block = start_of_block // length
        uniforms = block_uniforms(keys, block, count)

        def one(iteration: Array, carry: Carry) -> Carry:
            drawn = jax.lax.dynamic_index_in_dim(uniforms, iteration - block * length, keepdims=False)
            return method.step(game, bounds, iteration, carry, drawn)

        end = jnp.minimum(stop, (block + 1) * length)
        return end, jax.lax.fori_loop(start_of_block, end, one, carry)

    return jax.lax.while_loop(lambda position: position[0] < stop, run_block, (start, carry))[1]


def advance_on_thread(
    game: AbstractGame,
    bounds: ValueBounds,
    method: Method,
    seeds: UInt[Array, " lanes"],
    carry: Carry,
    start: int,
    stop: int,
    *,
    float64: bool,
) -> Carry:
    """`advance`, waited for, on any thread: a precision set by a context manager does not reach other threads.

    Args:
        game, bounds, method, seeds, carry, start, stop: as in `advance`.
        float64: the precision of the thread that asks.

    Returns:
        The carry after `stop` iterations.
    """
    span = (jnp.asarray(start, jnp.int32), jnp.asarray(stop, jnp.int32))
    with jax.enable_x64(float64):
        result: Carry = jax.block_until_ready(advance(game, bounds, method, seeds, carry, *span))
        return result
