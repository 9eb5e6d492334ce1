"""The functions of a large game, some states at a time: their grain, and their slopes against differences."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.exact.compiling import jit
from smfg_verify.exact.gradient.grain import grain_of
from smfg_verify.exact.gradient.one_sided_slopes import FUNCTIONS, SlopeComparison, compare_slopes
from smfg_verify.exact.kernel import Kernel
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.checks.differences import SlopeStatus
from smfg_verify.game.compiling import OPTIMISED

# Entries of the three tables that are looked at together; about forty such tables are held.
_MAX_ENTRIES = 2**20


class LocalSlopes(NamedTuple):
    """What was seen of a game's functions around a mean field.

    Attributes:
        slopes: the worst disagreement with differences; of a transition the last index is the next state's.
        leader_grain: roundings within the leader's reward beyond common ones, worst of the actions, (n,).
        hidden: whether a function is flat where its slope is not.
    """

    slopes: SlopeComparison
    leader_grain: Float[np.ndarray, " n"]
    hidden: bool


def local_slopes(
    game: AbstractGame,
    targets: Int[np.ndarray, "n a b k"],
    field: Float[np.ndarray, " M"],
    directions: Float[np.ndarray, "D M"],
    error: float,
) -> LocalSlopes:
    """`compare_slopes` and `grain_of` at all states, in blocks that bound memory.

    Args:
        game: the game, prepared.
        targets: its moves.
        field: mean field, flattened.
        directions: tangents of the simplex.
        error: of the mean field, in mass.

    Returns:
        What was seen.
    """
    n, per_state = game.num_states, game.num_follower_actions * game.num_leader_actions * (targets.shape[3] + 2)
    width = min(n, max(1, _MAX_ENTRIES // per_state))
    worst, grains, hidden, largest = None, [], False, -1.0
    here, along, mass = jnp.asarray(field), jnp.asarray(directions), jnp.asarray(error)
    for first in range(0, n, width):
        # The last block is filled up with the last state, so that one program serves.
        states = np.minimum(np.arange(first, first + width), n - 1)
        found, grain, flat = _block(game, jnp.asarray(states), here, along, mass)
        rank = _rank(found)
        if worst is None or rank > largest:
            worst, largest = _placed(found, targets, states), rank
        grains.append(np.asarray(grain))
        hidden |= bool(flat)
    assert worst is not None
    return LocalSlopes(worst, np.concatenate(grains)[:n], hidden)


@jit(OPTIMISED)
def _block(
    game: AbstractGame, states: Array, field: Array, directions: Array, error: Array
) -> tuple[SlopeComparison, Array, Array]:
    def tables(field: Array) -> Kernel:
        shaped = field.reshape(mean_field_shape(game))
        followers, leaders = jnp.arange(game.num_follower_actions), jnp.arange(game.num_leader_actions)

        def entry(s: Array, a: Array, b: Array) -> Kernel:
            at = (s, a, b, shaped)
            rewards = (jnp.asarray(game.follower_reward(*at)), jnp.asarray(game.leader_reward(*at)))
            return Kernel(jnp.asarray(game.transition(*at)), *rewards)

        by_leader = jax.vmap(entry, (None, None, 0))
        result: Kernel = jax.vmap(jax.vmap(by_leader, (None, 0, None)), (0, None, None))(states, followers, leaders)
        return result

    grain = grain_of(game, field, tables)
    slopes = compare_slopes(game, field, directions, error, tables)
    return slopes, jnp.max(grain.size.leader_reward, axis=(1, 2)), grain.hidden


def _rank(found: SlopeComparison) -> float:
    """A wrong slope before one that could not be compared, before agreement; of wrong ones the larger miss."""
    status = int(found.status)
    if status == SlopeStatus.AGREES:
        return 0.0
    if status == SlopeStatus.UNKNOWN:
        return 0.5
    miss = max(abs(float(side) - float(found.derivative)) for side in (found.forward, found.backward))
    return 1.0 + (miss if np.isfinite(miss) else np.inf)


def _placed(found: SlopeComparison, targets: np.ndarray, states: np.ndarray) -> SlopeComparison:
    """With the state's number in the game, and the next state's in place of its number among the successors."""
    row, follower, leader, listed = (int(index) for index in found.entry)
    state = int(states[row])
    _, followers, leaders, _ = targets.shape
    following = int(targets[state, min(follower, followers - 1), min(leader, leaders - 1), listed])
    is_row = FUNCTIONS[int(found.function)] == "transition"
    entry = jnp.asarray([state, follower, leader, following if is_row else 0])
    result: SlopeComparison = eqx.tree_at(lambda s: s.entry, found, entry)
    return result
