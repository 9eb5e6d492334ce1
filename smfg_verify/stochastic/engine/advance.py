"""Many iterations of a method in one compiled call."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, UInt

from smfg_verify.game import AbstractGame, compiled_for_game
from smfg_verify.stochastic.engine.one_loop import OPTIONS, as_one_loop, fits_one_loop
from smfg_verify.stochastic.engine.uniforms import block_length, block_uniforms, run_keys
from smfg_verify.stochastic.method import Carry, Method
from smfg_verify.stochastic.value_bounds import ValueBounds


def goes_in_turn(game: AbstractGame, bounds: ValueBounds, method: Method, carry: Carry) -> bool:
    """Whether the runs of a group go one after another, each in one loop of the machine, and not side by side.

    The first is faster by far where it can be had, and costs nothing for lanes that no seed fills. It is told from the
    game and the method, so that a seed's bits do not depend on its company.

    Args:
        game, bounds, method: as in `advance_in_turn`.
        carry: of any group.

    Returns:
        Whether `advance_in_turn` may be called.
    """
    leaves, structure = jax.tree.flatten((game, bounds, method, carry))
    shapes = tuple(jax.ShapeDtypeStruct(jnp.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    return _fits_one_loop(structure, shapes, str(jnp.result_type(float)))


@functools.lru_cache(maxsize=64)
def _fits_one_loop(structure: jax.tree_util.PyTreeDef, shapes: tuple[jax.ShapeDtypeStruct, ...], floats: str) -> bool:
    """`goes_in_turn` of everything that has this structure, the digest of the game's functions included.

    The step is traced for it, which takes as long as 10^5 iterations of a small game: once, not once a run.
    """

    def step(leaves: tuple[Array, ...], iteration: Array, uniforms: Array) -> Carry:
        game, bounds, method, carry = jax.tree.unflatten(structure, leaves)
        alone = _lane(carry, iteration)
        after: Carry = method.at_lane(iteration).step(game, bounds, iteration, alone, uniforms)
        return after

    game, _, method, _ = jax.tree.unflatten(structure, shapes)
    uniforms = jax.ShapeDtypeStruct((method.num_uniforms(game), 1), jnp.dtype(floats))
    return fits_one_loop(step, shapes, jax.ShapeDtypeStruct((), jnp.int32), uniforms)


@compiled_for_game
def advance_side_by_side(
    game: AbstractGame,
    bounds: ValueBounds,
    method: Method,
    seeds: UInt[Array, " lanes"],
    carry: Carry,
    start: Int[Array, ""],
    stop: Int[Array, ""],
) -> Carry:
    """Run iterations start, ..., stop - 1 of all lanes. Any split of a range into calls gives the same bits.

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
    return _iterations(game, bounds, method, seeds, carry, start, stop)


@functools.partial(compiled_for_game, compiler_options=OPTIONS)
def advance_in_turn(
    game: AbstractGame,
    bounds: ValueBounds,
    method: Method,
    seeds: UInt[Array, " lanes"],
    carry: Carry,
    start: Int[Array, ""],
    stop: Int[Array, ""],
    count: Int[Array, ""],
) -> Carry:
    """The same for lanes one after another, where `goes_in_turn`.

    Args:
        game, bounds, method, seeds, carry, start, stop: as in `advance_side_by_side`.
        count: lanes to advance, the first ones; the others stay as they are.

    Returns:
        The carry after `stop` iterations.
    """
    arrays, others = eqx.partition((game, bounds, method), eqx.is_array)

    def one(arrays: object, lane: Array, seed: Array, carry: Carry, start: Array, stop: Array) -> Carry:
        game, bounds, method = eqx.combine(arrays, others)
        return _iterations(game, bounds, method.at_lane(lane), seed, carry, start, stop)

    def run(lane: Array, carry: Carry) -> Carry:
        done = as_one_loop(one)(arrays, lane, seeds[lane][None], _lane(carry, lane), start, stop)
        after: Carry = jax.tree.map(
            lambda lanes, alone: jax.lax.dynamic_update_slice_in_dim(lanes, alone, lane, -1), carry, done
        )
        return after

    advanced: Carry = jax.lax.fori_loop(0, count, run, carry)
    return advanced


def _lane(carry: Carry, lane: Int[Array, ""]) -> Carry:
    alone: Carry = jax.tree.map(lambda array: jax.lax.dynamic_slice_in_dim(array, lane, 1, -1), carry)
    return alone


def _iterations(
    game: AbstractGame,
    bounds: ValueBounds,
    method: Method,
    seeds: UInt[Array, " lanes"],
    carry: Carry,
    start: Int[Array, ""],
    stop: Int[Array, ""],
) -> Carry:
    count = method.num_uniforms(game)
    length = block_length(count)
    keys, step = run_keys(seeds), method.stepper(game, bounds)

    def run_block(position: tuple[Array, Carry]) -> tuple[Array, Carry]:
        start_of_block, carry = position
        block = start_of_block // length
        uniforms = block_uniforms(keys, block, count)

        def one(iteration: Array, carry: Carry) -> Carry:
            drawn = jax.lax.dynamic_index_in_dim(uniforms, iteration - block * length, keepdims=False)
            return step(iteration, carry, drawn)

        end = jnp.minimum(stop, (block + 1) * length)
        return end, jax.lax.fori_loop(start_of_block, end, one, carry)

    done: Carry = jax.lax.while_loop(lambda position: position[0] < stop, run_block, (start, carry))[1]
    return done


def advance_on_thread(
    game: AbstractGame,
    bounds: ValueBounds,
    method: Method,
    seeds: UInt[Array, " lanes"],
    carry: Carry,
    start: int,
    stop: int,
    count: int,
    *,
    in_turn: bool,
    float64: bool,
) -> Carry:
    """Advance a group and wait for it, on any thread: a precision set by a context manager does not reach others.

    Args:
        game, bounds, method, seeds, carry, start, stop, count: as in `advance_in_turn`.
        in_turn: whether the lanes go one after another.
        float64: the precision of the thread that asks.

    Returns:
        The carry after `stop` iterations.
    """
    begun, ended, lanes = (jnp.asarray(number, jnp.int32) for number in (start, stop, count))
    with jax.enable_x64(float64):
        if in_turn:
            advanced = advance_in_turn(game, bounds, method, seeds, carry, begun, ended, lanes)
        else:
            advanced = advance_side_by_side(game, bounds, method, seeds, carry, begun, ended)
        result: Carry = jax.block_until_ready(advanced)
        return result
