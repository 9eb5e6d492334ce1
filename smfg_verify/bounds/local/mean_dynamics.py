"""The mean dynamics of AC-SMFG: the expected direction of one update, exactly, with its Jacobian."""

from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.local.components import Components, component_shapes
from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.kernel import FollowerModel, Kernel, follower_model, tabulate
from smfg_verify.exact.population import chain, discounted_occupancy, population_law
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import AbstractGame, compiled_for_game, traced, validate
from smfg_verify.policies import observed_rows
from smfg_verify.records.portable import reduce_portable

# A mean field may leave the simplex by the rounding of the solve it comes from.
_MASS_TOLERANCE = 1e-6


class ExpectedUpdate(NamedTuple):
    r"""Expected update directions given the states that the two chains are in, and the laws of these states.

    Attributes:
        leader_rows: $E[\delta_l \nabla \log\phi(\cdot|s) | s]$, the row of omega that state s uses, (n, B).
        follower_rows: $E[\delta_f \nabla \log\pi(\cdot|s) | s]$, (n, A).
        leader_errors: $E[\delta_l | s]$, (n,), in units of reward.
        follower_errors: $E[\delta_f | s]$, (n,), in units of reward.
        occupancy: d, the law of s, (n,).
        population: law of the point the mean field moves to, (n,) or (n, A).
        transition: P(s' | s) of the current policies at mu_hat, (n, n).
    """

    leader_rows: Float[Array, "n B"]
    follower_rows: Float[Array, "n A"]
    leader_errors: Float[Array, " n"]
    follower_errors: Float[Array, " n"]
    occupancy: Float[Array, " n"]
    population: Float[Array, " n *A"]
    transition: Float[Array, "n n"]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


def mean_dynamics(game: AbstractGame, iterate: Components) -> Components:
    r"""Expected update of AC-SMFG over its step size, $h(x) = E[\text{direction} | x]$, nothing sampled.

    With $s \sim d$ (discounted occupancy), $\bar s \sim \nu$ (stationary law), both of the current policies at
    $\hat\mu$: $h_\omega = E[\delta_l \nabla\log\phi(b|s)]$, $h_\theta = E[\delta_f \nabla\log\pi(a|s)]$,
    $h_V = D_d (T^\pi V - V)$ for both critics, $h_\mu = \nu - \hat\mu$ (on state-action pairs
    $\nu(s)\pi(a|s) - \hat\mu(s,a)$). The projection of the critics to their boxes is left out.

    Args:
        game: the game.
        iterate: omega (O, B), theta (n, A), V_l and V_f (n,) in units of reward, mu_hat (n,) or (n, A).

    Returns:
        The five directions, of the shapes of the iterate; differentiable by JAX.

    Raises:
        ValueError: an invalid game, float64 off, a component of the wrong shape or not finite, or a mean field that
            is not a distribution.

    Source: the updates of AC-SMFG of Zeng et al. (arXiv 2509.15392) under the laws of its "iid" sampling.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import Components, mean_dynamics
        >>> zero = jnp.zeros(2)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> direction = mean_dynamics(games.load("laffer-tax"), iterate)
        >>> direction.leader_logits.round(3).tolist()  # towards the higher tax
        [[-0.125, 0.125]]
        >>> bool(abs(direction.mean_field.sum()) < 1e-12)  # mass is kept
        True
    """
    return dynamics_at(*prepared(game, iterate))


def mean_dynamics_jacobian(game: AbstractGame, iterate: Components) -> Float[np.ndarray, "N N"]:
    r"""Jacobian $\partial h / \partial x$ of the mean dynamics over the flattened five components, in their order.

    Args:
        game: the game.
        iterate: as in `mean_dynamics`.

    Returns:
        (N, N), N = O B + n A + 2 n + M, rows are components of h.

    Raises:
        ValueError: as `mean_dynamics`.

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import Components, mean_dynamics_jacobian
        >>> zero = jnp.zeros(2)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> jacobian = mean_dynamics_jacobian(games.load("laffer-tax"), iterate)
        >>> jacobian.shape, np.allclose(jacobian[:, :2].sum(axis=1), 0.0)  # softmax sees no shift
        ((12, 12), True)
    """
    return np.asarray(linearised(*prepared(game, iterate))[1])


def prepared(game: AbstractGame, iterate: Components) -> tuple[AbstractGame, Components]:
    """A game ready to be traced and a checked iterate as float64 arrays.

    Raises:
        ValueError: as `mean_dynamics`.
    """
    validate(game)
    game = traced(game)
    require_float64(game)
    arrays = Components(*(jnp.asarray(component, dtype=float) for component in iterate))
    for name, array, shape in zip(Components._fields, arrays, component_shapes(game), strict=True):
        if array.shape != shape:
            raise InputError(f"iterate.{name}: got shape {array.shape}, expected {shape} for this game, without lanes.")
        if not isinstance(array, jax.core.Tracer) and not np.all(np.isfinite(array)):
            raise InputError(f"iterate.{name}: got NaN or infinite entries; likely cause: a run that diverged.")
    _check_distribution(arrays.mean_field)
    return game, arrays


