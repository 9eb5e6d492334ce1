r"""The followers' soft best response over cells: values relative to the last state, and the policy."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp, softmax

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.linear import (
    Solver,
    better_values,
    near_inverse,
    over,
    span_of,
    value_solver,
)
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, apply, crossed, multiply
from smfg_verify.assumptions.enclosure.response.problem import Faced, Problem, mixing_over, pairs_of
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

_NUM_ITERATIONS = 8
# Values at centres are good enough where the next step would move them by less, relative to their size.
_SETTLED = 1e-9
# A third central moment of what lies in an interval of length 1 is at most 1 / 6 sqrt(3).
_THIRD_MOMENT = 0.0963
# What a softmax, or a logarithm of a sum of exponentials over its size, may be off by as computed.
ROUNDED = 64.0 * EPSILON


class Response(NamedTuple):
    """The best response over cells.

    Attributes:
        values: u, (n - 1).
        gaps: of the action values, first action less second, (n, pairs).
        policy: (n, A).
        chain: the reduced chain M under it, (n - 1, n - 1).
        last: the last state's row, (n - 1).
        solver: of values, under this policy.
        plain: values (n - 1, K) and policy (n, A, K) at the centres, in plain floats.
        mixing: largest total variation between two rows of the kernel, (K,).
        guessed: gaps of the values guessed, which have slopes on any cell, (n, pairs).
    """

    values: Model
    gaps: Model
    policy: Model
    chain: Model
    last: Model
    solver: Solver
    plain: tuple[Float[np.ndarray, "k K"], Float[np.ndarray, "n A K"]]
    mixing: Float[np.ndarray, " K"]
    guessed: Model


def respond(tables: Tables, problem: Problem) -> Response:
    """The soft best response over cells."""
    discount, tau, number = tables.discount, tables.temperature, tables.num_actions
    centre, sharp = at_centres(tables, problem)
    mixing = mixing_over(tables, problem)
    inverse = near_inverse(reduced_rows(problem, sharp), discount)
    guess = Model.affine(centre, slopes_of(problem, sharp, centre, inverse, discount), tables.shape)
    guessed = gaps = gaps_of(problem, guess, discount)
    residual = _residual(problem, guess, gaps, discount, tau)
    span = span_of(residual, discount * mixing)
    # Between the policies of the values guessed and of the true ones: all that a mean of them can be.
    moved = discount * np.sum(problem.rows.pairs.largest, axis=-2) * span
    between = policy_of(gaps.widened(moved), tau, number)
    solver = value_solver(chain_of(problem, between)[0], inverse, discount)
    values = better_values(solver, guess, residual, span)
    largest = np.broadcast_to(_largest_span(problem, tables, mixing), values.centre.shape)
    values = values.within(-largest, largest)
    gaps = gaps_of(problem, values, discount)
    policy = policy_of(gaps, tau, number)
    chain, last = chain_of(problem, policy)
    return Response(
        values, gaps, policy, chain, last, value_solver(chain, inverse, discount), (centre, sharp), mixing, guessed
    )


def _largest_span(problem: Problem, tables: Tables, mixing: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    """Bound of the span of all values: of the soft rewards, and of what later steps add."""
    rewards = problem.rewards.every
    span = np.max(rewards.upper, axis=(0, 1)) - np.min(rewards.lower, axis=(0, 1))
    return over(span + tables.temperature * np.log(tables.num_actions), tables.discount * mixing)


def at_centres(tables: Tables, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Values (n - 1, K) and policy (n, A, K) at the centres, by policy iteration in plain floats."""
    rows, rewards = problem.rows.every.centre, problem.rewards.every.centre
    discount, tau = tables.discount, tables.temperature
    values, moving = np.zeros((rows.shape[2], rows.shape[-1])), np.ones(rows.shape[-1], dtype=bool)
    for _ in range(_NUM_ITERATIONS):
        action_values = rewards + discount * np.einsum("satk,tk->sak", rows, values)
        policy = softmax(action_values / tau, axis=1)
        soft = tau * logsumexp(action_values / tau, axis=1)
        change = soft[:-1] - soft[-1] - values
        inverse = near_inverse(reduced_rows(problem, policy), discount)
        # Each cell by itself, so that its numbers do not depend on those beside it.
        values = values + np.where(moving, np.einsum("stk,tk->sk", inverse, change), 0.0)
        moving &= ~(np.max(np.abs(change), axis=0) <= _SETTLED * (tau + np.max(np.abs(values), axis=0)))
        if not np.any(moving):
            break
    action_values = rewards + discount * np.einsum("satk,tk->sak", rows, values)
    return values, softmax(action_values / tau, axis=1)


def reduced_rows(problem: Problem, policy: Float[np.ndarray, "n A K"]) -> Float[np.ndarray, "k k K"]:
    """The reduced chain at the centres under a policy, in plain floats."""
    chain = np.einsum("sak,satk->stk", policy, problem.rows.every.centre)
    result: Float[np.ndarray, "k k K"] = chain[:-1] - chain[-1]
    return result


