r"""The best-response map $\Gamma_\phi$ around mean fields: its Jacobian at many points by one compiled program."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.accuracy import accuracy
from smfg_verify.exact.equilibrium.newton import newton, respond, to_simplex, unevaluated
from smfg_verify.exact.equilibrium.residual import Point, follower_policy, inside
from smfg_verify.exact.equilibrium.solve import TOLERANCE
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import population_law
from smfg_verify.exact.response import mean_field_response, response_jacobian, setting_of
from smfg_verify.exact.root import MAX_STEPS
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.policies import softmax_policy

# Points in a batch, at most: there are a few dozen at a time.
_LARGEST_BATCH = 16


class LocalResponse(NamedTuple):
    r"""The map $\Gamma_\phi$ at mean fields, the first axis (N) counts the points.

    Attributes:
        logits: the leader's, (N, O, B).
        temperature: tau, (N,), in units of reward.
        mean_field: where the Jacobians are taken, flattened, (N, M).
        residual: largest entry of the equilibrium residual there, (N,).
        image: $\Gamma_\phi$ of the mean field, (N, M); not finite where the map has no value (a reducible chain).
        response: $D\Gamma$, (N, M, M), row the entry of the image.
        frozen: Jacobian of the stationary law in the mean field while the follower's policy is held fixed, (N, M, M).
        error: bound on the l1 distance of the mean field from an equilibrium, (N,); infinite where nothing is known.
    """

    logits: Float[np.ndarray, "N O B"]
    temperature: Float[np.ndarray, " N"]
    mean_field: Float[np.ndarray, "N M"]
    residual: Float[np.ndarray, " N"]
    image: Float[np.ndarray, "N M"]
    response: Float[np.ndarray, "N M M"]
    frozen: Float[np.ndarray, "N M M"]
    error: Float[np.ndarray, " N"]

    @property
    def converged(self) -> np.ndarray:
        """Whether the mean field is within the solver's tolerance of an equilibrium, with a finite Jacobian, (N,)."""
        result: np.ndarray = (self.error <= TOLERANCE) & np.all(np.isfinite(self.response), axis=(1, 2))
        return result


def at_mean_fields(
    game: AbstractGame,
    logits: Float[ArrayLike, "N O B"],
    fields: Float[ArrayLike, "N M"],
    temperature: Float[ArrayLike, "*N"] | None = None,
) -> LocalResponse:
    """The map at given leaders and mean fields, which need not be equilibria.

    Args:
        game: the game, traced.
        logits: (N, O, B).
        fields: mean fields, flattened, (N, M).
        temperature: tau, one for all or one a point; the game's own if None.

    Returns:
        What is known at each point.
    """
    return _respond_at(game, logits, fields, temperature, 0)


def at_equilibria(
    game: AbstractGame,
    logits: Float[ArrayLike, "N O B"],
    starts: Float[ArrayLike, "N M"],
    temperature: Float[ArrayLike, "*N"] | None = None,
) -> LocalResponse:
    """The map at the equilibria that Newton's method reaches from given mean fields; arguments as `at_mean_fields`."""
    return _respond_at(game, logits, starts, temperature, MAX_STEPS)


def _respond_at(
    game: AbstractGame, logits: ArrayLike, fields: ArrayLike, temperature: ArrayLike | None, max_steps: int
) -> LocalResponse:
    leaders, starts = np.asarray(logits, dtype=float), np.asarray(fields, dtype=float)
    number = len(leaders)
    tau = np.broadcast_to(np.asarray(game.temperature if temperature is None else temperature, dtype=float), number)
    size, steps = batch_size(game, _LARGEST_BATCH), jax.device_put(np.asarray(max_steps))
    found = in_batches(lambda omega, field, at: _evaluate(game, omega, field, at, steps), size, leaders, starts, tau)
    return LocalResponse(leaders, tau, *found)


@jit_for_game
def _evaluate(
    game: AbstractGame, logits: Array, fields: Array, temperatures: Array, max_steps: Array
) -> tuple[Array, ...]:
    return jax.vmap(_evaluate_one, in_axes=(None, 0, 0, 0, None))(game, logits, fields, temperatures, max_steps)


