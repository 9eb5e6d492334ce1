"""Where the theorem loses: each constant beside the number that the iterates of a run have in its place."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.bounds.local.components import Components
from smfg_verify.bounds.theorem.coefficients import Coefficients, TheoremInputs
from smfg_verify.bounds.theorem.moves import Moves, moves_at
from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.follower import best_response, policy_value
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain, discounted_occupancy, stationary_distribution
from smfg_verify.game import AbstractGame, traced
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.trace import Trace

# Points looked at together.
_BATCH = 256
# Errors as small as this are rounding, and their quotients say nothing.
_NOTHING = 1e-12
# Names in docs/theorem.md of what slower players move.
_VALUE_MOVES = ("v_theta", "v_phi", "v_mu")
_OWN_MOVES = ("u_theta", "u_phi", "u_mu")
_GAP_MOVES = ("g_phi", "g_mu")


@kept
class Loss(NamedTuple):
    """One constant of the proof.

    Attributes:
        line: residual whose line it stands in.
        constant: its name in docs/theorem.md.
        proved: its value in the bound.
        met: the least favourable value at the iterates looked at; NaN where there was none.
        factor: how much the bound loses by it, >= 1 up to rounding.
    """

    line: str
    constant: str
    proved: float
    met: float
    factor: float


class _Met(NamedTuple):
    """What one iterate has in place of constants, or many."""

    occupancy: Float[AnyArray, "*P"]
    floor: Float[AnyArray, "*P"]
    follower_error: Float[AnyArray, "*P"]
    leader_error: Float[AnyArray, "*P"]
    critic_rate: Float[AnyArray, "*P"]
    follower_rate: Float[AnyArray, "*P"]
    follower_to_field: Float[AnyArray, "*P"]


def losses_along(
    game: AbstractGame, inputs: TheoremInputs, found: Coefficients, floor: float, trace: Trace
) -> tuple[Loss, ...]:
    """Compare constants with what the recorded iterates have in their place, exactly computed.

    What is met at iterates proves nothing; it says which constant is far from what a run needs.

    Args:
        game: the game of the run.
        inputs: certified constants.
        found: the theorem's coefficients.
        floor: p_0 of the run.
        trace: the run.

    Returns:
        One entry a constant.

    Source: docs/theorem.md.
    """
    points = Components(*(np.concatenate(np.asarray(getattr(trace, name))) for name in Components._fields))
    finite = np.logical_and.reduce([np.isfinite(part.reshape(len(part), -1)).all(axis=1) for part in points])
    points = Components(*(part[finite] for part in points))
    met = _Met(*in_batches(lambda some: _met(traced(game), some), batch_size(game, _BATCH), points))
    moves = moves_at(game, points, _NOTHING)
    rows = (
        ("e_Vf", "D_f^2", found.follower_error**2, _largest(met.follower_error)),
        ("e_Vl", "D_l^2", found.leader_error**2, _largest(met.leader_error)),
        ("e_Vf", "eta_V / beta", found.critic_rate, _smallest(met.critic_rate)),
        ("e_Vf", "d_0", inputs.least_occupancy, _smallest(met.occupancy)),
        ("e_theta", "eta_G / alpha", found.follower_rate, _smallest(met.follower_rate)),
        ("e_theta", "p_0", floor, _smallest(met.floor)),
        ("e_mu", "C^2", found.follower_to_field, _largest(met.follower_to_field)),
        *_rows_of_moves(found, moves),
    )
    return tuple(Loss(*row, factor=_factor(row[2], row[3])) for row in rows)


def _rows_of_moves(found: Coefficients, moves: Moves) -> list[tuple[str, str, float, float]]:
    """Constant and largest number met of each move of a slower player."""
    groups = (
        ("e_Vf", _VALUE_MOVES, found.follower_moves, moves.follower_value),
        ("e_Vl", _OWN_MOVES, found.leader_moves, moves.leader_value),
        ("e_theta", _GAP_MOVES, found.gap_moves, moves.gap),
        ("e_mu", ("L_mu",), (found.equilibrium_move,), (moves.equilibrium,)),
    )
    return [
        (line, name, proved, _unless_rounding(_largest(met), proved))
        for line, names, constants, values in groups
        for name, proved, met in zip(names, constants, values, strict=True)
    ]


def _unless_rounding(met: float, proved: float) -> float:
    """A slope that is no more than the rounding of what it is the slope of counts as zero."""
    return 0.0 if met <= _NOTHING * proved else met


def _largest(values: AnyArray) -> float:
    known = np.asarray(values)[~np.isnan(values)]
    return float(np.max(known)) if known.size else math.nan


def _smallest(values: AnyArray) -> float:
    return -_largest(-np.asarray(values))


def _factor(proved: float, met: float) -> float:
    """The quotient of the larger by the smaller; infinite where one of them is zero alone."""
    if math.isnan(met) or proved == met:
        return math.nan if math.isnan(met) else 1.0
    low, high = sorted((abs(proved), abs(met)))
    return high / low if low > 0.0 else math.inf


@jit_for_game
def _met(game: AbstractGame, points: Components) -> _Met:
    return jax.vmap(lambda point: _met_at(game, point))(points)


def _met_at(game: AbstractGame, point: Components) -> _Met:
    leader, follower = softmax_policy(point.leader_logits), softmax_policy(point.follower_logits)
    field, gamma, tau = jnp.asarray(point.mean_field), game.discount, game.temperature
    kernel, rows = tabulate(game, field), observed_rows(leader, game.leader_observation)
    model = follower_model(kernel, rows)
    moves = chain(follower, model.transition)
    visits = discounted_occupancy(moves, jnp.asarray(game.initial_distribution), gamma)
    value, optimum = policy_value(model, follower, gamma, tau), best_response(model, gamma, tau)
    gap = jnp.dot(jnp.asarray(game.initial_distribution), optimum.value - value)
    surplus = model.reward + gamma * (model.transition @ value) - tau * jnp.log(follower)
    slope = follower * (surplus - jnp.sum(follower * surplus, axis=1, keepdims=True))
    off = point.follower_critic - value
    response = stationary_distribution(chain(optimum.policy, model.transition))
    apart = _above_rounding(jnp.sum((stationary_distribution(moves) - response) ** 2))
    weights = visits[:, None, None, None] * follower[:, :, None, None] * rows[:, None, :, None] * kernel.transition
    surprise = -tau * jnp.log(follower)[:, :, None, None]
    errors = (
        jnp.sum(weights * _squared_error(kernel.follower_reward, surprise, point.follower_critic, gamma)),
        jnp.sum(weights * _squared_error(kernel.leader_reward, jnp.zeros(()), point.leader_critic, gamma)),
    )
    return _Met(
        occupancy=jnp.min(visits),
        floor=jnp.min(follower),
        follower_error=errors[0],
        leader_error=errors[1],
        critic_rate=_quotient(jnp.sum(visits * off * (off - gamma * moves @ off)), jnp.sum(off**2)),
        follower_rate=_quotient(jnp.sum(visits**2 * jnp.sum(slope**2, axis=1)), 4.0 * (1.0 - gamma) * gap),
        follower_to_field=_quotient(apart, gap),
    )


def _squared_error(reward: Array, surprise: Array, critic: Array, discount: float | Array) -> Array:
    """Squared temporal difference of every (s, a, b, s')."""
    return (reward[..., None] + surprise + discount * critic - critic[:, None, None, None]) ** 2


def _above_rounding(squared: Array) -> Array:
    """Zero where a squared distance is that of two results that differ by rounding alone."""
    return jnp.where(squared > _NOTHING**2, squared, 0.0)


def _quotient(above: Array, below: Array) -> Array:
    return jnp.where(below > _NOTHING, above / jnp.where(below > _NOTHING, below, 1.0), jnp.nan)
