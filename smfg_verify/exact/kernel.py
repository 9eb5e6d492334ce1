"""A game tabulated at one mean field, and averaged over the leader's policy."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import table_entries
from smfg_verify.game import AbstractGame, compiled_for_game, dense_transition, mean_field_shape, over_indices
from smfg_verify.records.portable import Portable


class Kernel(Portable, eqx.Module):
    """The three functions of a game at one mean field.

    Attributes:
        transition: P(s' | s, a, b, m), (n, A, B, n).
        follower_reward: r_f(s, a, b, m), (n, A, B).
        leader_reward: r_l(s, a, b, m), (n, A, B).

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games, tabulate
        >>> kernel = tabulate(games.load("laffer-tax"), jnp.array([0.5, 0.5]))
        >>> kernel.leader_reward.shape, kernel.leader_reward[:, 0, 1].round(3).tolist()
        ((2, 2, 2), [0.5, 0.5])
    """

    transition: Float[Array, "n A B n"]
    follower_reward: Float[Array, "n A B"]
    leader_reward: Float[Array, "n A B"]


class FollowerModel(Portable, eqx.Module):
    """What one follower faces once the leader's policy and the mean field are fixed.

    Attributes:
        transition: sum_b phi(b|s) P(s' | s, a, b, m), (n, A, n).
        reward: sum_b phi(b|s) r_f(s, a, b, m), (n, A).
        leader_reward: sum_b phi(b|s) r_l(s, a, b, m), (n, A).
    """

    transition: Float[Array, "n A n"]
    reward: Float[Array, "n A"]
    leader_reward: Float[Array, "n A"]


# Of a transition: 2 GiB of float64, of which what works on it holds several.
_MAX_ENTRIES = 2**28


def has_table(game: AbstractGame) -> bool:
    """Whether the transition fits as a dense table."""
    return table_entries(game) <= _MAX_ENTRIES


def require_table(game: AbstractGame) -> None:
    """Refuse what needs the transition as a dense table where that is too large.

    Raises:
        ValueError: it has more than 2^28 entries.
    """
    entries = table_entries(game)
    if not has_table(game):
        raise InputError(
            f"game: its transition has {entries:.3g} entries as a dense table, expected at most {_MAX_ENTRIES:.3g}: "
            "what needs that table does not reach games of this size. Equilibrium, gradient and ascent of a game that "
            "lists its `successors` do not need it; AC-SMFG and simulate_population sample it."
        )


# Compiled on its own, so that the many programs around it trace a game's functions once for each shape.
@compiled_for_game
def tabulate(game: AbstractGame, mean_field: Float[Array, "..."]) -> Kernel:
    """Tabulate a game's three functions over all (state, follower action, leader action) at one mean field.

    Args:
        game: the game.
        mean_field: (n,) or (n, A), the game's support.

    Returns:
        The dense tables; local moves (`successors`) are scattered to all n states.

    Raises:
        ValueError: a transition of more than 2^28 entries, which sampled methods can do without.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games, tabulate
        >>> game = games.load("laffer-tax")
        >>> kernel = tabulate(game, jnp.array([0.5, 0.5]))
        >>> kernel.transition.shape, bool(jnp.allclose(kernel.transition.sum(axis=-1), 1.0))
        ((2, 2, 2, 2), True)
    """
    require_table(game)
    return Kernel(
        transition=over_indices(game, lambda s, a, b: dense_transition(game, s, a, b, mean_field)),
        follower_reward=over_indices(game, lambda s, a, b: jnp.asarray(game.follower_reward(s, a, b, mean_field))),
        leader_reward=over_indices(game, lambda s, a, b: jnp.asarray(game.leader_reward(s, a, b, mean_field))),
    )


def centred(kernel: Kernel) -> tuple[Kernel, Float[Array, ""], Float[Array, ""]]:
    """The follower's rewards less the middle of their range, so that their average is rounded by no more than that.

    Args:
        kernel: the tabulated game.

    Returns:
        The kernel with such rewards, the middle, and the largest of the rewards, in modulus.
    """
    highest, lowest = jnp.max(kernel.follower_reward), jnp.min(kernel.follower_reward)
    middle = 0.5 * highest + 0.5 * lowest
    moved = kernel.follower_reward - middle
    return replace(kernel, follower_reward=moved), middle, jnp.max(jnp.abs(moved))


def follower_model_at(game: AbstractGame, leader_rows: Float[Array, "n B"], field: Float[Array, " M"]) -> FollowerModel:
    """The follower's problem at a flattened mean field, see `follower_model`."""
    return follower_model(tabulate(game, field.reshape(mean_field_shape(game))), leader_rows)


def follower_model(kernel: Kernel, leader_rows: Float[Array, "n B"]) -> FollowerModel:
    """Average a tabulated game over the leader's policy, one row a state.

    Args:
        kernel: the tabulated game.
        leader_rows: phi(b | s), (n, B).

    Returns:
        The follower's decision problem and the leader's reward in it.
    """
    return FollowerModel(
        transition=jnp.einsum("sb,sabt->sat", leader_rows, kernel.transition),
        reward=jnp.einsum("sb,sab->sa", leader_rows, kernel.follower_reward),
        leader_reward=jnp.einsum("sb,sab->sa", leader_rows, kernel.leader_reward),
    )
