"""What belongs to one iterate on a large game: `exact.at_iterate` by sparse factors."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.at_iterate import AtIterate
from smfg_verify.exact.equilibrium.residual import value_scale
from smfg_verify.exact.follower import ACCEPTED, BestResponse
from smfg_verify.exact.sparse.local_moves import Local, leader_reward, local_problem
from smfg_verify.exact.sparse.newton import with_value
from smfg_verify.exact.sparse.places import Field, answer_of
from smfg_verify.exact.sparse.regret import Policy, problem_at
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import entropy

# What is left of the optimum's residual, for one of what is accepted.
_MARGIN = 0.01


def at_iterate(
    game: AbstractGame, leader: Float[AnyArray, "O B"], follower: Policy, field: Float[np.ndarray, "..."]
) -> AtIterate:
    """Solve at an iterate.

    Args:
        game: the game, prepared, with numbers.
        leader: phi(b | o), (O, B).
        follower: pi(a | s), (n, A).
        field: mean field, in its shape.

    Returns:
        The solutions.
    """
    local, flat = local_problem(game, leader), np.ravel(np.asarray(field, dtype=float))
    problem = problem_at(game, local, flat)
    optimum = _best_response(game, local, flat)
    value, own = np.asarray(optimum.value), problem.under(follower)
    reward = np.sum(follower * problem.reward, axis=1)
    by_entropy = float(game.temperature) * np.asarray(entropy(jnp.asarray(follower)))
    initial = np.asarray(game.initial_distribution, dtype=float)
    paid = np.asarray(leader_reward(game, local, jnp.asarray(follower), jnp.asarray(flat)))
    return AtIterate(
        optimum,
        quality=problem.ahead(value - np.mean(value)),
        occupancy=(1.0 - problem.discount) * own.solve(initial, transposed=True),
        follower_value=own.solve(reward + by_entropy),
        leader_value=own.solve(paid),
    )


def _best_response(game: AbstractGame, local: Local, field: Field) -> BestResponse:
    """The soft optimum with its true residual."""
    point = with_value(game, local, field, _MARGIN * ACCEPTED)
    found = answer_of(game, local, point)
    residual = np.max(np.abs(point.value - found.updated)) / value_scale(local.temperature, jnp.asarray(point.value))
    steps = jnp.asarray(0)  # not counted, and not read
    return BestResponse(jnp.asarray(found.policy), jnp.asarray(point.value), residual, residual <= ACCEPTED, steps)
