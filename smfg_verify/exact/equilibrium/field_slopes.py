r"""Slopes in the mean field of what each action is worth, and of the law under a policy that is held.

Both are sums over slopes of the game's functions. Where a row of the transition reads few numbers of the mean field,
these sums are products of matrices; elsewhere they are built one mean field entry after another.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.compiling import is_large, table_entries
from smfg_verify.exact.equilibrium.factored_slopes import Factors, factored
from smfg_verify.exact.kernel import follower_model_at
from smfg_verify.exact.population import chain
from smfg_verify.game import AbstractGame, dense_transition, mean_field_shape, over_indices
from smfg_verify.game.tables import reads

Rows = TypeVar("Rows")


@runtime_checkable
class AnswersChanges(Protocol):
    """What a change of the chain does to a law, see `stationary.LawResponse`."""

    def along(self, change: Float[Array, "n n"]) -> Float[Array, " n"]: ...

    def of_products(self, rows: Float[Array, "n K n"], weights: Float[Array, "n K M"]) -> Float[Array, "n M"]: ...


# Entries of the largest table of tangents that is built at once: what stays in a processor's cache.
_MAX_TANGENT_ENTRIES = 2**20
# Entries of the largest factors of slopes: half a GiB of float64.
_MAX_FACTOR_ENTRIES = 2**26


def slopes_in_field(
    game: AbstractGame,
    leader_rows: Float[Array, "n B"],
    field: Float[Array, " M"],
    value: Float[Array, " n"],
    policy: Float[Array, "n A"],
    response: AnswersChanges,
) -> tuple[Float[Array, "n A M"], Float[Array, "M M"] | Float[Array, ""]]:
    r"""$\partial Q / \partial m$ at a value that is held, and $\partial \nu / \partial m$ at a policy that is held.

    Args:
        game: the game.
        leader_rows: phi(b | s), (n, B).
        field: mean field, flattened.
        value: the follower's, (n,), in units of reward.
        policy: the follower's, (n, A).
        response: how the law answers to changes of the chain.

    Returns:
        The slopes; that of the law is the number zero where the transition does not read the mean field.
    """
    centred = value - jnp.mean(value)

    def held(field: Float[Array, " M"]) -> tuple[Float[Array, "n A"], Float[Array, "n n"]]:
        model = follower_model_at(game, leader_rows, field)
        return model.reward + game.discount * (model.transition @ centred), chain(policy, model.transition)

    if not reads(lambda field: follower_model_at(game, leader_rows, field).transition, field):
        _, push = jax.linearize(lambda field: follower_model_at(game, leader_rows, field).reward, field)
        entries = game.num_states * game.num_follower_actions * game.num_leader_actions
        return jnp.moveaxis(_columns(push, field.shape[0], entries), 0, -1), jnp.zeros(())
    factors = _factors(game, field)
    if factors is not None:
        return _products(game, leader_rows, field, centred, policy, response, factors)
    _, push = jax.linearize(held, field)

    def column(direction: Float[Array, " M"]) -> tuple[Float[Array, "n A"], Float[Array, " M"]]:
        quality, flow = push(direction)
        by_law = response.along(flow)
        return quality, by_law if game.mean_field_support == "states" else (by_law[:, None] * policy).ravel()

    quality, moved = _columns(column, field.shape[0], table_entries(game))
    return jnp.moveaxis(quality, 0, -1), moved.T


def _factors(game: AbstractGame, field: Float[Array, " M"]) -> Factors | None:
    """Slopes of the transition's rows in few numbers each, where those take less than the table of all slopes."""
    size, shape = field.shape[0], mean_field_shape(game)
    each = game.num_states + size
    most = min(
        (game.num_states * size - 1) // each, _MAX_FACTOR_ENTRIES * game.num_states // (table_entries(game) * each)
    )
    if not is_large(game) or most < 1:
        return None

    def row(s: Array, a: Array, b: Array) -> Factors | None:
        return factored(lambda field: dense_transition(game, s, a, b, field.reshape(shape)), field, most)

    return over_indices(game, row)


def _products(
    game: AbstractGame,
    leader_rows: Float[Array, "n B"],
    field: Float[Array, " M"],
    centred: Float[Array, " n"],
    policy: Float[Array, "n A"],
    response: AnswersChanges,
    factors: Factors,
) -> tuple[Float[Array, "n A M"], Float[Array, "M M"]]:
    """The slopes by products of matrices; of rewards too, one number each."""
    n, size, shape = game.num_states, field.shape[0], mean_field_shape(game)

    def reward_slope(s: Array, a: Array, b: Array) -> Float[Array, " M"]:
        # One number, so that one number stands between.
        found = factored(lambda field: jnp.reshape(game.follower_reward(s, a, b, field.reshape(shape)), 1), field, 1)
        assert found is not None
        return (found.right @ found.left)[0]

    rewards = over_indices(game, reward_slope)
    worth = game.discount * jnp.einsum("sabtk,t->sabk", factors.right, centred)
    by_moves = jnp.einsum("sb,sabk,sabkm->sam", leader_rows, worth, factors.left)
    quality = jnp.einsum("sb,sabm->sam", leader_rows, rewards) + by_moves
    weighted = jnp.einsum("sa,sb,sabtk->sabkt", policy, leader_rows, factors.right)
    moved = response.of_products(weighted.reshape(n, -1, n), factors.left.reshape(n, -1, size))
    if game.mean_field_support == "state_actions":
        moved = (moved[:, None] * policy[:, :, None]).reshape(policy.size, -1)
    return quality, moved


def _columns(column: Callable[[Array], Rows], size: int, entries: int) -> Rows:
    """A linear function of mean fields at each basis vector, which the first axis counts, in slices that bound memory.

    Args:
        column: the function; its values may be trees of arrays.
        size: M.
        entries: of the table that one call builds.
    """
    basis, batch = jnp.eye(size), max(1, _MAX_TANGENT_ENTRIES // entries)
    result: Rows = jax.vmap(column)(basis) if batch >= size else jax.lax.map(column, basis, batch_size=batch)
    return result
