"""A game's three tables, and their slopes, at many mean fields at once; NaN stays NaN for the caller to count."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.batching import in_batches, points_at_once
from smfg_verify.exact.compiling import jit_for_game, table_entries
from smfg_verify.exact.kernel import Kernel, tabulate
from smfg_verify.game import AbstractGame, mean_field_shape

# Of Dirichlet laws: uniform, near the faces, in the middle of the simplex.
_CONCENTRATIONS = (1.0, 0.3, 10.0)
FUNCTIONS = ("transition", "follower_reward", "leader_reward")
# Entries of the tables of one batch (32 MiB of float64), and the largest batch.
_MAX_ENTRIES = 2**22
_LARGEST_BATCH = 64


def field_size(game: AbstractGame) -> int:
    """Number M of entries of the game's mean field."""
    return int(np.prod(mean_field_shape(game)))


def _at_once(entries: int) -> int:
    return points_at_once(entries, _LARGEST_BATCH, budget=_MAX_ENTRIES)


def tables_at(game: AbstractGame, fields: Float[ArrayLike, "F M"]) -> dict[str, Float[np.ndarray, "F ..."]]:
    """The three tables at each mean field.

    Args:
        game: the game, traced.
        fields: flat mean fields.

    Returns:
        By function of the game: (F, n, A, B, n) for "transition", (F, n, A, B) for the rewards.
    """
    entries = table_entries(game)
    kernel = in_batches(functools.partial(_tables, game), _at_once(entries), np.asarray(fields, dtype=float))
    return {name: getattr(kernel, name) for name in FUNCTIONS}


def slopes_at(game: AbstractGame, name: str, fields: Float[ArrayLike, "F M"]) -> Float[np.ndarray, "F M n A B ..."]:
    """Derivative of one table in each entry of the mean field, at each mean field.

    Only differences of columns say anything about the game: off the simplex its functions are an extension without
    meaning.
    """
    width = game.num_states if name == "transition" else 1
    entries = game.num_states * game.num_follower_actions * game.num_leader_actions * width * field_size(game)
    fields = np.asarray(fields, dtype=float)
    return in_batches(lambda part: _slopes(game, part, name), _at_once(entries), fields)


@jit_for_game
def _tables(game: AbstractGame, fields: jax.Array) -> Kernel:
    return jax.vmap(lambda field: tabulate(game, field.reshape(mean_field_shape(game))))(fields)


@jit_for_game
def _slopes(game: AbstractGame, fields: jax.Array, name: str) -> jax.Array:
    def table(field: Array) -> Array:
        result: Array = getattr(tabulate(game, field.reshape(mean_field_shape(game))), name)
        return result

    return jax.vmap(lambda field: jnp.moveaxis(jax.jacfwd(table)(field), -1, 0))(fields)


def random_fields(size: int, number: int, seed: int) -> Float[np.ndarray, "F M"]:
    """Mean fields from the middle of the simplex to near its faces: Dirichlet with concentrations 1, 0.3 and 10.

    Args:
        size: M.
        number: F, at least.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    third = -(-number // 3)
    return np.concatenate([generator.dirichlet(np.full(size, weight), third) for weight in _CONCENTRATIONS])
