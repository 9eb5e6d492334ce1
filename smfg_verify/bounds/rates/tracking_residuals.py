"""Residuals of follower and critics at one iterate against its own mean field: no equilibrium is needed."""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.at_iterate import AtIterate, at_iterate
from smfg_verify.exact.batching import batch_size as at_once
from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import softmax_policy
from smfg_verify.records.portable import reduce_portable

# Rounding errors of a handful of operations, in units of the machine precision.
_ROUNDINGS = 16.0
# Up to this |x| the terms x + exp(-x) - 1 of a divergence are summed by their series to this order, which leaves out
# less than 2^-60 of the sum; beyond, the difference loses eleven bits at most.
_SERIES_RADIUS = 2.0**-5
_SERIES_ORDER = 9
# Points in a batch, at most: a run has hundreds of them.
LARGEST_BATCH = 128


@runtime_checkable
class Learned(Protocol):
    """What a method has learned so far, of one iterate or of many: NamedTuples of several rooms are such."""

    @property
    def leader_logits(self) -> AnyArray: ...
    @property
    def follower_logits(self) -> AnyArray: ...
    @property
    def leader_critic(self) -> AnyArray: ...
    @property
    def follower_critic(self) -> AnyArray: ...
    @property
    def mean_field(self) -> AnyArray: ...


class Tracking(NamedTuple):
    """Residuals of follower and critics, which need no equilibrium, and rounding levels; of one iterate or many."""

    e_theta: Float[AnyArray, "*P"]
    e_Vf: Float[AnyArray, "*P"]
    e_Vl: Float[AnyArray, "*P"]
    rounding: tuple[Float[AnyArray, "*P"], Float[AnyArray, "*P"], Float[AnyArray, "*P"]]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


def tracking_residuals(game: AbstractGame, point: Learned, precision: float) -> Tracking:
    """The residuals that compare follower and critics with the current mean field estimate, for use inside jit.

    Args:
        game: the game, traced.
        point: the iterate.
        precision: relative rounding of the iterate's numbers.

    Returns:
        The three residuals; e_theta is NaN where the follower's optimum was not found.
    """
    leader, follower = softmax_policy(point.leader_logits), softmax_policy(point.follower_logits)
    return compared(game, point, at_iterate(game, leader, follower, jnp.asarray(point.mean_field)), precision)


def compared(game: AbstractGame, point: Learned, solved: AtIterate, precision: float) -> Tracking:
    """What was learned beside what was solved at the same iterate.

    Args:
        game: the game, traced.
        point: the iterate.
        solved: at its policies and mean field.
        precision: relative rounding of the iterate's numbers.

    Returns:
        The three residuals.
    """
    gap, gap_rounding = _optimality_gap(game, solved, jnp.asarray(point.follower_logits), precision)
    follower_values, leader_values = jnp.asarray(solved.follower_value), jnp.asarray(solved.leader_value)
    return Tracking(
        e_theta=gap,
        e_Vf=jnp.sum((point.follower_critic - follower_values) ** 2),
        e_Vl=jnp.sum((point.leader_critic - leader_values) ** 2),
        rounding=(
            gap_rounding,
            _value_rounding(game, follower_values, precision),
            _value_rounding(game, leader_values, precision),
        ),
    )


def _value_rounding(game: AbstractGame, values: Float[Array, " n"], precision: float) -> Float[Array, ""]:
    error = _ROUNDINGS * precision * jnp.max(jnp.abs(values)) / (1.0 - game.discount)
    return values.shape[0] * error**2


def _optimality_gap(
    game: AbstractGame, solved: AtIterate, logits: Float[Array, "n A"], precision: float
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""The follower's optimality gap and its rounding level; NaN where the soft optimum was not found.

    $J_f(\pi^*) - J_f(\pi) = \frac{1}{1-\gamma} \sum_s d^\pi(s) \, \tau \, KL(\pi(\cdot|s) \| \pi^*(\cdot|s))$, an
    identity: a difference of the two values would lose every digit of a gap below their rounding errors.

    Source: Mei et al. (2020), Lemma 26.
    """
    discount, temperature = game.discount, game.temperature
    optimum, optimal_logits = solved.optimum, jnp.asarray(solved.quality) / temperature
    log_policy, log_optimal = jax.nn.log_softmax(logits), jax.nn.log_softmax(optimal_logits)
    gap = temperature / (1.0 - discount) * jnp.dot(jnp.asarray(solved.occupancy), _divergence(log_policy, log_optimal))
    value_error = optimum.residual * jnp.maximum(temperature, jnp.max(jnp.abs(optimum.value))) / (1.0 - discount)
    log_error = _ROUNDINGS * precision * (jnp.max(jnp.abs(log_policy)) + jnp.max(jnp.abs(optimal_logits)) + 1.0)
    rounding = temperature / (1.0 - discount) * (log_error + discount * value_error / temperature) ** 2
    return jnp.where(optimum.converged, gap, jnp.nan), rounding


def _divergence(log_p: Float[Array, "n A"], log_q: Float[Array, "n A"]) -> Float[Array, " n"]:
    r"""KL(p || q) of each row as $\sum_a p(a) h(x(a))$, $x = \log p - \log q$, $h(x) = x + e^{-x} - 1 \ge 0$.

    Every term is non-negative, so nothing cancels between terms; near zero h is summed by its series.
    """
    x = log_p - log_q
    small = jnp.abs(x) < _SERIES_RADIUS
    y = jnp.where(small, x, 0.0)
    tail = jnp.ones_like(y)
    for order in range(_SERIES_ORDER, 2, -1):
        tail = 1.0 - y / order * tail
    series = 0.5 * y**2 * tail
    p = jnp.exp(log_p)
    return jnp.sum(jnp.where(small, p * series, p * x + jnp.exp(log_q) - p), axis=-1)


def tracking_of_points(game: AbstractGame, points: Learned, precision: float, most: int | None = None) -> Tracking:
    """`tracking_residuals` of many points, in batches.

    Args:
        game: the game, traced.
        points: what was learned, a tree whose first axis is that of the points, (P).
        precision: relative rounding of the points' numbers.
        most: points in a batch, at most; None for as many as memory and a limit of ours allow.

    Returns:
        The residuals, (P,) each.
    """
    if takes_sparse(game):
        return _one_by_one(game, points, precision)
    size = at_once(game, min(LARGEST_BATCH, most or LARGEST_BATCH))
    return in_batches(lambda some: _tracking(game, some, precision), size, points)


def _one_by_one(game: AbstractGame, points: Learned, precision: float) -> Tracking:
    """The same on a large game of local moves, whose sparse factors are those of one point."""
    # Sparse factors are loaded by those who use them: that takes a third of a second.
    from smfg_verify.exact.sparse.at_iterate import at_iterate as sparse_at_iterate

    found = []
    for k in range(len(points.leader_logits)):
        point: Learned = jax.tree.map(lambda leaf, k=k: np.asarray(leaf[k]), points)
        leader, follower = (np.asarray(softmax_policy(x)) for x in (point.leader_logits, point.follower_logits))
        found.append(
            compared(game, point, sparse_at_iterate(game, leader, follower, np.asarray(point.mean_field)), precision)
        )
    result: Tracking = jax.tree.map(lambda *leaves: np.stack(leaves), *found)
    return result


@jit_for_game
def _tracking(game: AbstractGame, points: Learned, precision: float) -> Tracking:
    return jax.vmap(lambda point: tracking_residuals(game, point, precision))(points)