def slopes_of(
    problem: Problem, policy: np.ndarray, values: np.ndarray, inverse: np.ndarray, discount: float
) -> Float[np.ndarray, "D k K"]:
    """Slopes of the values by the implicit function theorem: a guess, whose error is bounded with the residual."""
    moved = problem.rewards.every.linear + discount * np.einsum("zsatk,tk->zsak", problem.rows.every.linear, values)
    by_state = np.einsum("sak,zsak->zsk", policy, moved)
    result: Float[np.ndarray, "D k K"] = np.einsum("stk,ztk->zsk", inverse, by_state[:, :-1] - by_state[:, -1:])
    return result


def gaps_of(problem: Problem, values: Model, discount: float) -> Model:
    """Gaps between the values of pairs of actions, (n, pairs), from values that are zero at the last state."""
    return problem.rewards.pairs + multiply("sat,t->sa", problem.rows.pairs, values).scaled(discount)


def _residual(problem: Problem, values: Model, gaps: Model, discount: float, tau: float) -> Model:
    """The soft Bellman operator at the values guessed, less themselves, relative to the last state."""
    residual: Model = soft_values(problem, values, gaps, discount, tau).relative(-1) - values
    return residual


def soft_values(problem: Problem, values: Model, gaps: Model, discount: float, tau: float) -> Model:
    """The soft Bellman operator at values that are zero at the last state, (n)."""
    action_values = problem.rewards.every + multiply("sat,t->sa", problem.rows.every, values).scaled(discount)
    return soft_maximum(action_values, gaps, tau)


def soft_maximum(action_values: Model, gaps: Model, tau: float) -> Model:
    r"""$\tau \log \sum_a e^{q_a / \tau}$ of action values (n, A), whose gaps (n, pairs) are known better, (n).

    At $q^0 + \delta$ it is its value at $q^0$ plus the mean of $\delta$, plus half its variance over tau, plus a sixth
    of a third central moment over $\tau^2$ under some policy, which is at most $1 / 6 \sqrt 3$ of the cube of the range
    of $\delta$.
    """
    sharp = softmax(action_values.centre / tau, axis=1)
    mean = apply("sa,sa->s", action_values + -action_values.centre, sharp, np.full_like(sharp, ROUNDED))
    spread = _variance(gaps, sharp)
    soft = tau * logsumexp(action_values.centre / tau, axis=1)
    rounding = ROUNDED * (np.max(np.abs(action_values.centre), axis=1) + tau * np.log(sharp.shape[1] + 1.0))
    # In units of tau before it is raised to a power, which would leave what a float holds.
    apart = np.max(gaps.deviation, axis=-2, initial=0.0)
    third = apart * (apart / tau) ** 2 * (_THIRD_MOMENT / 6.0)
    above: Model = (mean + spread.scaled(0.5 / tau) + soft).widened(third + rounding)
    return above


def _squared(model: Model) -> Model:
    """The square of how far a model is from its centre: the linear part's square, and what the rest adds."""
    rest = model.bend + model.radius
    letters = "abcd"[: model.centre.ndim - 1]
    quadratic = crossed(f"{letters},{letters}->{letters}", model.linear, model.linear, model.shape)
    blank = np.zeros_like(model.centre)
    radius = OUTWARD * rest * (2.0 * model.reach + rest) + 64.0 * EPSILON * (model.reach + rest) ** 2 + TINY
    return Model(blank, np.zeros_like(model.linear), quadratic, radius, model.shape)


def _variance(gaps: Model, sharp: Float[np.ndarray, "n A K"]) -> Model:
    """Variance of the action values' deviations under the policy at the centres: half the mean square of the gaps."""
    first, second = pairs_of(sharp.shape[1])
    weights = sharp[:, first] * sharp[:, second]
    return apply("sp,sp->s", _squared(gaps), weights, np.full_like(weights, ROUNDED))


def policy_of(gaps: Model, tau: float, number: int) -> Model:
    r"""Softmax policies from the gaps of the action values, (n, A).

    With x the deviation of an action's value from the mean under the policy at the centre, in units of tau,
    $\pi_a = \pi^0_a (1 + x + \frac12 (x^2 - Var))$ and a sixth of a third derivative on
    the way, see `_third`. Where that is worse than the range, the range is taken.
    """
    square = _square(gaps, number)
    low, high = square.lower / tau, square.upper / tau
    sharp = 1.0 / np.sum(np.exp(-square.centre / tau), axis=2)
    most, least = (1.0 / np.sum(np.exp(-end), axis=2) for end in (high, low))
    wide = np.full_like(sharp, ROUNDED)
    apart = apply("sac,sc->sa", square + -square.centre, sharp, wide).scaled(1.0 / tau)
    bent = _squared(apart)
    spread = _variance(gaps, sharp).scaled(1.0 / tau).scaled(1.0 / tau)
    bent = bent - spread.moved(lambda part: np.repeat(part[..., None, :], number, axis=-2))
    apart_by = square.deviation / tau
    far = np.max(apart_by, axis=2)
    span = np.max(far, axis=1, keepdims=True)
    third = _third(apart_by, least, most) / 6.0
    form = (apart + bent.scaled(0.5)).scaled(sharp) + sharp
    form = form.widened(OUTWARD * third + ROUNDED * (1.0 + sharp * (far + far**2 + span**2)))
    policy: Model = form.within(least - ROUNDED, most + ROUNDED)
    return policy