def _evaluate_one(
    game: AbstractGame, logits: Array, field: Array, temperature: Array, max_steps: Array
) -> tuple[Array, ...]:
    setting = setting_of(game, softmax_policy(logits), temperature)
    field = to_simplex(field)
    start = unevaluated(Point(field, respond(setting, field)[1].value))
    landing = newton(setting, start, max_steps=max_steps)
    estimate = accuracy(setting, landing)
    # Where no step is asked for, the mean field stays the one given.
    found = jax.tree.map(lambda new, old: jnp.where(max_steps > 0, new, old), estimate.search, landing.search)
    field = found.point.mean_field
    policy = follower_policy(setting, found.point)

    def law(field: Array) -> Array:
        model = follower_model(tabulate(game, field.reshape(mean_field_shape(game))), setting.leader_rows)
        return population_law(game, model, policy)

    image, frozen = mean_field_response(setting, field), jax.jacfwd(law)(inside(field))
    response = response_jacobian(setting, inside(field))
    return field, found.norm, image, response, frozen, estimate.mean_field_error


def field_size(game: AbstractGame) -> int:
    """Number M of entries of the mean field."""
    return int(np.prod(mean_field_shape(game)))


def uniform_field(game: AbstractGame) -> Float[np.ndarray, " M"]:
    """The uniform mean field, flattened."""
    return np.full(field_size(game), 1.0 / field_size(game))


def tangent_basis(size: int) -> Float[np.ndarray, "M k"]:
    """Orthonormal basis of the vectors of `size` entries that sum to zero, k = size - 1 columns."""
    columns = np.eye(size)[:, 1:] - 1.0 / size
    return np.linalg.qr(columns)[0] if size > 1 else np.zeros((1, 0))


def on_tangents(jacobian: Float[np.ndarray, "M M"]) -> Float[np.ndarray, "k k"]:
    """A Jacobian that takes tangents of the simplex to tangents, in an orthonormal basis of them."""
    basis = tangent_basis(len(jacobian))
    result: Float[np.ndarray, "k k"] = basis.T @ jacobian @ basis
    return result


def steepest_pair(jacobian: Float[np.ndarray, "M M"]) -> tuple[float, int, int]:
    r"""Tangent l1 norm $\frac12 \max_{ij} \|D(e_i - e_j)\|_1$ and the pair that attains it; NaN stays NaN."""
    if not np.all(np.isfinite(jacobian)):
        return float("nan"), 0, 0
    columns = jacobian.T
    distances = np.array([np.sum(np.abs(columns - column), axis=1) for column in columns])
    i, j = np.unravel_index(np.argmax(distances), distances.shape)
    return 0.5 * float(distances[i, j]), int(i), int(j)


def tangent_norms(jacobians: Float[np.ndarray, "N M M"]) -> Float[np.ndarray, " N"]:
    """Tangent l1 norm of each Jacobian, (N,)."""
    return np.array([steepest_pair(jacobian)[0] for jacobian in jacobians])


def tangent_spectrum(jacobian: Float[np.ndarray, "M M"]) -> np.ndarray:
    """Eigenvalues (complex) on the tangents of the simplex, (k,); NaN where the Jacobian is not finite."""
    if not np.all(np.isfinite(jacobian)):
        return np.full(len(jacobian) - 1, np.nan, dtype=complex)
    return np.linalg.eigvals(on_tangents(jacobian)).astype(complex)


def tangent_radius(jacobian: Float[np.ndarray, "M M"]) -> float:
    """Spectral radius on the tangents of the simplex."""
    return float(np.max(np.abs(tangent_spectrum(jacobian)), initial=0.0))


def scheme_ratio(response: Float[np.ndarray, "M M"], frozen: Float[np.ndarray, "M M"]) -> float:
    r"""Spectral radius of $\partial q^\tau(\cdot | \Lambda(\sigma(\zeta)), \sigma(\zeta)) / \partial \zeta$ over tau.

    Here sigma is the softmax, Lambda(pi) the mean field that a policy reproduces, and q the regularised action value.
    At an equilibrium the action value of the greedy policy does not react to the policy itself (envelope theorem),
    so with A the frozen Jacobian and $D\Gamma = A + B\,\partial_m q / \tau$, B the law's slope in zeta, the matrix over
    tau is $\partial_m q\,(I - A)^{-1} B / \tau$, whose non-zero eigenvalues are those of $(I - A)^{-1}(D\Gamma - A)$.

    Args:
        response: D Gamma at an equilibrium, (M, M).
        frozen: A, (M, M).

    Returns:
        The ratio; below 1 the iterated softmax scheme converges locally. NaN where a Jacobian is not finite.

    Source: local criterion of iterated softmax schemes (arXiv 2510.21442, Lemma 1).
    """
    if not (np.all(np.isfinite(response)) and np.all(np.isfinite(frozen))):
        return float("nan")
    fixed = on_tangents(frozen)
    try:
        matrix = np.linalg.solve(np.eye(len(fixed)) - fixed, on_tangents(response) - fixed)
    except np.linalg.LinAlgError:
        return float("inf")
    return float(np.max(np.abs(np.linalg.eigvals(matrix)), initial=0.0))
