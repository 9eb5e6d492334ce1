"""The Stackelberg objective and its exact gradient, split into its three parts, with a certificate."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.batching import one_at_a_time
from smfg_verify.exact.equilibrium import (
    Equilibrium,
    checked_start,
    equilibrium_of_policy,
    needs_rescue,
    prepare,
    raise_unless_converged,
)
from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.exact.residual import Jacobian, Point, Setting, follower_policy, inside, jacobian, residual
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import entropy, observed_rows, softmax_policy


class Certificate(eqx.Module):
    r"""How far a gradient can be trusted.

    Attributes:
        forward_residual: residual of the equilibrium it was taken at.
        adjoint_residual: largest entry of $(\partial F/\partial x)^T \lambda - \partial J_l/\partial x$, relative to
            the largest entry of the right-hand side.
        condition: 2-norm condition number $\kappa$ of dF/dx, by singular values.
        error_bound: first-order bound on the Euclidean errors of the total gradient and of its direct part, rounding
            included: $\kappa \cdot \text{turning} \cdot \text{size} \cdot ((\text{forward} + \epsilon)\max(1, |V|) +
            \text{adjoint})$. Turning $= \max(1, (\gamma + \max|\partial F_V/\partial m|)/\tau)$, since the Jacobian
            turns with the point at the rate at which log-policies do; size is the largest number added or cancelled
            on the way to the gradient, which near a stationary policy is far above the gradient's own.
    """

    forward_residual: Float[Array, ""]
    adjoint_residual: Float[Array, ""]
    condition: Float[Array, ""]
    error_bound: Float[Array, ""]


class StackelbergGradient(eqx.Module):
    r"""Gradient of $\Phi(\omega) = J_l(\phi_\omega, \pi^*(\phi_\omega), \mu^*(\phi_\omega))$ in the logits.

    All gradients are (O, B), in units of discounted leader reward; total = direct + policy_response +
    mean_field_response. NaN where the equilibrium has not converged.

    Attributes:
        total: grad Phi.
        direct: partial gradient at fixed follower policy and mean field, the direction AC-SMFG follows.
        policy_response: (d pi*/d omega)^T dJ_l/dpi.
        mean_field_response: (d mu*/d omega)^T dJ_l/dmu.
        policy_space: dPhi/dphi(b|o), derivative in the entries of the leader's policy as free variables, (O, B).
        direct_policy_space: the same of the direct part, (O, B).
        policy_gap: sum over o of max_b G(o,b) - sum_b phi(b|o) G(o,b) with G = `policy_space`; zero exactly at
            stationary policies, also where softmax saturates and the logit gradient vanishes.
        direct_policy_gap: the same of the direct part.
        objective: Phi.
        equilibrium: the equilibrium the gradient is taken at.
        certificate: residuals, condition number and error bound.
    """

    total: Float[Array, "O B"]
    direct: Float[Array, "O B"]
    policy_response: Float[Array, "O B"]
    mean_field_response: Float[Array, "O B"]
    policy_space: Float[Array, "O B"]
    direct_policy_space: Float[Array, "O B"]
    policy_gap: Float[Array, ""]
    direct_policy_gap: Float[Array, ""]
    objective: Float[Array, ""]
    equilibrium: Equilibrium
    certificate: Certificate


def leader_objective(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    initial: Float[ArrayLike, "..."] | None = None,
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
    """
    game, logits = prepare(game, leader_logits)
    start = checked_start(game, initial)
    value, equilibrium = _objective(game, logits, start, False)
    if needs_rescue(equilibrium):
        value, equilibrium = _objective(game, logits, start, True)
    if throw:
        raise_unless_converged(equilibrium)
    return value


@eqx.filter_jit
def _objective(game, logits, start, rescue) -> tuple[Float[Array, ""], Equilibrium]:
    policy = softmax_policy(logits)
    equilibrium = equilibrium_of_policy(game, policy, start, rescue=rescue)
    value = objective_at(game, policy, equilibrium.follower_policy, equilibrium.mean_field)
    return value, equilibrium


def leader_value(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    follower_rows: Float[Array, "n A"],
    mean_field: Float[Array, "..."],
) -> Float[Array, " n"]:
    """The leader's value V_l of arbitrary policies at an arbitrary mean field, (n,)."""
    rows = observed_rows(leader_policy, game.leader_observation)
    model = follower_model(tabulate(game, mean_field), rows)
    bonus = game.leader_temperature * entropy(rows)
    as_rewarded = FollowerModel(model.transition, model.leader_reward + bonus[:, None], model.leader_reward)
    return policy_value(as_rewarded, follower_rows, game.discount, jnp.zeros(()))


