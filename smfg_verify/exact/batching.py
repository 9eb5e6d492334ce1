"""Many points at once: how many fit in memory, one compiled shape for any number, factorisations one by one."""

import itertools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, overload

import jax
import numpy as np
from jaxtyping import Array, Int

from smfg_verify.exact.compiling import tangent_entries
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray
from smfg_verify.watching import far

P = ParamSpec("P")
R = TypeVar("R")

# Entries of the tables that one batch of points builds at once: 128 MiB of float64, a small part of any machine's
# memory and more than its caches, so that a larger batch is no faster.
MAX_ENTRIES = 2**24
# Leaders in a batch whatever their game: a program takes all of a batch though only one point is asked for.
_LARGEST_BATCH = 32


def points_at_once(entries: int, most: int, *, budget: int = MAX_ENTRIES) -> int:
    """Points in a batch: as many as keep its tables within a budget, and one at least.

    Args:
        entries: of the tables that one point builds.
        most: points in a batch, at most.
        budget: entries of the tables of all points of a batch.

    Returns:
        Between 1 and `most`.
    """
    return int(np.clip(budget // entries, 1, most))


def batch_size(game: AbstractGame, most: int = _LARGEST_BATCH) -> int:
    """Leaders evaluated at once: as many as keep the tables of tangents within the budget.

    Args:
        game: tells the size of the transition's table of derivatives.
        most: leaders in a batch, at most.

    Returns:
        Between 1 and `most`.
    """
    return points_at_once(tangent_entries(game), most)


@overload
def in_batches(function: Callable[..., Array], size: int, *arguments: object) -> np.ndarray: ...
@overload
def in_batches(
    function: Callable[..., tuple[Array, Array]], size: int, *arguments: object
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def in_batches(function: Callable[..., tuple[Array, ...]], size: int, *arguments: object) -> tuple[np.ndarray, ...]: ...
@overload
def in_batches(function: Callable[..., R], size: int, *arguments: object) -> R: ...


def in_batches(function: Callable[..., object], size: int, *arguments: object) -> object:
    """Call a function on batches of exactly one size, so that it is compiled once whatever the number of points.

    The last batch is filled up with its last point.

    Args:
        function: of arrays or trees of arrays whose first axis counts the points; returns a tree of such arrays.
        size: points in a batch.
        *arguments: arrays or trees of arrays over all points; None stays None.

    Returns:
        The tree of results over all points, as NumPy arrays of their own; of no points, empty ones of their shapes.
    """
    # Of NumPy: rows of JAX's arrays are taken by programs, one for each shape.
    arguments = jax.tree.map(np.asarray, arguments)
    number, size = len(jax.tree.leaves(arguments)[0]), max(1, size)
    if number == 0:
        batch = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((size, *leaf.shape[1:]), _dtype(leaf)), arguments)
        return jax.tree.map(lambda leaf: np.zeros((0, *leaf.shape[1:]), leaf.dtype), jax.eval_shape(function, *batch))
    rows = np.minimum(np.arange(-(-number // size) * size), number - 1).reshape(-1, size)

    def call(k: int, row: Int[np.ndarray, " size"]) -> object:
        found = function(*jax.tree.map(lambda leaf: jax.device_put(leaf[row]), arguments))
        # Waited for, or JAX would start the next batches and their tables beside this one.
        result = jax.tree.map(np.asarray, found)
        far(k + 1, len(rows))
        return result

    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:number], *itertools.starmap(call, enumerate(rows)))


def _dtype(leaf: AnyArray) -> np.dtype:
    """The type that a leaf has as a JAX array."""
    return jax.dtypes.canonicalize_dtype(leaf.dtype)


def one_at_a_time(function: Callable[P, R]) -> Callable[P, R]:
    """Make `vmap` of a function a loop over single calls.

    jaxlib splits a batched LAPACK call of more than about 2e5 operations over XLA's thread pool and waits for the
    parts inside that pool; as many such calls at once as the pool has threads then wait for ever (jaxlib 0.10.2 on
    2 cores, 256 systems of 10 unknowns). Single calls are never split, and for the small systems of a game the loop
    costs no more than the batch.

    Args:
        function: of arrays or trees of arrays, by position.

    Returns:
        The same function, safe under `vmap`.
    """
    result: Callable[P, R] = jax.custom_batching.sequential_vmap(function)
    return result
