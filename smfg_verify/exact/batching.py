"""Factorisations under vmap, one after the other."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax

P = ParamSpec("P")
R = TypeVar("R")


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
