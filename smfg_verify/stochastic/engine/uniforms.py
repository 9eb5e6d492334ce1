"""Random numbers of a run, which depend on its seed and the iteration only."""

import jax
from jaxtyping import Array, Float, Int, Key, UInt

# Iterations whose uniforms are drawn together: drawn one by one they cost as much as an update of AC-SMFG itself, and
# longer blocks leave the cache. A method of many uniforms gets fewer iterations, but the same ones in every call.
BLOCK = 128
_UNIFORMS_A_BLOCK = 8192

_INITIAL_STREAM, _RUN_STREAM = 0, 1


def seed_key(seed: UInt[Array, ""], stream: int) -> Key[Array, ""]:
    """JAX key of one seed and one stream of random numbers."""
    return jax.random.fold_in(jax.random.key(seed), stream)


def run_keys(seeds: UInt[Array, " lanes"]) -> Key[Array, " lanes"]:
    """Keys of the streams that the iterations of each run draw from."""
    return jax.vmap(lambda seed: seed_key(seed, _RUN_STREAM))(seeds)


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
