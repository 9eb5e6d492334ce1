"""Many points through one compiled batch of a fixed size."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

R = TypeVar("R")


@overload
def in_batches(function: Callable[..., Array], size: int, *arguments: Any) -> np.ndarray: ...
@overload
def in_batches(
    function: Callable[..., tuple[Array, Array]], size: int, *arguments: Any
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def in_batches(function: Callable[..., tuple[Array, ...]], size: int, *arguments: Any) -> tuple[np.ndarray, ...]: ...
@overload
def in_batches(function: Callable[..., R], size: int, *arguments: Any) -> R: ...


def in_batches(function: Callable[..., Any], size: int, *arguments: Any) -> Any:
    """Call a function on batches of exactly one size, so that it is compiled once whatever the number of points.

    The last batch is filled up with its last point.

    Args:
        function: of arrays or trees of arrays whose first axis counts the points; returns a tree of such arrays.
        size: points in a batch.
        *arguments: arrays or trees of arrays over all points; None stays None.

    Returns:
        The tree of results over all points, as NumPy arrays of their own; of no points, empty ones of their shapes.
    """
    number, size = len(jax.tree.leaves(arguments)[0]), max(1, size)
    if number == 0:
        batch = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((size, *leaf.shape[1:]), _dtype(leaf)), arguments)
        return jax.tree.map(lambda leaf: np.zeros((0, *leaf.shape[1:]), leaf.dtype), jax.eval_shape(function, *batch))
    rows = np.minimum(np.arange(-(-number // size) * size), number - 1).reshape(-1, size)
    parts = [function(*jax.tree.map(lambda leaf: jnp.asarray(leaf[row]), arguments)) for row in rows]  # noqa: B023
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves])[:number], *parts)


def _dtype(leaf: Any) -> np.dtype:
    """The type that a leaf has as a JAX array."""
    return jax.dtypes.canonicalize_dtype(leaf.dtype)
