"""Moves that several games share."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def with_inertia(move: Float[Array, " n"], inertia: float | Array) -> Float[Array, " n"]:
    r"""The move with probability $1 - e$, a uniformly drawn state with probability $e$.

    Args:
        move: next-state probabilities, (n,).
        inertia: e in [0, 1].

    Returns:
        $(1 - e) \, move + e / n$, (n,).
    """
    return (1.0 - inertia) * move + inertia / move.shape[0]


def point_mass(state: Int[Array, "..."], num_states: int) -> Float[Array, "... n"]:
    """The law that puts all mass on a state (one row for each entry of `state`), in the default float type."""
    return (jnp.asarray(state)[..., None] == jnp.arange(num_states)).astype(float)
