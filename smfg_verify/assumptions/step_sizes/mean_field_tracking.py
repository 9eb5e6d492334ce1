r"""How fast the mean field follows a leader that moves: the linearised mean dynamics of the two at an equilibrium.

Follower and critics, which are faster, are taken as equilibrated. With $\Gamma_\omega$ the best-response map of mean
fields and $h(\omega, m)$ the mean of AC-SMFG's leader update, a step of both learners moves the error
$e = m - m^*(\omega)$, to first order, to
$$ e^+ = \big[I - \xi (I - G) - \zeta D K\big] e - \zeta D h, \quad G = \partial_m \Gamma, \quad
D = \frac{d m^*}{d \omega} = (I - G)^{-1} \partial_\omega \Gamma, \quad K = \partial_m h. $$
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.follower import differentiable_value, soft_bellman
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.objective import objective_at
from smfg_verify.exact.population import population_law
from smfg_verify.exact.response import setting_of
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import softmax_policy

_BATCH = 16


class Linearisation(NamedTuple):
    """The pieces of the error's recursion at N leaders and their equilibria; NaN where not converged.

    Attributes:
        mean_field: (N, ...), the equilibrium.
        response: G, (N, M, M).
        moved: derivative of the equilibrium in the leader's logits D, (N, M, D).
        slope: K, (N, D, M).
        update: h, (N, D).
    """

    mean_field: Float[np.ndarray, "N ..."]
    response: Float[np.ndarray, "N M M"]
    moved: Float[np.ndarray, "N M D"]
    slope: Float[np.ndarray, "N D M"]
    update: Float[np.ndarray, "N D"]

    @property
    def contraction(self) -> Float[np.ndarray, " N"]:
        """Norm of G, l1 on tangents of the simplex."""
        return tangent_norm(self.response)

    @property
    def feedback(self) -> Float[np.ndarray, " N"]:
        """Norm of D K: how far the error itself makes the equilibrium run away, a unit of the leader's step."""
        return tangent_norm(self.moved @ self.slope)

    @property
    def drift(self) -> Float[np.ndarray, " N"]:
        """The l1 norm of D h: how far a leader at equilibrium moves its mean field, a unit of its step."""
        result: Float[np.ndarray, " N"] = np.sum(np.abs(np.einsum("nmd,nd->nm", self.moved, self.update)), axis=1)
        return result

    def largest_real_part(self, ratio: float) -> Float[np.ndarray, " N"]:
        """Largest real part of the eigenvalues of G - (zeta / xi) D K: below one, small errors die out in some norm."""
        matrices = self.response - ratio * self.moved @ self.slope
        usable = np.all(np.isfinite(matrices), axis=(1, 2))
        found = np.full(len(matrices), np.nan)
        found[usable] = np.max(np.linalg.eigvals(matrices[usable]).real, axis=1)
        return found


def tangent_norm(matrices: Float[np.ndarray, "N M M"]) -> Float[np.ndarray, " N"]:
    """The l1 norm of each matrix on vectors that sum to zero: half the largest distance between two columns."""
    columns = np.swapaxes(matrices, 1, 2)
    largest = np.zeros(len(columns))
    for k in range(1, columns.shape[1]):
        apart = np.sum(np.abs(columns[:, k:] - columns[:, :-k]), axis=2)
        largest = np.maximum(largest, np.max(apart, axis=1))
    return 0.5 * largest


def linearise(
    game: AbstractGame, logits: Float[np.ndarray, "N O B"], starts: Float[np.ndarray, "N ..."] | None = None
) -> Linearisation:
    """Linearise the mean dynamics of leader and mean field at the equilibrium of each leader.

    Args:
        game: the game, traced.
        logits: omega.
        starts: where each equilibrium search starts; uniform if None.

    Returns:
        The pieces, as NumPy arrays.
    """
    field = evaluate_leaders(game, logits, starts, rescue=False).mean_field
    response, by_leader, slope, update = pieces_at(game, np.asarray(logits, dtype=float), field)
    moved = np.full_like(by_leader, np.nan)
    usable = np.all(np.isfinite(response), axis=(1, 2)) & np.all(np.isfinite(by_leader), axis=(1, 2))
    moved[usable] = np.linalg.solve(np.eye(response.shape[1]) - response[usable], by_leader[usable])
    return Linearisation(field, response, moved, slope, update)


def pieces_at(
    game: AbstractGame, logits: Float[np.ndarray, "N O B"], fields: Float[np.ndarray, "N ..."]
) -> tuple[np.ndarray, ...]:
    """The response, its slope in the leader, that of the leader's update in the mean field, and the update."""
    found: tuple[np.ndarray, ...] = in_batches(functools.partial(_linearise, game), _BATCH, logits, fields)
    return found


@jit_for_game
def _linearise(game: AbstractGame, logits: Array, fields: Array) -> tuple[Array, Array, Array, Array]:
    return jax.vmap(lambda omega, field: _linearise_one(game, omega, jnp.ravel(field)))(logits, fields)


def _linearise_one(
    game: AbstractGame, omega: Float[Array, "O B"], field: Float[Array, " M"]
) -> tuple[Array, Array, Array, Array]:
    size = omega.size

    def both(point: Array) -> tuple[tuple[Array, Array], Array]:
        response, update = leader_step(game, point[:size].reshape(omega.shape), point[size:])
        return (response, jnp.ravel(update)), jnp.ravel(update)

    # One derivative of both in all unknowns: taken apart, the follower's problem would be compiled three times.
    (by_response, by_update), update = jax.jacfwd(both, has_aux=True)(jnp.concatenate([jnp.ravel(omega), field]))
    return by_response[:, size:], by_response[:, :size], by_update[:, size:], update


def leader_step(
    game: AbstractGame, omega: Float[Array, "O B"], field: Float[Array, " M"]
) -> tuple[Float[Array, " M"], Float[Array, "O B"]]:
    r"""$\Gamma_\omega(m)$ and the mean of AC-SMFG's leader update $h = (1 - \gamma) \nabla_\omega J_l$, both at m.

    Args:
        game: the game, traced.
        omega: leader's logits.
        field: mean field m, flattened.

    Returns:
        The mean field's image, (M,), and the update, (O, B), the gradient taken at fixed mean field and fixed follower,
        who plays the soft best response to m.
    """
    shaped = field.reshape(mean_field_shape(game))
    setting = setting_of(game, softmax_policy(omega))
    model = follower_model(tabulate(game, shaped), setting.leader_rows)
    value = differentiable_value(model, game.discount, setting.temperature)
    policy = soft_bellman(model, value, game.discount, setting.temperature)[1]
    slope = jax.grad(lambda w: objective_at(game, softmax_policy(w), policy, shaped))(omega)
    return population_law(game, model, policy), (1.0 - game.discount) * slope