def _third(apart: Float[np.ndarray, "n A A K"], least: np.ndarray, most: np.ndarray) -> Float[np.ndarray, "n A K"]:
    r"""Bound of the third derivative of each probability of a softmax while all gaps move at constant speeds.

    $\pi_a = \sigma(L)$ with $\sigma$ the logistic function and L the value of a less the soft maximum of the others':
    $|L'|$ is at most the speed of the gaps to a, and with R that of the gaps between others $|L''| \le R^2 / 4$,
    $|L'''| \le R^3 / 6 \sqrt 3$. With $u = \pi_a (1 - \pi_a)$ the derivatives of $\sigma$ are u,
    $u (1 - 2 \pi_a)$ and $u (1 - 6 u)$.

    Args:
        apart: speeds of the gaps, of any sign, at most.
        least, most: each probability on the way, (n, A, K).

    Returns:
        The bound.
    """
    number = apart.shape[1]
    far = np.max(apart, axis=2)
    others = np.stack(
        [np.max(np.delete(np.delete(apart, a, axis=1), a, axis=2), axis=(1, 2), initial=0.0) for a in range(number)],
        axis=1,
    )
    ends = least * (1.0 - least), most * (1.0 - most)
    high = np.where((least <= 0.5) & (most >= 0.5), 0.25, np.maximum(*ends)) * OUTWARD
    low = np.minimum(*ends) / OUTWARD
    cubic = np.maximum(np.abs(low - 6.0 * low**2), np.abs(high - 6.0 * high**2))
    cubic = cubic + 8.0 * EPSILON
    cubic = np.where((low <= 1.0 / 12.0) & (high >= 1.0 / 12.0), np.maximum(cubic, 1.0 / 24.0), cubic)
    tilt = np.maximum(np.abs(1.0 - 2.0 * least), np.abs(1.0 - 2.0 * most))
    square = np.minimum(high * tilt, _THIRD_MOMENT)
    result: Float[np.ndarray, "n A K"] = (
        cubic * far**3 + 0.75 * square * far * others**2 + _THIRD_MOMENT * high * others**3 + TINY
    )
    return result


def _square(gaps: Model, number: int) -> Model:
    """Gaps of every action to every other, (n, A, A)."""
    first, second = pairs_of(number)
    index, sign = np.zeros((number, number), int), np.zeros((number, number))
    index[first, second] = index[second, first] = np.arange(len(first))
    sign[first, second], sign[second, first] = 1.0, -1.0
    signed = sign[..., None]
    if not len(first):
        return gaps.moved(lambda part: np.zeros((*part.shape[:-2], 1, 1, part.shape[-1])))
    return Model(
        gaps.centre[..., index, :] * signed,
        gaps.linear[..., index, :] * signed,
        gaps.quadratic[..., index, :] * signed,
        gaps.radius[..., index, :] * np.abs(signed),
        gaps.shape,
    )


def chain_of(problem: Problem, policy: Model) -> tuple[Model, Model]:
    """The reduced chain (n - 1, n - 1) under a policy, and the last state's row (n - 1)."""
    rows = averaged("sa,sat->st", policy, problem.rows)
    return rows.relative(-2), rows.taken(rows.centre.shape[0] - 1, -2)


def averaged(spec: str, policy: Model, table: Faced) -> Model:
    """A table's mean over the followers' actions: the last action's numbers, and what the others' differ by.

    Args:
        spec: of the product, with the letter a for the actions, such as "sa,sat->st".
        policy: (n, A).
        table: with an axis of actions and of pairs of them, at the same place.

    Returns:
        The mean.
    """
    operand = spec.split("->")[0].split(",")[1]
    number = policy.centre.shape[-2]
    axis = operand.index("a") - len(operand)
    last = table.every.taken(number - 1, axis)
    if number == 1:
        return last
    # Of the pairs, those of each other action with the last one, in order.
    with_last = np.flatnonzero(pairs_of(number)[1] == number - 1)
    others = policy.taken(np.arange(number - 1), -1)
    found = last + multiply(spec, others, table.pairs.taken(with_last, axis))
    return found.within(
        *(end(part, axis=axis - 1) for end, part in ((np.min, table.every.lower), (np.max, table.every.upper)))
    )