def _check_distribution(mean_field: Array) -> None:
    if isinstance(mean_field, jax.core.Tracer):
        return
    numbers = np.asarray(mean_field)
    if numbers.min() < -_MASS_TOLERANCE or abs(numbers.sum() - 1.0) > _MASS_TOLERANCE:
        raise InputError(
            f"iterate.mean_field: got minimum {numbers.min():.3g} and sum {numbers.sum():.9g}, expected a probability "
            "distribution; likely cause: a vector that was not normalised."
        )


def expected_update(game: AbstractGame, iterate: Components) -> ExpectedUpdate:
    """The expected directions state by state, unchecked, for use inside jit and vmap.

    Args:
        game: the game, traced.
        iterate: as in `mean_dynamics`.

    Returns:
        Conditional expectations and the laws they are averaged over.
    """
    log_leader = observed_rows(jax.nn.log_softmax(iterate.leader_logits), game.leader_observation)
    log_follower = jax.nn.log_softmax(iterate.follower_logits)
    kernel = tabulate(game, iterate.mean_field)
    model = follower_model(kernel, jnp.exp(log_leader))
    follower = jnp.exp(log_follower)
    transition = chain(follower, model.transition)
    by_leader = _leader_errors(game, kernel, log_leader, follower, iterate.leader_critic)
    by_follower = _follower_errors(game, model, log_follower, iterate.follower_critic)
    return ExpectedUpdate(
        leader_rows=_times_score(jnp.exp(log_leader), by_leader),
        follower_rows=_times_score(follower, by_follower),
        leader_errors=jnp.sum(jnp.exp(log_leader) * by_leader, axis=-1),
        follower_errors=jnp.sum(follower * by_follower, axis=-1),
        occupancy=discounted_occupancy(transition, jnp.asarray(game.initial_distribution), game.discount),
        population=population_law(game, model, follower).reshape(iterate.mean_field.shape),
        transition=transition,
    )


def _leader_errors(
    game: AbstractGame, kernel: Kernel, log_leader: Array, follower: Array, critic: Array
) -> Float[Array, "n B"]:
    """E[delta_l | s, b]: the leader's temporal difference, averaged over follower's action and next state."""
    target = kernel.leader_reward + game.discount * (kernel.transition @ critic)
    return jnp.einsum("sa,sab->sb", follower, target) - game.leader_temperature * log_leader - critic[:, None]


def _follower_errors(
    game: AbstractGame, model: FollowerModel, log_follower: Array, critic: Array
) -> Float[Array, "n A"]:
    """E[delta_f | s, a]: the follower's temporal difference, averaged over leader's action and next state."""
    target = model.reward + game.discount * (model.transition @ critic)
    return target - game.temperature * log_follower - critic[:, None]


def _times_score(policy: Float[Array, "n k"], errors: Float[Array, "n k"]) -> Float[Array, "n k"]:
    r"""Row s: $\sum_a \pi(a|s) \delta(s,a) (e_a - \pi(\cdot|s))$."""
    return policy * (errors - jnp.sum(policy * errors, axis=-1, keepdims=True))


def mean_dynamics_at(game: AbstractGame, iterate: Components) -> Components:
    """`mean_dynamics` without checks, for use inside jit and vmap; non-finite where a chain has several classes.

    Args:
        game: the game, traced.
        iterate: as in `mean_dynamics`.

    Returns:
        The five directions.
    """
    expected = expected_update(game, iterate)
    occupancy = expected.occupancy
    rows = jnp.asarray(game.leader_observation)
    return Components(
        leader_logits=jnp.zeros_like(iterate.leader_logits).at[rows].add(occupancy[:, None] * expected.leader_rows),
        follower_logits=occupancy[:, None] * expected.follower_rows,
        leader_critic=occupancy * expected.leader_errors,
        follower_critic=occupancy * expected.follower_errors,
        mean_field=expected.population - iterate.mean_field,
    )


dynamics_at = compiled_for_game(mean_dynamics_at)


def linearised_at(game: AbstractGame, iterate: Components) -> tuple[Components, Float[Array, "N N"]]:
    """The mean dynamics and its Jacobian over the flattened components, unchecked, for use inside jit and vmap.

    Args:
        game: the game, traced.
        iterate: as in `mean_dynamics`.

    Returns:
        h, and dh/dx of shape (N, N).
    """
    flat, unravel = jax.flatten_util.ravel_pytree(iterate)
    slope = jax.jacfwd(lambda x: jax.flatten_util.ravel_pytree(mean_dynamics_at(game, unravel(x)))[0])(flat)
    return mean_dynamics_at(game, iterate), slope


linearised = jit_for_game(linearised_at)
