"""The leader's objective: at arbitrary policies and mean field, and at the equilibrium of a policy of its own."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.solve import (
    checked_start,
    compiled_equilibrium,
    prepare,
    raise_unless_converged,
)
from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.exact.sparse.equilibrium import sparse_equilibrium
from smfg_verify.exact.sparse.gradient import objective_of
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Numerical
from smfg_verify.policies import entropy, observed_rows, softmax_policy


def leader_value(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    follower_rows: Float[Array, "n A"],
    mean_field: Float[Array, "..."],
    bonus: Float[Array, " n"] | float = 0.0,
) -> Float[Array, " n"]:
    """The leader's value V_l of arbitrary policies at an arbitrary mean field, (n,).

    Args:
        game: the game.
        leader_policy: phi(b | o), (O, B).
        follower_rows: pi(a | s), (n, A).
        mean_field: (n,) or (n, A).
        bonus: further reward of the leader in each state.

    Returns:
        V_l, in units of the leader's reward.
    """
    rows = observed_rows(leader_policy, game.leader_observation)
    model = follower_model(tabulate(game, mean_field), rows)
    by_state = game.leader_temperature * entropy(rows) + bonus
    as_rewarded = FollowerModel(model.transition, model.leader_reward + by_state[:, None], model.leader_reward)
    return policy_value(as_rewarded, follower_rows, game.discount, jnp.zeros(()))


def objective_at(game: AbstractGame, leader_policy: Array, follower_rows: Array, mean_field: Array) -> Float[Array, ""]:
    """J_l(phi, pi, mu), the leader's objective at arbitrary policies and mean field, a scalar."""
    return jnp.dot(jnp.asarray(game.initial_distribution), leader_value(game, leader_policy, follower_rows, mean_field))


def leader_objective(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    initial: Numerical | None = None,
    throw: bool = True,
) -> Float[Array, ""]:
    r"""The leader's objective at the equilibrium of its policy, $\Phi(\omega) = \rho^T V_l$.

    $V_l = (I - \gamma P_\pi)^{-1}(r_{l,\pi} + \tau_l H(\phi))$. Differentiable by JAX in logits and game parameters.

    Args:
        game: the game.
        leader_logits: omega, (O, B).
        initial: mean field the equilibrium search starts from; uniform if None.
        throw: raise when the equilibrium does not converge; if False, NaN.

    Returns:
        Phi, a scalar in units of discounted leader reward.

    Raises:
        ValueError: as `solve_equilibrium`.
        RuntimeError: equilibrium not converged and `throw`.

    Source: the discounted objective of Zeng et al. (arXiv 2509.15392); equilibrium as by `solve_equilibrium`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, leader_objective
        >>> round(float(leader_objective(games.load("laffer-tax"), np.zeros((1, 2)))), 3)
        3.733
    """
    game, logits = prepare(game, leader_logits)
    start = checked_start(game, initial)
    policy = softmax_policy(logits)
    if takes_sparse(game, "auto", policy, start):
        found = sparse_equilibrium(game, policy, start)
        if throw:
            raise_unless_converged(found.equilibrium)
        return jnp.asarray(np.nan if found.linear is None else objective_of(game, found.local, found.linear))
    equilibrium = compiled_equilibrium(game, policy, start)
    if throw:
        raise_unless_converged(equilibrium)
    return _objective(game, policy, equilibrium.follower_policy, equilibrium.mean_field)


# Compiled on its own, and quickly: it runs once where Newton's method has run many times.
_objective = jit_for_game(objective_at)
