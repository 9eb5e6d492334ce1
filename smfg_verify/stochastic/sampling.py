"""Sampling a game: inverse-CDF draws on a single uniform, and the next state out of the game's own transition."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame


def sample_index(probabilities: Float[Array, " k *batch"], uniform: Float[Array, "*batch"]) -> Int[Array, "*batch"]:
    r"""Draw indices by inverse CDF, $\min\{j : F_j > u F_k\}$ with $F_j = \sum_{i \le j} p_i$.

    Weights need not sum to one exactly: the uniform is scaled by their computed sum. The product rounds to less than
    the sum for every float u < 1, so an index past the last positive weight is never drawn.

    Args:
        probabilities: weights along the leading axis, (k, ...), non-negative, of positive sum.
        uniform: in [0, 1), (...).

    Returns:
        Indices in 0..k-1, (...), int32.

    Source: inversion of the distribution function, textbook; the scaling by the computed sum is ours.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.stochastic import sample_index
        >>> [int(sample_index(jnp.array([0.2, 0.3, 0.5]), jnp.array(u))) for u in (0.1, 0.3, 0.9)]
        [0, 1, 2]
    """
    cumulative = jnp.cumsum(probabilities, axis=0)
    return jnp.sum(cumulative <= uniform * cumulative[-1], axis=0, dtype=jnp.int32)


def sample_cumulative(cumulative: Float[Array, " k"], uniform: Float[Array, "*batch"]) -> Int[Array, "*batch"]:
    r"""`sample_index` of weights whose sums $F_j$ are at hand, in $\log k$ steps.

    Args:
        cumulative: F, increasing, (k,).
        uniform: in [0, 1), (...).

    Returns:
        Indices in 0..k-1, (...), int32.
    """
    return jnp.searchsorted(cumulative, uniform * cumulative[-1], side="right").astype(jnp.int32)


def sample_transition(
    game: AbstractGame,
    uniform: Float[Array, ""],
    state: Int[Array, ""],
    follower_action: Int[Array, ""],
    leader_action: Int[Array, ""],
    mean_field: Float[Array, "..."],
) -> Int[Array, ""]:
    r"""One next state $s' \sim P(\cdot | s, a, b, \mu)$ by inverse CDF on a single uniform.

    The probabilities come from `game.transition`, the very function that the exact side tabulates; a game of local
    moves costs O(number of successors).

    Args:
        game: the game.
        uniform: one draw, uniform in [0, 1).
        state, follower_action, leader_action: s, a and b, scalars.
        mean_field: mu, (n,) or (n, A), the game's support.

    Returns:
        The next state, scalar int32.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import sample_transition
        >>> zero, one = jnp.array(0), jnp.array(1)
        >>> game, law = games.load("two-road-toll"), jnp.array([0.5, 0.5])
        >>> int(sample_transition(game, jnp.array(0.5), zero, one, zero, law))  # the chosen road
        1
    """
    row = game.transition(state, follower_action, leader_action, mean_field)
    return sample_row(game, row, uniform, state, follower_action, leader_action)


def sample_row(
    game: AbstractGame,
    row: Float[Array, " k"],
    uniform: Float[Array, ""],
    state: Int[Array, ""],
    follower_action: Int[Array, ""],
    leader_action: Int[Array, ""],
) -> Int[Array, ""]:
    """One next state out of a row that `game.transition` gave: `sample_transition` for many draws from few rows.

    Args:
        game: says what states the row's entries stand for.
        row: probabilities, (n,), or (k,) over the game's successors.
        uniform: one draw, uniform in [0, 1).
        state, follower_action, leader_action: s, a and b, scalars, that the row belongs to.

    Returns:
        The next state, scalar int32.
    """
    drawn = sample_index(row, uniform)
    successors = getattr(game, "successors", None)
    if successors is None:
        return drawn
    return jnp.asarray(successors(state, follower_action, leader_action))[drawn].astype(jnp.int32)