def objective_at(game: AbstractGame, leader_policy, follower_rows, mean_field) -> Float[Array, ""]:
    """J_l(phi, pi, mu), the leader's objective at arbitrary policies and mean field, a scalar."""
    return jnp.dot(jnp.asarray(game.initial_distribution), leader_value(game, leader_policy, follower_rows, mean_field))


def stackelberg_gradient(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    initial: Float[ArrayLike, "..."] | None = None,
    throw: bool = True,
) -> StackelbergGradient:
    r"""The true gradient of the Stackelberg objective, by the implicit function theorem and one adjoint solve.

    $(\partial F/\partial x)^T \lambda = \partial J_l/\partial x$,
    $\nabla \Phi = \partial J_l/\partial \omega - (\partial F/\partial \omega)^T \lambda$. One factorisation serves the
    total and its two indirect parts, whatever the number of leader logits.

    Args:
        game: the game.
        leader_logits: omega, (O, B), dimensionless.
        initial: mean field the equilibrium search starts from; uniform if None.
        throw: raise when the equilibrium does not converge; if False, NaN and `equilibrium.converged` False.

    Returns:
        The gradient with its parts, its policy-space form and gap, and its certificate.

    Raises:
        ValueError: as `solve_equilibrium`.
        RuntimeError: equilibrium not converged, or not locally unique, and `throw`.
    """
    game, logits = prepare(game, leader_logits)
    start = checked_start(game, initial)
    gradient = policy_gradient(game, softmax_policy(logits), start)
    if throw:
        raise_unless_converged(gradient.equilibrium)
        raise_if_singular(gradient)
    return gradient


def raise_if_singular(gradient: StackelbergGradient) -> None:
    """Raise when an equilibrium has converged and its gradient has not come out finite.

    Raises:
        RuntimeError: the Jacobian is singular.
    """
    if isinstance(gradient.total, jax.core.Tracer) or np.all(np.isfinite(gradient.total)):
        return
    condition = float(np.max(np.asarray(gradient.certificate.condition)))
    raise RuntimeError(
        f"gradient: not finite although the equilibrium has converged, condition number {condition:.3g}: the "
        "equilibrium is not locally unique. Likely cause: more than one recurrent class. Pass throw=False to get NaN."
    )


def policy_gradient(
    game: AbstractGame, leader_policy: Float[Array, "O B"], start: Float[Array, "..."] | None = None
) -> StackelbergGradient:
    """The gradient at a table of leader probabilities, zeros allowed; NaN where not converged, inputs unchecked."""
    gradient = _gradient(game, leader_policy, start, False)
    if needs_rescue(gradient.equilibrium):
        gradient = _gradient(game, leader_policy, start, True)
    return gradient


@eqx.filter_jit
def _gradient(game, leader_policy, start, rescue) -> StackelbergGradient:
    equilibrium = equilibrium_of_policy(game, leader_policy, start, rescue=rescue)
    return gradient_at(game, leader_policy, equilibrium)


def gradient_of_logits(
    game: AbstractGame,
    logits: Float[Array, "O B"],
    start: Float[Array, "..."] | None = None,
    *,
    rescue: bool = True,
) -> StackelbergGradient:
    """`stackelberg_gradient` without checks, for use inside jit and vmap; NaN where not converged."""
    policy = softmax_policy(logits)
    equilibrium = equilibrium_of_policy(game, policy, start, rescue=rescue)
    return gradient_at(game, policy, equilibrium)


def gradient_at(
    game: AbstractGame, leader_policy: Float[Array, "O B"], equilibrium: Equilibrium
) -> StackelbergGradient:
    """The gradient formula at a given equilibrium, whatever its residual (the certificate reports it).

    Args:
        game: the game, traced.
        leader_policy: phi(b | o), (O, B).
        equilibrium: of that policy.

    Returns:
        The gradient and its certificate.
    """
    setting = Setting(game, leader_policy, jnp.asarray(game.temperature, dtype=float))
    point = Point(inside(jnp.ravel(equilibrium.mean_field)), equilibrium.follower_value)
    objective, slopes = _partials(setting, point)
    tables, adjoint = _policy_space_parts(setting, point, slopes)
    total, direct, by_policy, by_field = (_to_logits(leader_policy, table) for table in tables)
    return StackelbergGradient(
        total=total,
        direct=direct,
        policy_response=by_policy,
        mean_field_response=by_field,
        policy_space=tables.total,
        direct_policy_space=tables.direct,
        policy_gap=stationarity_gap(leader_policy, tables.total),
        direct_policy_gap=stationarity_gap(leader_policy, tables.direct),
        objective=objective,
        equilibrium=equilibrium,
        certificate=_certificate(setting, equilibrium, adjoint, tables),
    )


