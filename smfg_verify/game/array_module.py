"""One formula for arrays of JAX, inside a program, and of NumPy, outside: there each operation of JAX's compiles."""

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np


def array_module(*arrays: object) -> ModuleType:
    """`jax.numpy` if one of the arrays is JAX's or is being traced, else `numpy`, which compiles nothing.

    Args:
        *arrays: what a formula is about to be carried out on.

    Returns:
        The module whose functions to call.
    """
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np
