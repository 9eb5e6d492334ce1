"""The functions of a game as tables: at every state and every action of both players."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax.interpreters import partial_eval
from jaxtyping import Array, Float

from smfg_verify.game.base import AbstractGame, Index

R = TypeVar("R")


def over_indices(game: AbstractGame, function: Callable[[Index, Index, Index], R]) -> R:
    """Evaluate a function of (state, follower action, leader action) at every triple, with `vmap`.

    Args:
        game: gives the three sizes.
        function: maps three scalar indices to an array of shape (...).

    Returns:
        (n, A, B, ...).

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import over_indices
        >>> game = games.load("two-road-toll")
        >>> over_indices(game, lambda s, a, b: s + 10 * a)[:, :, 0].tolist()
        [[0, 10], [1, 11]]
    """
    for axis in (2, 1, 0):
        function = jax.vmap(function, in_axes=tuple(0 if i == axis else None for i in range(3)))
    return function(
        jnp.arange(game.num_states), jnp.arange(game.num_follower_actions), jnp.arange(game.num_leader_actions)
    )


def dense_transition(
    game: AbstractGame, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
) -> Float[Array, " n"]:
    """Next-state probabilities over all n states, whether or not the game lists its successors.

    Args:
        game: the game.
        state, follower_action, leader_action: s, a and b, scalar integers.
        mean_field: m, (n,) or (n, A), the game's support.

    Returns:
        P(s' | s, a, b, m) of every s', (n,).

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.game import dense_transition
        >>> game = games.load("two-road-toll")
        >>> dense_transition(game, 0, 1, 0, jnp.array([0.5, 0.5])).round(3).tolist()
        [0.0, 1.0]
    """
    probabilities = jnp.asarray(game.transition(state, follower_action, leader_action, mean_field))
    successors = getattr(game, "successors", None)
    if successors is None:
        return probabilities
    targets = successors(state, follower_action, leader_action)
    return jnp.zeros((game.num_states,), probabilities.dtype).at[targets].add(probabilities)


def reads(function: Callable[[Array], Array], argument: Array) -> bool:
    """Whether a function's result can depend on its argument: not what a game declares, but what its program reads.

    Args:
        function: of an array, to an array.
        argument: any of that shape.

    Returns:
        False where the result is the same whatever the argument.
    """
    program = jax.make_jaxpr(function)(argument).jaxpr
    return any(partial_eval.dce_jaxpr(program, [True] * len(program.outvars))[1])