def stationarity_gap(leader_policy: Float[Array, "O B"], table: Float[Array, "O B"]) -> Float[Array, ""]:
    r"""Policy-space stationarity gap $\sum_o \max_b G(o,b) - \sum_b \phi(b|o) G(o,b) \ge 0$ of a derivative table G."""
    best = jnp.max(table, axis=-1, keepdims=True)
    return jnp.sum(leader_policy * (best - table))


def _to_logits(policy: Float[Array, "O B"], table: Float[Array, "O B"]) -> Float[Array, "O B"]:
    """Derivative in logits from the derivative in policy entries, through the softmax."""
    return policy * (table - jnp.sum(policy * table, axis=-1, keepdims=True))


class _Tables(NamedTuple):
    """Derivatives in the entries of the leader's policy, (O, B) each."""

    total: Float[Array, "O B"]
    direct: Float[Array, "O B"]
    policy_response: Float[Array, "O B"]
    mean_field_response: Float[Array, "O B"]


class _Adjoint(NamedTuple):
    matrix: Jacobian
    right: Point
    solution: Point


def _partials(setting: Setting, point: Point):
    """J_l and its partial derivatives in (leader policy, follower policy, mean field)."""
    game = setting.game
    field = point.mean_field.reshape(mean_field_shape(game))
    rows = follower_policy(setting, point)
    value_and_slopes = jax.value_and_grad(lambda phi, pi, mu: objective_at(game, phi, pi, mu), argnums=(0, 1, 2))
    return value_and_slopes(setting.leader_policy, rows, field)


def _policy_space_parts(setting: Setting, point: Point, slopes) -> tuple[_Tables, _Adjoint]:
    """One factorisation of the transposed Jacobian, three right-hand sides: policy part, mean field part, and sum."""
    by_leader, by_follower, by_field = slopes

    def with_leader(leader_policy):
        return eqx.tree_at(lambda s: s.leader_policy, setting, leader_policy)

    _, pull_policy = jax.vjp(lambda phi, x: follower_policy(with_leader(phi), x), setting.leader_policy, point)
    _, pull_residual = jax.vjp(lambda phi: residual(with_leader(phi), point), setting.leader_policy)
    through_policy, policy_right = pull_policy(by_follower)
    field_right = Point(jnp.ravel(by_field), jnp.zeros_like(point.value))
    total_right = jax.tree.map(jnp.add, policy_right, field_right)
    right = jax.tree.map(lambda *columns: jnp.stack(columns, axis=1), total_right, policy_right, field_right)
    matrix = jacobian(setting, point).transpose
    solution = matrix.solve(right)
    pulled = jax.vmap(lambda column: pull_residual(column)[0], in_axes=1)(solution)
    tables = _Tables(
        total=by_leader + through_policy - pulled[0],
        direct=by_leader,
        policy_response=through_policy - pulled[1],
        mean_field_response=-pulled[2],
    )
    return tables, _Adjoint(matrix, right, solution)


def _certificate(setting: Setting, equilibrium: Equilibrium, adjoint: _Adjoint, tables: _Tables) -> Certificate:
    setting, equilibrium, adjoint, tables = jax.lax.stop_gradient((setting, equilibrium, adjoint, tables))
    defect = _largest(jax.tree.map(jnp.subtract, adjoint.matrix.apply(adjoint.solution), adjoint.right))
    right = _largest(adjoint.right)
    adjoint_residual = jnp.where(right > 0.0, defect / right, defect)
    singular = _singular_values(adjoint.matrix.dense)
    condition = singular[0] / singular[-1]
    # The matrix is the transposed Jacobian: its upper right block is dF_V/dm.
    value_slope = setting.game.discount + jnp.max(jnp.abs(adjoint.matrix.field_value))
    turning = jnp.maximum(1.0, value_slope / setting.temperature)
    size = jnp.maximum(_largest(tables), right)
    rounding = jnp.finfo(size.dtype).eps
    forward = (equilibrium.residual + rounding) * jnp.maximum(1.0, jnp.max(jnp.abs(equilibrium.follower_value)))
    return Certificate(
        forward_residual=equilibrium.residual,
        adjoint_residual=adjoint_residual,
        condition=condition,
        error_bound=condition * turning * size * (forward + adjoint_residual),
    )


@one_at_a_time
def _singular_values(matrix: Float[Array, "k k"]) -> Float[Array, " k"]:
    return jnp.linalg.svd(matrix, compute_uv=False)


def _largest(tree) -> Float[Array, ""]:
    return jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree)]))
