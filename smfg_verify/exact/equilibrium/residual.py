r"""The equations of the mean field equilibrium, their Jacobian in blocks, and its solves.

Unknowns $x = (m, V)$: the mean field (flattened, M entries) and the follower's value (n entries).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.equilibrium.field_slopes import slopes_in_field
from smfg_verify.exact.follower import soft_bellman
from smfg_verify.exact.kernel import FollowerModel, follower_model_at
from smfg_verify.exact.population import chain, population_law
from smfg_verify.exact.stationary import LawResponse, law_response
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Scalar
from smfg_verify.policies import observed_rows

# Where slopes at an empty entry are taken: so small that no continuous function tells it from zero, and so large that
# the first three derivatives of a square root stay finite.
_INSIDE = 1e-120


class Setting(eqx.Module):
    """Everything the equilibrium depends on.

    Attributes:
        game: the game, float leaves traced.
        leader_policy: phi(b | o), one row an observation, (O, B).
        temperature: tau, in units of reward; kept apart from the game so that it can be followed down.
    """

    game: AbstractGame
    leader_policy: Float[Array, "O B"]
    temperature: Float[Array, ""]

    @property
    def leader_rows(self) -> Float[Array, "n B"]:
        """phi(b | o(s)), one row a state, (n, B)."""
        return observed_rows(self.leader_policy, self.game.leader_observation)


class Point(eqx.Module):
    """A value of the unknowns, or of the residual, or of a multiplier; or k of them side by side, as columns.

    Attributes:
        mean_field: (M,), flattened, or (M, k); (k, M) where many are mapped over.
        value: (n,), in units of reward, or (n, k); (k, n) where many are mapped over.
    """

    mean_field: Float[Array, "..."]
    value: Float[Array, "..."]


def follower_policy(setting: Setting, point: Point) -> Float[Array, "n A"]:
    """Soft greedy policy of a value at a mean field, (n, A)."""
    model = model_at(setting, point.mean_field)
    return soft_bellman(model, point.value, setting.game.discount, setting.temperature)[1]


def residual(setting: Setting, point: Point) -> Point:
    r"""How far a mean field and a value are from an equilibrium.

    $F_m = m - \nu(m, V)$, $\nu$ the stationary law of the chain at (m, V) (times $\pi$ on state-action pairs), not
    $m - P^T m$, which is tiny whatever m is where the chain leaves a state rarely.
    $F_V = V - \tau \log \sum_a \exp((r + \gamma P V)/\tau)$.

    Args:
        setting: game, leader's policy, temperature.
        point: mean field and value.

    Returns:
        The residual, zero exactly at equilibria; NaN where the chain has several recurrent classes.
    """
    game = setting.game
    model = model_at(setting, point.mean_field)
    updated, policy = soft_bellman(model, point.value, game.discount, setting.temperature)
    return Point(point.mean_field - population_law(game, model, policy), point.value - updated)


def model_at(setting: Setting, field: Float[Array, " M"]) -> FollowerModel:
    """The follower's problem at a flattened mean field."""
    return follower_model_at(setting.game, setting.leader_rows, field)


class Jacobian(eqx.Module):
    """Jacobian of the residual in blocks, (row block)_(column block).

    Attributes:
        field_field: dF_m/dm, (M, M).
        field_value: dF_m/dV, (M, n).
        value_field: dF_V/dm, (n, M).
        value_value: dF_V/dV = I - gamma P_pi, (n, n).
    """

    field_field: Float[Array, "M M"]
    field_value: Float[Array, "M n"]
    value_field: Float[Array, "n M"]
    value_value: Float[Array, "n n"]

    @property
    def transpose(self) -> "Jacobian":
        """The transposed matrix, in blocks."""
        return Jacobian(self.field_field.T, self.value_field.T, self.field_value.T, self.value_value.T)

    @property
    def dense(self) -> Float[Array, "k k"]:
        """The whole matrix, (M + n, M + n)."""
        return jnp.block([[self.field_field, self.field_value], [self.value_field, self.value_value]])

    def apply(self, columns: Point) -> Point:
        """Matrix times columns; the fields of `columns` are (M, k) and (n, k)."""
        return Point(
            self.field_field @ columns.mean_field + self.field_value @ columns.value,
            self.value_field @ columns.mean_field + self.value_value @ columns.value,
        )

    @property
    def inverse(self) -> Float[Array, "k k"]:
        """All columns of the inverse; their absolute values bound what an entry of the residual does to an unknown."""
        size, values = self.field_value.shape
        identity = jnp.eye(size + values)
        solved = self.solve(Point(identity[:size], identity[size:]))
        return jnp.concatenate([solved.mean_field, solved.value])

    def solve(self, right: Point) -> Point:
        """Solve for k right-hand sides at once with the value block eliminated and one refinement.

        Differentiated by the rule of a linear solve, not through the factorisations: that compiles much faster.

        Args:
            right: (M, k) and (n, k).

        Returns:
            The solution, the same shapes; non-finite when the matrix is singular.
        """
        result: Point = jax.lax.custom_linear_solve(
            self.apply,
            right,
            solve=lambda _, columns: _eliminate(self, columns),
            transpose_solve=lambda _, columns: _eliminate(self.transpose, columns),
        )
        return result


