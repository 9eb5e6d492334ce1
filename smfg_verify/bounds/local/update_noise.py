"""The noise of AC-SMFG at a frozen iterate: its asymptotic covariance in both sampling modes, and the bias it makes."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.local.components import Components, component_shapes
from smfg_verify.bounds.local.mean_dynamics import ExpectedUpdate, expected_update, prepared
from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.kernel import tabulate
from smfg_verify.exact.population import solve_linear
from smfg_verify.game import AbstractGame
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.records.portable import reduce_portable
from smfg_verify.stochastic.iterate import Sampling

# Entries of the table of directions over all tuples (s, a, b, s') (512 MiB of float64).
_MAX_ENTRIES = 2**26


class UpdateNoise(NamedTuple):
    r"""Noise of the update directions at one iterate, components flattened in their order (N entries).

    Attributes:
        one_step: covariance of one direction, $C_0$, (N, N); all of it under "iid" sampling.
        covariance: asymptotic covariance $C_0 + \sum_{t \ge 1} (C_t + C_t^T)$ in the mode asked for, (N, N).
        drift: what an iterate that moves by step times noise adds to the mean direction, over the scale of the
            steps, (N,): in "markov" mode the chains remember the directions that moved the iterate; zero in "iid".
        poisson_residual: largest error of the two Poisson equations behind it, relative to their right-hand sides.

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import Components, update_noise
        >>> zero = jnp.zeros(2)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> noise = update_noise(games.load("laffer-tax"), iterate, np.ones(12), "markov")
        >>> noise.covariance.shape, noise.poisson_residual < 1e-9
        ((12, 12), True)
    """

    one_step: Float[np.ndarray, "N N"]
    covariance: Float[np.ndarray, "N N"]
    drift: Float[np.ndarray, " N"]
    poisson_residual: float

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


def update_noise(
    game: AbstractGame, iterate: Components, step_constants: Float[np.ndarray, " N"], sampling: Sampling
) -> UpdateNoise:
    r"""Asymptotic covariance of the update directions at a frozen iterate, by finite sums and Poisson equations.

    The learners' four directions share one tuple $(s, a, b, s')$; the mean field's direction comes from the second
    sample, independent of the first given the iterate, so that the two blocks are uncorrelated. In "markov" mode s
    moves by $K = \gamma P + (1-\gamma) 1 \rho^T$ (next state s' with probability gamma, else a fresh draw) and
    $\bar s$ by P. With $m(s) = E[X|s]$ and W the solution of $(I - K + 1 d^T) W = m - 1 h^T$,
    $\sum_{t\ge1} C_t = E[X (\gamma W(s') + (1-\gamma) \rho^T W)^T]$; for the mean field, $\sum_{t \ge 1} C_t(x, y) =
    \mu(x) (Z - I)(s_x, s_y) \pi(a_y|s_y)$ with $Z = (I - P + 1\nu^T)^{-1}$ (an action that the field is moved to is
    drawn at the state, apart from the one that moves the chain).

    Args:
        game: the game.
        iterate: where it is frozen, as in `mean_dynamics`.
        step_constants: of each flattened entry, (N,), dimensionless; only the drift depends on them.
        sampling: "markov" or "iid".

    Returns:
        Covariances and drift; units are those of the directions.

    Raises:
        ValueError: as `mean_dynamics`, an unknown sampling, or a game too large for the sum over all tuples.

    Source: central limit theorem of Markov chains (Kemeny and Snell, fundamental matrix); drift by the Poisson
        equation as in Benveniste, Metivier and Priouret (1990), part II.

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import Components, update_noise
        >>> zero = jnp.zeros(2)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> noise = update_noise(games.load("laffer-tax"), iterate, np.ones(12), "iid")
        >>> np.allclose(noise.covariance, noise.one_step), bool((noise.drift == 0.0).all())  # no memory
        (True, True)
    """
    if sampling not in ("markov", "iid"):
        raise InputError(f"sampling: got {sampling!r}, expected 'markov' or 'iid'.")
    game, arrays = prepared(game, iterate)
    check_size(game)
    constants = jnp.asarray(step_constants, dtype=float)
    one_step, covariance, drift, residual = _noise(game, arrays, constants, sampling == "markov")
    return UpdateNoise(np.asarray(one_step), np.asarray(covariance), np.asarray(drift), float(residual))


def check_size(game: AbstractGame) -> None:
    """Refuse a game whose noise is not summed exactly.

    Raises:
        ValueError: more than 2^26 entries in the table of directions.
    """
    tuples = game.num_states**2 * game.num_follower_actions * game.num_leader_actions
    learned = sum(math.prod(shape) for shape in component_shapes(game)[:4])
    if tuples * learned > _MAX_ENTRIES:
        raise InputError(
            f"game: {tuples} tuples (s, a, b, s') times {learned} learned numbers, expected at most {_MAX_ENTRIES} "
            "in all; the noise of a game of this size is not summed exactly."
        )


@jit_for_game
def _noise(
    game: AbstractGame, iterate: Components, constants: Float[Array, " N"], markov: bool
) -> tuple[Array, Array, Array, Array]:
    laws = expected_update(game, iterate)
    directions, weights = _learner_directions(game, iterate, laws.occupancy)
    one_step, covariance, residual = _covariances(game, iterate, laws, directions, weights, markov)
    drift = _drift(game, iterate, laws, directions, weights, constants) if markov else jnp.zeros_like(constants)
    return one_step, covariance, drift, residual


def noise_covariance(
    game: AbstractGame, iterate: Components, markov: bool
) -> tuple[Float[Array, "N N"], Float[Array, "N N"], Float[Array, ""]]:
    """`one_step`, `covariance` and `poisson_residual` of `update_noise`, unchecked, for use inside jit and vmap.

    Args:
        game: the game, traced.
        iterate: where it is frozen.
        markov: whether the chains' memory counts.

    Returns:
        The three of them.
    """
    laws = expected_update(game, iterate)
    directions, weights = _learner_directions(game, iterate, laws.occupancy)
    return _covariances(game, iterate, laws, directions, weights, markov)


def _covariances(
    game: AbstractGame, iterate: Components, laws: ExpectedUpdate, directions: Array, weights: Array, markov: bool
) -> tuple[Array, Array, Array]:
    learned, residual_l = _learner_noise(game, iterate, laws, directions, weights)
    field, residual_f = _field_noise(game, iterate, laws)
    one_step = jax.scipy.linalg.block_diag(learned[0], field[0])
    if not markov:
        return one_step, one_step, jnp.zeros(())
    crossed = jax.scipy.linalg.block_diag(learned[1], field[1])
    return one_step, one_step + crossed + crossed.T, jnp.maximum(residual_l, residual_f)


def _learner_directions(game: AbstractGame, iterate: Components, occupancy: Array) -> tuple[Array, Array]:
    """Directions of the four learned components for every tuple, (n, A, B, n, L), and the tuples' probabilities."""
    n = game.num_states
    log_leader = observed_rows(jax.nn.log_softmax(iterate.leader_logits), game.leader_observation)
    log_follower = jax.nn.log_softmax(iterate.follower_logits)
    leader, follower = jnp.exp(log_leader), jnp.exp(log_follower)
    kernel = tabulate(game, iterate.mean_field)
    leader_bonus = -game.leader_temperature * log_leader[:, None, :]
    follower_bonus = -game.temperature * log_follower[:, :, None]

    def errors(reward: Array, critic: Array) -> Array:
        start = critic[:, None, None, None]
        return reward[..., None] + game.discount * critic - start

    delta_l = errors(kernel.leader_reward + leader_bonus, iterate.leader_critic)[..., None]
    delta_f = errors(kernel.follower_reward + follower_bonus, iterate.follower_critic)[..., None]
    own_row = jax.nn.one_hot(jnp.asarray(game.leader_observation), iterate.leader_logits.shape[0])
    own_state = jnp.eye(n)
    score_l = jnp.eye(leader.shape[1])[None] - leader[:, None, :]
    score_f = jnp.eye(follower.shape[1])[None] - follower[:, None, :]
    score_l = (own_row[:, None, :, None] * score_l[:, :, None, :]).reshape(n, 1, leader.shape[1], 1, -1)
    score_f = (own_state[:, None, :, None] * score_f[:, :, None, :]).reshape(n, follower.shape[1], 1, 1, -1)
    visited = own_state[:, None, None, None, :]
    directions = jnp.concatenate([delta_l * score_l, delta_f * score_f, delta_l * visited, delta_f * visited], axis=-1)
    chosen = occupancy[:, None, None] * follower[:, :, None] * leader[:, None, :]
    return directions, chosen[..., None] * kernel.transition


def _learner_noise(
    game: AbstractGame, iterate: Components, laws: ExpectedUpdate, directions: Array, weights: Array
) -> tuple[tuple[Array, Array], Array]:
    size = directions.shape[-1]
    rows, probabilities = directions.reshape(-1, size), weights.ravel()
    mean = probabilities @ rows
    one_step = (rows * probabilities[:, None]).T @ rows - jnp.outer(mean, mean)
    solution, residual = _learner_poisson(game, iterate)
    after = game.discount * solution + (1.0 - game.discount) * jnp.asarray(game.initial_distribution) @ solution
    by_next_state = jnp.einsum("sabt,sabtl->tl", weights, directions)
    return (one_step, by_next_state.T @ after), residual


def _field_noise(game: AbstractGame, iterate: Components, laws: ExpectedUpdate) -> tuple[tuple[Array, Array], Array]:
    flat = jnp.ravel(laws.population)
    # W = Z (P - 1 nu^T) = Z - I, spread over the actions at the state arrived at.
    solution, residual = _field_poisson(game, iterate)
    actions = flat.size // solution.shape[0]
    crossed = flat[:, None] * jnp.repeat(solution, actions, axis=0)
    return (jnp.diag(flat) - jnp.outer(flat, flat), crossed), residual


def _solve_columns(matrix: Array, right: Array) -> tuple[Array, Array]:
    """Columns of a system solved one by one, and the largest residual relative to the right-hand side."""
    solution = jax.vmap(solve_linear, in_axes=(None, 1), out_axes=1)(matrix, right)
    defect = jnp.max(jnp.abs(matrix @ solution - right))
    return solution, defect / jnp.maximum(jnp.max(jnp.abs(right)), jnp.finfo(defect.dtype).tiny)


def _learner_poisson(game: AbstractGame, iterate: Components) -> tuple[Array, Array]:
    r"""W(s) with $W - K W = m - h$, $d^T W = 0$, for the chain with restarts, (n, L)."""
    laws = expected_update(game, iterate)
    own_row = jax.nn.one_hot(jnp.asarray(game.leader_observation), iterate.leader_logits.shape[0])
    own_state = jnp.eye(game.num_states)
    parts = [
        own_row[:, :, None] * laws.leader_rows[:, None, :],
        own_state[:, :, None] * laws.follower_rows[:, None, :],
        own_state * laws.leader_errors,
        own_state * laws.follower_errors,
    ]
    conditional = jnp.concatenate([part.reshape(game.num_states, -1) for part in parts], axis=1)
    restarts = (1.0 - game.discount) * jnp.asarray(game.initial_distribution)
    matrix = jnp.eye(game.num_states) - game.discount * laws.transition - restarts + laws.occupancy
    return _solve_columns(matrix, conditional - laws.occupancy @ conditional)


def _field_poisson(game: AbstractGame, iterate: Components) -> tuple[Array, Array]:
    r"""The same for the chain without restarts, whose direction is that of the state it moves to, (n, M)."""
    laws = expected_update(game, iterate)
    n = game.num_states
    states = jnp.sum(laws.population.reshape(n, -1), axis=1)
    arrivals = laws.transition
    if iterate.mean_field.ndim == 2:
        follower = softmax_policy(iterate.follower_logits)
        arrivals = (arrivals[:, :, None] * follower[None]).reshape(n, -1)
    matrix = jnp.eye(n) - laws.transition + states
    return _solve_columns(matrix, arrivals - jnp.ravel(laws.population))


def _drift(
    game: AbstractGame, iterate: Components, laws: ExpectedUpdate, directions: Array, weights: Array, constants: Array
) -> Array:
    r"""$E[\partial_x W(s_{k+1}) \, D X_k]$ for both chains, the noise's own contribution to the mean direction."""
    flat, unravel = jax.flatten_util.ravel_pytree(iterate)
    learned = directions.shape[-1]
    by_next_state = jnp.einsum("sabt,sabtl->tl", weights, directions)
    initial = jnp.asarray(game.initial_distribution)
    by_chain = game.discount * by_next_state + (1.0 - game.discount) * initial[:, None] * jnp.sum(by_next_state, 0)
    n = game.num_states
    moved = _field_directions(laws.population.reshape(n, -1), iterate)
    chains = (
        (_learner_poisson, jnp.pad(by_chain, ((0, 0), (0, flat.size - learned)))),
        (_field_poisson, jnp.pad(moved, ((0, 0), (learned, 0)))),
    )
    parts = []
    for poisson, tangents in chains:

        def row(
            state: Array, tangent: Array, poisson: Callable[[AbstractGame, Components], tuple[Array, Array]] = poisson
        ) -> Array:
            result: Array = jax.jvp(lambda x: poisson(game, unravel(x))[0][state], (flat,), (tangent,))[1]
            return result

        rows = jax.lax.map(lambda pair, row=row: row(*pair), (jnp.arange(n), constants * tangents))
        parts.append(jnp.sum(rows, axis=0))
    return jnp.concatenate(parts)


def _field_directions(law: Array, iterate: Components) -> Array:
    """E[1{s_bar' = s} (e - mu_hat)] for every s, (n, M)."""
    n = law.shape[0]
    if iterate.mean_field.ndim == 1:
        arrived = jnp.diag(law[:, 0])
    else:
        arrived = (jnp.eye(n)[:, :, None] * law[:, None, :]).reshape(n, -1)
    return arrived - jnp.sum(law, axis=1)[:, None] * jnp.ravel(iterate.mean_field)
