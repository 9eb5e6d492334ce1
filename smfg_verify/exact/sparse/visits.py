"""How often a follower's policy visits each state of a large game: discounted, and in the long run."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.sparse.chain import chain_of, discounted, stationary_law
from smfg_verify.exact.sparse.local_moves import local_problem, weights_under
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray


class Visits(NamedTuple):
    """Visits under two policies at a mean field that is held.

    Attributes:
        occupancy: $(1 - \\gamma) \\rho^T (I - \\gamma P_\\pi)^{-1}$, (n,).
        stationary: the law that repeats itself, (n,); NaN where there are several, or it was not found.
    """

    occupancy: Float[np.ndarray, " n"]
    stationary: Float[np.ndarray, " n"]


def visits(
    game: AbstractGame,
    leader: Float[AnyArray, "O B"],
    follower: Float[AnyArray, "n A"],
    field: Float[np.ndarray, "..."],
) -> Visits:
    """Visits to each state by sparse factors.

    Args:
        game: the game, prepared, which lists its successors.
        leader: phi(b | o), (O, B).
        follower: pi(a | s), (n, A).
        field: mean field that moves may read, in its shape.

    Returns:
        Both kinds.
    """
    local = local_problem(game, leader)
    weights = weights_under(game, local, jnp.asarray(follower), jnp.asarray(np.ravel(field)))
    chain = chain_of(np.asarray(local.targets), np.asarray(weights))
    initial, discount = np.asarray(game.initial_distribution, dtype=float), float(game.discount)
    occupancy = (1.0 - discount) * discounted(chain, discount).solve(initial, transposed=True)
    law = stationary_law(chain, occupancy)
    unknown = np.full(game.num_states, np.nan)
    return Visits(occupancy, unknown if law is None else law.law)
