"""The Stackelberg objective and its exact gradient, split into its three parts, with a certificate."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.errors import NumericalError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy, inside, jacobian, residual
from smfg_verify.exact.equilibrium.solve import (
    Equilibrium,
    checked_start,
    compiled_equilibrium,
    equilibrium_of_policy,
    prepare,
    raise_unless_converged,
)
from smfg_verify.exact.gradient.certificate import Certificate, certify, to_logits
from smfg_verify.exact.gradient.empty_entries import hold, stays_empty
from smfg_verify.exact.gradient.held_field import held_field_table
from smfg_verify.exact.gradient.one_sided_slopes import describe
from smfg_verify.exact.gradient.perturbation import Adjoint
from smfg_verify.exact.objective import objective_at
from smfg_verify.exact.sparse.choice import SolverMethod, takes_sparse
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.base import Numerical
from smfg_verify.game.checks.differences import SlopeStatus
from smfg_verify.policies import softmax_policy
from smfg_verify.records.portable import Portable
from smfg_verify.records.readable import Readable


class StackelbergGradient(Readable, Portable, eqx.Module):
    r"""Gradient of $\Phi(\omega) = J_l(\phi_\omega, \pi^*(\phi_\omega), \mu^*(\phi_\omega))$ in the logits.

    All gradients are (O, B), in units of discounted leader reward; total = direct + policy_response +
    mean_field_response. NaN where the equilibrium has not converged; total, its two responses and its gap NaN too where
    the game's functions have no derivative at the equilibrium (`certificate.slopes`).

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
        held_field: partial gradient at the mean field held alone, to which the follower's policy answers: the other
            reading of "direct" where the leader's objective is written in its policy and the mean field.
        held_field_policy_space: the same in the entries of the leader's policy, (O, B).
        held_field_policy_gap: its policy-space gap.
        objective: Phi.
        equilibrium: the equilibrium the gradient is taken at.
        certificate: residuals, condition number, error bounds, and the derivatives against differences.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, stackelberg_gradient
        >>> gradient = stackelberg_gradient(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> parts = gradient.direct + gradient.policy_response + gradient.mean_field_response
        >>> np.allclose(gradient.total, parts)
        True
        >>> gradient.total.round(3).tolist(), gradient.direct.round(3).tolist()
        ([[-0.061, 0.061]], [[-1.867, 1.867]])
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("total", "direct", "policy_gap", "objective", "error_bound")

    total: Float[Array, "O B"]
    direct: Float[Array, "O B"]
    policy_response: Float[Array, "O B"]
    mean_field_response: Float[Array, "O B"]
    policy_space: Float[Array, "O B"]
    direct_policy_space: Float[Array, "O B"]
    policy_gap: Float[Array, ""]
    direct_policy_gap: Float[Array, ""]
    held_field: Float[Array, "O B"]
    held_field_policy_space: Float[Array, "O B"]
    held_field_policy_gap: Float[Array, ""]
    objective: Float[Array, ""]
    equilibrium: Equilibrium
    certificate: Certificate

    @property
    def error_bound(self) -> Float[Array, ""]:
        """Bound on the Euclidean errors of the total and of both direct gradients, that of the certificate."""
        return self.certificate.error_bound


def stackelberg_gradient(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    initial: Numerical | None = None,
    method: SolverMethod = "auto",
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
        method: "auto", "dense" or "sparse", as in `solve_equilibrium`; the sparse side knows no condition number (NaN),
            and its error bounds are estimates from below times three.
        throw: raise when there is no gradient; if False, NaN, and `equilibrium.converged` or
            `certificate.differentiable` False.

    Returns:
        The gradient with its parts, its policy-space form and gap, and its certificate.

    Raises:
        ValueError: as `solve_equilibrium`.
        RuntimeError: equilibrium not converged or not locally unique, or the functions not differentiable there, and
            `throw`.

    Source: implicit function theorem with one adjoint solve; the objective is that of Zeng et al. (arXiv 2509.15392),
        the certificate ours.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, leader_objective, stackelberg_gradient
        >>> game, omega, step = games.load("laffer-tax"), np.zeros((1, 2)), np.array([[0.0, 1e-4]])
        >>> gradient = stackelberg_gradient(game, omega)
        >>> gradient.total.round(3).tolist()
        [[-0.061, 0.061]]
        >>> difference = (leader_objective(game, omega + step) - leader_objective(game, omega - step)) / 2e-4
        >>> bool(abs(difference - gradient.total[0, 1]) < 1e-6)
        True
    """
    game, logits = prepare(game, leader_logits)
    start = checked_start(game, initial)
    gradient = policy_gradient(game, softmax_policy(logits), start, method=method)
    if throw:
        raise_unless_converged(gradient.equilibrium)
        raise_if_singular(gradient)
    return gradient


def raise_if_singular(gradient: StackelbergGradient) -> None:
    """Raise when an equilibrium has converged and there is no gradient, at it or at one of a batch.

    Raises:
        RuntimeError: a function has no derivative there, or another than its rule says; or the Jacobian is singular.
    """
    if isinstance(gradient.total, jax.core.Tracer):
        return
    slopes = gradient.certificate.slopes
    status = np.ravel(np.asarray(slopes.status))
    broken = np.flatnonzero((status == SlopeStatus.KINK) | (status == SlopeStatus.WRONG_RULE))
    if broken.size:
        first = jax.tree.map(
            lambda leaf: np.reshape(leaf, (status.size, *leaf.shape[np.ndim(slopes.status) :])), slopes
        )
        raise NumericalError(
            f"gradient: {describe(jax.tree.map(lambda leaf: leaf[broken[0]], first))}. Likely cause: a kink such as "
            "abs, max or a clip met exactly, or a stop_gradient. Pass throw=False to get NaN and the slopes, in "
            "`certificate.slopes`."
        )
    if np.all(np.isfinite(gradient.total)):
        return
    condition = float(np.max(np.asarray(gradient.certificate.condition)))
    if np.isnan(condition):
        raise NumericalError(
            "gradient: not known although the equilibrium has converged: its adjoint equation was not solved by a "
            "Krylov method. Likely causes: slopes that are not finite, or an equilibrium that is not locally unique. "
            "method='dense' solves it by a factorisation; pass throw=False to get NaN."
        )
    raise NumericalError(
        f"gradient: not finite although the equilibrium has converged, condition number {condition:.3g}: the "
        "equilibrium is not locally unique. Likely cause: more than one recurrent class. Pass throw=False to get NaN."
    )


def policy_gradient(
    game: AbstractGame,
    leader_policy: Float[Array, "O B"],
    start: Float[Array, "..."] | None = None,
    *,
    method: SolverMethod = "auto",
) -> StackelbergGradient:
    """The gradient at a table of leader probabilities, zeros allowed; NaN where not converged, inputs unchecked."""
    if takes_sparse(game, method, leader_policy, start):
        # Sparse factors are loaded by those who use them: that takes a third of a second.
        from smfg_verify.exact.sparse.certified_gradient import sparse_gradient

        found = sparse_gradient(game, leader_policy, start)
        *parts, held = (jnp.asarray(table) for table in found.tables)
        return _assembled(leader_policy, _Tables(*parts), held, found.objective, found.equilibrium, found.certificate)
    return compiled_gradient(game, leader_policy, compiled_equilibrium(game, leader_policy, start))


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
    formula = _formula(game, leader_policy, equilibrium)
    setting, _ = _place(game, leader_policy, equilibrium)
    certificate = certify(setting, equilibrium, formula.adjoint, jnp.abs(formula.objective))
    return _assembled(leader_policy, formula.tables, formula.held_field, formula.objective, equilibrium, certificate)


def _assembled(
    leader_policy: Float[Array, "O B"],
    tables: "_Tables",
    held_field: Float[Array, "O B"],
    objective: Float[Array, ""],
    equilibrium: Equilibrium,
    certificate: Certificate,
) -> StackelbergGradient:
    """The record of derivatives in the entries of the leader's policy."""
    # Where the functions have no derivative there is no total gradient; its direct parts need none of them.
    known = jnp.where(certificate.differentiable, 1.0, jnp.nan)
    total, by_policy, by_field = (
        known * table for table in (tables.total, tables.policy_response, tables.mean_field_response)
    )
    return StackelbergGradient(
        total=to_logits(leader_policy, total),
        direct=to_logits(leader_policy, tables.direct),
        policy_response=to_logits(leader_policy, by_policy),
        mean_field_response=to_logits(leader_policy, by_field),
        policy_space=total,
        direct_policy_space=tables.direct,
        policy_gap=stationarity_gap(leader_policy, total),
        direct_policy_gap=stationarity_gap(leader_policy, tables.direct),
        held_field=to_logits(leader_policy, held_field),
        held_field_policy_space=held_field,
        held_field_policy_gap=stationarity_gap(leader_policy, held_field),
        objective=objective,
        equilibrium=equilibrium,
        certificate=certificate,
    )


def formula_at(game: AbstractGame, leader_policy: Float[Array, "O B"], equilibrium: Equilibrium) -> Float[Array, "O B"]:
    """`gradient_at` without its certificate: the total gradient, whatever one-sided differences would say of it."""
    return to_logits(leader_policy, _formula(game, leader_policy, equilibrium).tables.total)


class _Formula(NamedTuple):
    """What the gradient is computed by: Phi, its derivatives in policy entries, and the solved adjoint equation."""

    objective: Float[Array, ""]
    tables: "_Tables"
    held_field: Float[Array, "O B"]
    adjoint: Adjoint


def _formula(game: AbstractGame, leader_policy: Float[Array, "O B"], equilibrium: Equilibrium) -> _Formula:
    setting, point = _place(game, leader_policy, equilibrium)
    objective, slopes = _partials(setting, point)
    tables, adjoint = _policy_space_parts(setting, point, slopes)
    return _Formula(objective, tables, held_field_table(setting, point, slopes[0], slopes[1]), adjoint)


def _place(game: AbstractGame, leader_policy: Float[Array, "O B"], equilibrium: Equilibrium) -> tuple[Setting, Point]:
    setting = Setting(game, leader_policy, jnp.asarray(game.temperature, dtype=float))
    return setting, Point(inside(jnp.ravel(equilibrium.mean_field)), equilibrium.follower_value)


# Compiled on its own, and quickly: it runs once where Newton's method has run many times.
compiled_gradient = jit_for_game(gradient_at)


def stationarity_gap(leader_policy: Float[Array, "O B"], table: Float[Array, "O B"]) -> Float[Array, ""]:
    r"""Policy-space stationarity gap $\sum_o \max_b G(o,b) - \sum_b \phi(b|o) G(o,b) \ge 0$ of a derivative table G."""
    best = jnp.max(table, axis=-1, keepdims=True)
    return jnp.sum(leader_policy * (best - table))


class _Tables(NamedTuple):
    """Derivatives in the entries of the leader's policy, (O, B) each."""

    total: Float[Array, "O B"]
    direct: Float[Array, "O B"]
    policy_response: Float[Array, "O B"]
    mean_field_response: Float[Array, "O B"]


def _partials(setting: Setting, point: Point) -> tuple[Array, tuple[Array, Array, Array]]:
    """J_l and its partial derivatives in (leader policy, follower policy, mean field)."""
    game = setting.game
    field = point.mean_field.reshape(mean_field_shape(game))
    rows = follower_policy(setting, point)
    value_and_slopes = jax.value_and_grad(lambda phi, pi, mu: objective_at(game, phi, pi, mu), argnums=(0, 1, 2))
    return value_and_slopes(setting.leader_policy, rows, field)


def _policy_space_parts(setting: Setting, point: Point, slopes: tuple[Array, Array, Array]) -> tuple[_Tables, Adjoint]:
    """One factorisation of the transposed Jacobian, three right-hand sides: policy part, mean field part, and sum."""
    by_leader, by_follower, by_field = slopes

    def with_leader(leader_policy: Array) -> Setting:
        result: Setting = eqx.tree_at(lambda s: s.leader_policy, setting, leader_policy)
        return result

    _, pull_policy = jax.vjp(lambda phi, x: follower_policy(with_leader(phi), x), setting.leader_policy, point)
    _, pull_residual = jax.vjp(lambda phi: residual(with_leader(phi), point), setting.leader_policy)
    through_policy, policy_right = pull_policy(by_follower)
    field_right = Point(jnp.ravel(by_field), jnp.zeros_like(point.value))
    total_right = jax.tree.map(jnp.add, policy_right, field_right)
    right = jax.tree.map(lambda *columns: jnp.stack(columns, axis=1), total_right, policy_right, field_right)
    slope = jacobian(setting, point)
    fixed = stays_empty(setting, point, slope)
    matrix, right = hold(fixed, slope.transpose, right)
    solution = matrix.solve(right)
    pulled = jax.vmap(lambda column: pull_residual(column)[0], in_axes=1)(solution)
    tables = _Tables(
        total=by_leader + through_policy - pulled[0],
        direct=by_leader,
        policy_response=through_policy - pulled[1],
        mean_field_response=-pulled[2],
    )
    return tables, Adjoint(matrix, right, solution, fixed)