@one_at_a_time
def _eliminate(matrix: Jacobian, right: Point) -> Point:
    value_factor = jax.scipy.linalg.lu_factor(matrix.value_value)
    eliminated = jax.scipy.linalg.lu_solve(value_factor, matrix.value_field)
    schur_factor = jax.scipy.linalg.lu_factor(matrix.field_field - matrix.field_value @ eliminated)

    def once(right: Point) -> Point:
        partial = jax.scipy.linalg.lu_solve(value_factor, right.value)
        field = jax.scipy.linalg.lu_solve(schur_factor, right.mean_field - matrix.field_value @ partial)
        return Point(field, partial - eliminated @ field)

    first = once(right)
    defect = jax.tree.map(jnp.subtract, right, matrix.apply(first))
    result: Point = jax.tree.map(jnp.add, first, once(defect))
    return result


def jacobian(setting: Setting, point: Point) -> Jacobian:
    """Jacobian of the residual at a point, see `linearised`."""
    return linearised(setting, point)[1]


def inside(field: Float[Array, " M"]) -> Float[Array, " M"]:
    """A mean field with its empty entries just off zero, where slopes are taken.

    At an empty entry itself sqrt and x log x have an infinite slope, and 0 * infinity would make NaN of all the others.
    """
    return field + jax.lax.stop_gradient(jnp.where(field < _INSIDE, _INSIDE - field, 0.0))


def linearised(setting: Setting, point: Point) -> tuple[Point, Jacobian, Float[Array, "M p"]]:
    r"""The residual at a point, its Jacobian, and the residual's slope in the follower's logits.

    A mean field moves the law through the follower's logits $Q / \tau$ and, where the transition depends on it, through
    the moves of each action. What logits do to the law is known for all of them at once, so that the first part is one
    product of matrices; only what the game's functions themselves do is built by forward differentiation, in slices
    that bound memory. The columns of the value are explicit: $\partial F_V / \partial V = I - \gamma P_\pi$ by the
    envelope theorem, and a logit moves by $(\gamma / \tau) (P(\cdot|s,a) - P_\pi(\cdot|s))$, up to what is the same for
    all actions.

    Args:
        setting: game, leader's policy, temperature.
        point: mean field and value.

    Returns:
        The residual, the four blocks, and the slope of $F_m$, one column a (state, action).
    """
    game, tau = setting.game, setting.temperature
    field = inside(point.mean_field)
    model = model_at(setting, field)
    updated, policy = soft_bellman(model, point.value, game.discount, tau)
    transition = chain(policy, model.transition)
    response = law_response(transition)
    tilt = model.transition - transition[:, None, :]
    by_logits = _law_by_logits(game, response, policy, tilt)
    by_value = (game.discount / tau) * tilt.reshape(-1, game.num_states)
    quality, moved = slopes_in_field(game, setting.leader_rows, field, point.value, policy, response)
    # What is the same for all actions moves no policy; taken out before it meets the law, not after.
    value_slope = jnp.einsum("sa,sam->sm", policy, quality)
    apart = ((quality - value_slope[:, None]) / tau).reshape(policy.size, -1)
    matrix = Jacobian(
        field_field=jnp.eye(field.shape[0]) - (by_logits @ apart + moved),
        field_value=-by_logits @ by_value,
        value_field=-value_slope,
        value_value=jnp.eye(game.num_states) - game.discount * transition,
    )
    law = response.law if game.mean_field_support == "states" else (response.law[:, None] * policy).ravel()
    return Point(point.mean_field - law, point.value - updated), matrix, -by_logits


def _law_by_logits(
    game: AbstractGame, response: LawResponse, policy: Float[Array, "n A"], tilt: Float[Array, "n A n"]
) -> Float[Array, "M p"]:
    """Slope of the population's law in the follower's logits; one moves a row of the chain by its action's tilt."""
    by_state = response.of_rows(policy[:, :, None] * tilt)
    if game.mean_field_support == "states":
        return by_state.reshape(game.num_states, -1)
    # Not through log(policy), which need not be finite.
    own = policy[:, :, None] * (jnp.eye(policy.shape[1]) - policy[:, None, :])
    kept = jnp.einsum("j,jba,js->jbsa", response.law, own, jnp.eye(game.num_states))
    return (by_state[:, None] * policy[:, :, None, None] + kept).reshape(policy.size, -1)


def residual_norm(setting: Setting, remainder: Point, point: Point) -> Float[Array, ""]:
    """Largest entry of the residual; the value's part is relative to max(tau, max |V|), as its rounding errors are."""
    return jnp.maximum(*residual_sizes(setting, remainder, point))


def residual_sizes(setting: Setting, remainder: Point, point: Point) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Largest entries of both parts of the residual, see `residual_norm`."""
    by_value = jnp.max(jnp.abs(remainder.value)) / value_scale(setting.temperature, point.value)
    return jnp.max(jnp.abs(remainder.mean_field)), by_value


def value_scale(temperature: Scalar, value: Float[Array, " n"]) -> Float[Array, ""]:
    """What errors of a value are measured against, max(tau, max |V|): the same whatever the unit of reward."""
    return jnp.maximum(temperature, jnp.max(jnp.abs(value)))
