"""float64 is required where numbers are certified; it is checked, never switched on by the package."""

import jax
import jax.numpy as jnp

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame

# Stands for zero in a divisor or a logarithm: near the least float, far below any number of a game.
TINY = 1e-300


def require_float64(game: AbstractGame | None) -> None:
    """Refuse to compute exact quantities in single precision.

    Args:
        game: its floating leaves must be float64; None where there is none yet.

    Raises:
        ValueError: float64 is off, or the game was built while it was off.
    """
    if jnp.result_type(float) != jnp.float64:
        raise InputError(
            "precision: JAX is in float32, exact quantities need float64; add "
            "`jax.config.update('jax_enable_x64', True)` right after `import jax`, before any game is built."
        )
    for leaf in jax.tree.leaves(game):
        dtype = getattr(leaf, "dtype", None)
        if dtype is not None and jnp.issubdtype(dtype, jnp.floating) and dtype != jnp.float64:
            raise InputError(
                f"precision: got a game with a parameter of type {dtype}, expected float64; build the game after "
                "`jax.config.update('jax_enable_x64', True)`."
            )
