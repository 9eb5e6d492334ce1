"""Tables of many runs side by side: reading and changing one row a run (lanes, on the last axis of every array)."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame

P = ParamSpec("P")
R = TypeVar("R")

# Above this many rows, XLA's serial scatter on a CPU beats a masked sweep over the table.
_MAX_MASKED_ROWS = 4096


def over_lanes(function: Callable[P, R]) -> Callable[P, R]:
    """A function of one run's arrays as a function of all runs'."""
    batched: Callable[P, R] = jax.vmap(function, in_axes=-1, out_axes=-1)

    def of_lanes(*arguments: P.args, **named: P.kwargs) -> R:
        if jax.tree.leaves(arguments)[0].shape[-1] != 1:
            return batched(*arguments, **named)
        alone = jax.tree.map(lambda array: array[..., 0], arguments)
        result: R = jax.tree.map(lambda array: jnp.asarray(array)[..., None], function(*alone, **named))
        return result

    return of_lanes


def observed(game: AbstractGame, state: Int[Array, "..."]) -> Int[Array, "..."]:
    """The leader's observation of each state."""
    observation = game.leader_observation
    if isinstance(observation, np.ndarray) and np.array_equal(observation, np.arange(game.num_states)):
        return state
    return jnp.asarray(observation)[state]


def rows(table: Float[Array, "n A lanes"], index: Int[Array, "chains lanes"]) -> Float[Array, "A chains lanes"]:
    """The row of each chain and lane."""
    if _alone(table):
        return jnp.stack([_row(table, chain) for chain in index], axis=1)
    shape = (table.shape[1], *index.shape)
    return jnp.take_along_axis(table[:, :, None], jnp.broadcast_to(index, shape)[None], axis=0, mode="clip")[0]


def entry(table: Float[Array, "n lanes"], index: Int[Array, "*chains lanes"]) -> Float[Array, "*chains lanes"]:
    """The entry of each lane, or of each chain and lane."""
    if _alone(table) and index.ndim == 1:
        return _row(table, index)
    spread = table.reshape(table.shape[0], *(1,) * (index.ndim - 1), table.shape[-1])
    return jnp.take_along_axis(spread, index[None], axis=0, mode="clip")[0]


def one_hot(index: Int[Array, " lanes"], like: Float[Array, "k lanes"]) -> Float[Array, "k lanes"]:
    """Columns with a one at each lane's index."""
    return (jnp.arange(like.shape[0])[:, None] == index).astype(like.dtype)


def add_to_row(
    table: Float[Array, "n *A lanes"], index: Int[Array, " lanes"], value: Float[Array, "*A lanes"]
) -> Float[Array, "n *A lanes"]:
    """The table with each lane's value added to the row of its index."""
    if _alone(table):
        return _with_row(table, index, _row(table, index) + value)
    if table.shape[0] > _MAX_MASKED_ROWS:
        return table.at[_places(table, index)].add(jnp.moveaxis(value, -1, 0))
    return jnp.where(_is_row(table, index), table + value, table)


def put_in_row(
    table: Float[Array, "n *A lanes"], index: Int[Array, " lanes"], value: Float[Array, "*A lanes"]
) -> Float[Array, "n *A lanes"]:
    """The table with each lane's value in place of the row of its index."""
    if _alone(table):
        return _with_row(table, index, value)
    if table.shape[0] > _MAX_MASKED_ROWS:
        return table.at[_places(table, index)].set(jnp.moveaxis(value, -1, 0))
    return jnp.where(_is_row(table, index), value, table)


def _places(table: Array, index: Int[Array, " lanes"]) -> tuple[Array | slice, ...]:
    return (index, *(slice(None),) * (table.ndim - 2), jnp.arange(table.shape[-1]))


def _is_row(table: Array, index: Int[Array, " lanes"]) -> Array:
    return jnp.arange(table.shape[0]).reshape(-1, *(1,) * (table.ndim - 1)) == index


def _alone(table: Array) -> bool:
    """Whether there is one lane: plain indexing then, which costs the same for any number of rows."""
    return bool(table.shape[-1] == 1)


def _row(table: Float[Array, "n *A lanes"], index: Int[Array, " lanes"]) -> Float[Array, "*A lanes"]:
    row: Float[Array, "*A lanes"] = jax.lax.dynamic_index_in_dim(table, index[0], 0, keepdims=False)
    return row


def _with_row(
    table: Float[Array, "n *A lanes"], index: Int[Array, " lanes"], row: Float[Array, "*A lanes"]
) -> Float[Array, "n *A lanes"]:
    result: Float[Array, "n *A lanes"] = jax.lax.dynamic_update_index_in_dim(table, row, index[0], 0)
    return result
