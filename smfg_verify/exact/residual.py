r"""The equations of the mean field equilibrium, their Jacobian in blocks, and its solves.

Unknowns $x = (m, V)$: the mean field (flattened, M entries) and the follower's value (n entries).
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.follower import soft_bellman
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import observed_rows

# Entries of the largest table of tangents that a Jacobian builds at once (128 MiB of float64).
_MAX_TANGENT_ENTRIES = 2**24


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
        mean_field: (M,), flattened, or (M, k).
        value: (n,), in units of reward, or (n, k).
    """

    mean_field: Float[Array, "M *k"]
    value: Float[Array, "n *k"]


def follower_policy(setting: Setting, point: Point) -> Float[Array, "n A"]:
    """Soft greedy policy of a value at a mean field, (n, A)."""
    model = _model(setting, point.mean_field)
    return soft_bellman(model, point.value, setting.game.discount, setting.temperature)[1]


def residual(setting: Setting, point: Point) -> Point:
    r"""How far a mean field and a value are from an equilibrium.

    On states $F_m = m - P_{\pi,\phi,m}^T m + (1^T m - 1)/M$; on state-action pairs
    $F_m(s,a) = m(s,a) - \big(\sum_{s',a'} m(s',a') P(s|s',a')\big) \pi(a|s) + (1^T m - 1)/M$;
    the last term removes the singular direction. $F_V = V - \tau \log \sum_a \exp((r + \gamma P V)/\tau)$.

    Args:
        setting: game, leader's policy, temperature.
        point: mean field and value.

    Returns:
        The residual, zero exactly at equilibria.
    """
    game, field = setting.game, point.mean_field
    model = _model(setting, field)
    updated, policy = soft_bellman(model, point.value, game.discount, setting.temperature)
    if game.mean_field_support == "states":
        image = field @ chain(policy, model.transition)
    else:
        inflow = jnp.einsum("sa,sat->t", field.reshape(policy.shape), model.transition)
        image = (inflow[:, None] * policy).ravel()
    mass_error = (jnp.sum(field) - 1.0) / field.shape[0]
    return Point(field - image + mass_error, point.value - updated)


def _model(setting: Setting, field: Float[Array, " M"]):
    shaped = field.reshape(mean_field_shape(setting.game))
    return follower_model(tabulate(setting.game, shaped), setting.leader_rows)


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

    def solve(self, right: Point) -> Point:
        """Solve for k right-hand sides at once with the value block eliminated and one refinement.

        Differentiated by the rule of a linear solve, not through the factorisations: that compiles much faster.

        Args:
            right: (M, k) and (n, k).

        Returns:
            The solution, the same shapes; non-finite when the matrix is singular.
        """
        return jax.lax.custom_linear_solve(
            self.apply,
            right,
            solve=lambda _, columns: _eliminate(self, columns),
            transpose_solve=lambda _, columns: _eliminate(self.transpose, columns),
        )


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
    return jax.tree.map(jnp.add, first, once(defect))


def jacobian(setting: Setting, point: Point) -> Jacobian:
    r"""Jacobian of the residual at a point.

    The column block of the mean field is built by forward differentiation, in slices that bound memory; the
    column block of the value is explicit: $\partial F_V / \partial V = I - \gamma P_\pi$ by the envelope theorem and
    $\partial \pi(a|s) / \partial V = (\gamma / \tau) \pi(a|s) (P(\cdot|s,a) - P_\pi(\cdot|s))$.

    Args:
        setting: game, leader's policy, temperature.
        point: mean field and value.

    Returns:
        The four blocks.
    """
    game = setting.game
    by_field = _columns(lambda field: residual(setting, Point(field, point.value)), point.mean_field, game)
    model = _model(setting, point.mean_field)
    policy = soft_bellman(model, point.value, game.discount, setting.temperature)[1]
    transition = chain(policy, model.transition)
    tilt = model.transition - transition[:, None, :]
    slope = (game.discount / setting.temperature) * policy[:, :, None] * tilt
    if game.mean_field_support == "states":
        weighted = point.mean_field[:, None, None] * slope
        field_value = -jnp.einsum("sav,sat->tv", weighted, model.transition)
    else:
        inflow = jnp.einsum("sa,sat->t", point.mean_field.reshape(policy.shape), model.transition)
        field_value = -(inflow[:, None, None] * slope).reshape(-1, game.num_states)
    value_value = jnp.eye(game.num_states) - game.discount * transition
    return Jacobian(by_field.mean_field, field_value, by_field.value, value_value)


def _columns(function: Callable[[Array], Point], field: Float[Array, " M"], game: AbstractGame) -> Point:
    _, push = jax.linearize(function, field)
    table = game.num_states**2 * game.num_follower_actions * game.num_leader_actions
    size = field.shape[0]
    batch = max(1, _MAX_TANGENT_ENTRIES // table)
    basis = jnp.eye(size)
    rows = jax.vmap(push)(basis) if batch >= size else jax.lax.map(push, basis, batch_size=batch)
    return jax.tree.map(jnp.transpose, rows)


def residual_norm(remainder: Point, point: Point) -> Float[Array, ""]:
    """Largest entry of the residual; the value's part is relative to max(1, max |V|), as its rounding errors are."""
    scale = jnp.maximum(1.0, jnp.max(jnp.abs(point.value)))
    return jnp.maximum(jnp.max(jnp.abs(remainder.mean_field)), jnp.max(jnp.abs(remainder.value)) / scale)
