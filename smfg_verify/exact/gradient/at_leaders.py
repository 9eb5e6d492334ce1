"""Gradients at many leader policies at once: random ones, those of a run, those a search proposes."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float
from scipy.special import softmax

from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.cooling import cooled
from smfg_verify.exact.equilibrium.rescue import with_rescue_of_points
from smfg_verify.exact.gradient.stackelberg import StackelbergGradient, gradient_of_logits, policy_gradient
from smfg_verify.exact.precision import require_float64
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.game import AbstractGame, mean_field_shape, traced, validate
from smfg_verify.policies import softmax_policy
from smfg_verify.records.entries import Arguments

# Few leaders need the costly searches, which go on until the last of a batch is done, so that those batches are small.
_RESCUE_BATCH = 8


class LeaderPoints(NamedTuple):
    """Leader policies and what is known at each; the first axis (N) counts them. NaN where not converged.

    Attributes:
        logits: (N, O, B).
        total: grad Phi, (N, O, B).
        direct: direct part of it, follower's policy and mean field held, (N, O, B).
        held: part of it with the mean field alone held, to which the follower's policy answers, (N, O, B).
        total_table: dPhi/dphi in the policy's entries, (N, O, B).
        direct_table, held_table: the same of `direct` and of `held`, (N, O, B).
        total_gap: policy-space stationarity gap, (N,).
        direct_gap, held_gap: the same of `direct` and of `held`, (N,).
        objective: Phi, (N,).
        mean_field: (N, n) or (N, n, A).
        follower_policy: (N, n, A).
        follower_value: (N, n), in units of reward.
        error: bound on the Euclidean errors of `total`, `direct` and `held`, rounding included, (N,).
        objective_error: bound on that of `objective`, (N,).
        field_error: bound on the l1 error of `mean_field`, (N,).
        converged: (N,).
        rescued: Newton failed and a later search converged, (N,).
    """

    logits: Float[np.ndarray, "N O B"]
    total: Float[np.ndarray, "N O B"]
    direct: Float[np.ndarray, "N O B"]
    held: Float[np.ndarray, "N O B"]
    total_table: Float[np.ndarray, "N O B"]
    direct_table: Float[np.ndarray, "N O B"]
    held_table: Float[np.ndarray, "N O B"]
    total_gap: Float[np.ndarray, " N"]
    direct_gap: Float[np.ndarray, " N"]
    held_gap: Float[np.ndarray, " N"]
    objective: Float[np.ndarray, " N"]
    mean_field: Float[np.ndarray, "N ..."]
    follower_policy: Float[np.ndarray, "N n A"]
    follower_value: Float[np.ndarray, "N n"]
    error: Float[np.ndarray, " N"]
    objective_error: Float[np.ndarray, " N"]
    field_error: Float[np.ndarray, " N"]
    converged: Bool[np.ndarray, " N"]
    rescued: Bool[np.ndarray, " N"]

    def at(self, index: int | slice | np.ndarray) -> "LeaderPoints":
        """The points an index, slice or mask selects."""
        return LeaderPoints(*(leaf[index] for leaf in self))

    @property
    def not_differentiable(self) -> Bool[np.ndarray, " N"]:
        """Whether there is an equilibrium but no total gradient, at a kink of the game's functions, (N,)."""
        return self.converged & np.isposinf(self.error)

    @property
    def total_norm(self) -> Float[np.ndarray, " N"]:
        """Euclidean norm of the total gradient in logits."""
        result: Float[np.ndarray, " N"] = np.linalg.norm(self.total, axis=(1, 2))
        return result

    @property
    def direct_norm(self) -> Float[np.ndarray, " N"]:
        """Euclidean norm of the direct part in logits."""
        result: Float[np.ndarray, " N"] = np.linalg.norm(self.direct, axis=(1, 2))
        return result

    @property
    def held_norm(self) -> Float[np.ndarray, " N"]:
        """Euclidean norm in logits of the part with the mean field alone held."""
        result: Float[np.ndarray, " N"] = np.linalg.norm(self.held, axis=(1, 2))
        return result


def checked(game: AbstractGame) -> AbstractGame:
    """The game, validated and ready to be traced.

    Raises:
        ValueError: an invalid game, or float64 off.
    """
    validate(game)
    game = traced(game)
    require_float64(game)
    return game


def joined(*parts: LeaderPoints) -> LeaderPoints:
    """Several sets of points as one, in order."""
    return LeaderPoints(*(np.concatenate(leaves) for leaves in zip(*parts, strict=True)))


def evaluate_leaders(
    game: AbstractGame,
    logits: Float[ArrayLike, "N O B"],
    mean_fields: Float[ArrayLike, "N ..."] | None = None,
    *,
    rescue: bool = True,
    most: int | None = None,
) -> LeaderPoints:
    """Equilibrium, gradient and error bounds of each leader, in batches of one compiled shape.

    Newton is tried on all; those it fails on are started again from the end of a walk down from a high temperature, and
    only what is left is solved by the searches that hardly fail but take long to compile.

    Args:
        game: the game, traced.
        logits: (N, O, B).
        mean_fields: where each equilibrium search starts, (N, n) or (N, n, A); uniform if None.
        rescue: whether to solve again where Newton fails.
        most: leaders in a batch, at most; None for as many as memory and a limit of ours allow.

    Returns:
        The points, NaN with `converged` False where every search that was tried failed.
    """
    logits = np.asarray(logits, dtype=float)
    shape = mean_field_shape(game)
    if mean_fields is None:
        mean_fields = np.full((len(logits), *shape), 1.0 / np.prod(shape))
    if takes_sparse(game):
        # Sparse factors are those of one leader, whose search cools down by itself.
        found = [
            _evaluate_alone(game, omega, field) for omega, field in zip(logits, np.asarray(mean_fields), strict=True)
        ]
        return LeaderPoints(*(np.stack(leaves) for leaves in zip(*found, strict=True)))
    attempt = functools.partial(_evaluate_all, game, most)
    at = (logits, np.asarray(mean_fields, dtype=float))
    if not rescue:
        return attempt(*at, rescue=False)
    warm = functools.partial(_cooled_starts, game)
    points, again = with_rescue_of_points(attempt, lambda found: ~found.converged, *at, warm=warm)
    return points._replace(rescued=again & points.converged)


def evaluate_where_finite(game: AbstractGame, logits: Float[ArrayLike, "N O B"]) -> LeaderPoints:
    """`evaluate_leaders` of logits of which some may be NaN or infinite: NaN there, and not converged.

    Args:
        game: the game, traced.
        logits: (N, O, B), such as the ends of runs that may have diverged.

    Returns:
        The points.
    """
    logits = np.asarray(logits, dtype=float)
    lost = np.logical_not(np.all(np.isfinite(logits), axis=(1, 2)))
    points = evaluate_leaders(game, np.where(lost[:, None, None], 0.0, logits))
    for leaf in points:
        leaf[lost] = False if leaf.dtype == bool else np.nan
    return points


def _cooled_starts(game: AbstractGame, logits: np.ndarray, mean_fields: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same leaders, each with the mean field that a walk down from a high temperature ends at, if it arrives."""
    starts = mean_fields.copy()
    for k, omega in enumerate(logits):
        last = cooled(game, softmax(omega, axis=-1))
        if last is not None:
            starts[k] = np.asarray(last.point.mean_field).reshape(starts[k].shape)
    return logits, starts


def _evaluate_all(
    game: AbstractGame, most: int | None, logits: np.ndarray, mean_fields: np.ndarray, *, rescue: bool
) -> LeaderPoints:
    size = batch_size(game) if most is None else min(most, batch_size(game))
    size = min(size, _RESCUE_BATCH) if rescue else size
    return in_batches(lambda omega, start: _evaluate(game, omega, start, rescue), size, logits, mean_fields)


@jit_for_game
def _evaluate(
    game: AbstractGame, logits: Float[Array, "K O B"], mean_fields: Float[Array, "K ..."], rescue: bool
) -> LeaderPoints:
    return jax.vmap(lambda omega, start: _evaluate_one(game, omega, start, rescue))(logits, mean_fields)


def _evaluate_one(game: AbstractGame, logits: Array, start: Array, rescue: bool) -> LeaderPoints:
    return _point(logits, gradient_of_logits(game, logits, start, rescue=rescue))


def _evaluate_alone(game: AbstractGame, logits: np.ndarray, start: np.ndarray) -> LeaderPoints:
    gradient = policy_gradient(game, softmax_policy(jnp.asarray(logits)), jnp.asarray(start))
    result: LeaderPoints = jax.tree.map(np.asarray, _point(jnp.asarray(logits), gradient))
    return result


def _point(logits: Array, gradient: StackelbergGradient) -> LeaderPoints:
    found = gradient.equilibrium
    # JAX arrays here, NumPy arrays once out of jit.
    fields: Arguments = {
        "logits": logits,
        "total": gradient.total,
        "direct": gradient.direct,
        "held": gradient.held_field,
        "total_table": gradient.policy_space,
        "direct_table": gradient.direct_policy_space,
        "held_table": gradient.held_field_policy_space,
        "total_gap": gradient.policy_gap,
        "direct_gap": gradient.direct_policy_gap,
        "held_gap": gradient.held_field_policy_gap,
        "objective": gradient.objective,
        "mean_field": found.mean_field,
        "follower_policy": found.follower_policy,
        "follower_value": found.follower_value,
        "error": gradient.certificate.error_bound,
        "objective_error": gradient.certificate.objective_error_bound,
        "field_error": found.error_bound,
        "converged": found.converged,
        "rescued": jnp.zeros_like(found.converged),
    }
    return LeaderPoints(**fields)


def advantage(logits: Float[np.ndarray, "N O B"], table: Float[np.ndarray, "N O B"]) -> Float[np.ndarray, "N O B"]:
    r"""Natural gradient in logits of a policy-space table, $G(o,b) - \sum_{b'} \phi(b'|o) G(o,b')$."""
    policy = softmax(logits, axis=-1)
    result: Float[np.ndarray, "N O B"] = table - np.sum(policy * table, axis=-1, keepdims=True)
    return result
