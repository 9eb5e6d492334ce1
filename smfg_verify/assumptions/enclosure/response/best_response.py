r"""The followers' soft best response over cells: values relative to the last state, and the policy."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp, softmax

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.linear import (
    Solver,
    near_inverse,
    span_of,
    value_error,
    value_solver,
)
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, apply, multiply
from smfg_verify.assumptions.enclosure.response.problem import Faced, Problem, pairs_of
from smfg_verify.assumptions.enclosure.response.vertex_tables import VertexTables

_NUM_ITERATIONS = 8
# What a softmax, or a logarithm of a sum of exponentials over its size, may be off by as computed.
_ROUNDED = 64.0 * EPSILON


class Response(NamedTuple):
    """The best response over cells.

    Attributes:
        values: u, (n - 1).
        gaps: of the action values, first action less second, (n, pairs).
        policy: (n, A).
        chain: the reduced chain M under it, (n - 1, n - 1).
        last: the last state's row, (n - 1).
        solver: of values, under this policy.
        sharp: the policy at the centres, (n, A, K); a number, with no error to speak of.
    """

    values: Model
    gaps: Model
    policy: Model
    chain: Model
    last: Model
    solver: Solver
    sharp: Float[np.ndarray, "n A K"]


def respond(tables: VertexTables, problem: Problem) -> Response:
    """The soft best response over cells."""
    discount, tau = tables.discount, tables.temperature
    values, sharp = _at_centres(tables, problem)
    inverse = near_inverse(_reduced_rows(problem, sharp), discount)
    values = Model(values, _slopes_of(problem, sharp, values, inverse, discount), np.zeros_like(values), tables.groups)
    gaps = _gaps(problem, values, discount)
    residual = _residual(problem, values, gaps, sharp, discount, tau)
    span = span_of(residual, discount * tables.mixing)
    # Between the policies of the values guessed and of the true ones: all that a mean of them can be.
    moved = discount * np.sum(problem.rows.pairs.largest, axis=-2) * span
    between = policy_of(gaps.widened(moved), tau, tables.reward.shape[2])
    solver = value_solver(chain_of(problem, between)[0], inverse, discount)
    values = values.widened(value_error(solver, residual, span))
    gaps = _gaps(problem, values, discount)
    policy = policy_of(gaps, tau, tables.reward.shape[2])
    chain, last = chain_of(problem, policy)
    return Response(values, gaps, policy, chain, last, value_solver(chain, inverse, discount), sharp)


def _at_centres(tables: VertexTables, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Values (n - 1, K) and policy (n, A, K) at the centres, by policy iteration in plain floats."""
    rows, rewards = problem.rows.every.centre, problem.rewards.every.centre
    discount, tau = tables.discount, tables.temperature
    values = np.zeros((rows.shape[2], rows.shape[-1]))
    for _ in range(_NUM_ITERATIONS):
        action_values = rewards + discount * np.einsum("satk,tk->sak", rows, values)
        policy = softmax(action_values / tau, axis=1)
        soft = tau * logsumexp(action_values / tau, axis=1)
        change = soft[:-1] - soft[-1] - values
        inverse = near_inverse(_reduced_rows(problem, policy), discount)
        values = values + np.einsum("stk,tk->sk", inverse, change)
    action_values = rewards + discount * np.einsum("satk,tk->sak", rows, values)
    return values, softmax(action_values / tau, axis=1)


def _reduced_rows(problem: Problem, policy: Float[np.ndarray, "n A K"]) -> Float[np.ndarray, "k k K"]:
    chain = np.einsum("sak,satk->stk", policy, problem.rows.every.centre)
    result: Float[np.ndarray, "k k K"] = chain[:-1] - chain[-1]
    return result


def _slopes_of(
    problem: Problem, policy: np.ndarray, values: np.ndarray, inverse: np.ndarray, discount: float
) -> Float[np.ndarray, "D k K"]:
    """Slopes of the values by the implicit function theorem: a guess, whose error is bounded with the residual."""
    moved = problem.rewards.every.slopes + discount * np.einsum("zsatk,tk->zsak", problem.rows.every.slopes, values)
    by_state = np.einsum("sak,zsak->zsk", policy, moved)
    result: Float[np.ndarray, "D k K"] = np.einsum("stk,ztk->zsk", inverse, by_state[:, :-1] - by_state[:, -1:])
    return result


def _gaps(problem: Problem, values: Model, discount: float) -> Model:
    return problem.rewards.pairs + multiply("sat,t->sa", problem.rows.pairs, values).scaled(discount)


def _residual(problem: Problem, values: Model, gaps: Model, sharp: np.ndarray, discount: float, tau: float) -> Model:
    r"""The soft Bellman operator at the values guessed, less themselves, relative to the last state.

    $\tau \log \sum_a e^{q_a / \tau}$ lies above its tangent at the centre by at most half the variance of the
    deviations over tau, under some policy: at most an eighth of the largest gap's deviation squared.
    """
    action_values = problem.rewards.every + multiply("sat,t->sa", problem.rows.every, values).scaled(discount)
    half = OUTWARD * np.max(gaps.deviation, axis=-2, initial=0.0) ** 2 / (16.0 * tau)
    linear = apply("sa,sa->s", action_values + -action_values.centre, sharp, np.full_like(sharp, _ROUNDED))
    soft = tau * logsumexp(action_values.centre / tau, axis=1)
    rounding = _ROUNDED * (np.max(np.abs(action_values.centre), axis=1) + tau * np.log(sharp.shape[1] + 1.0))
    above = (linear + (soft + half)).widened(half + rounding)
    relative = above.moved(lambda part: part[..., :-1, :]) - above.moved(lambda part: part[..., -1:, :])
    return relative - values


def policy_of(gaps: Model, tau: float, number: int) -> Model:
    r"""Softmax policies from the gaps of the action values, (n, A).

    To first order a softmax moves by $\pi_a \sum_c \pi_c (g_{ac} - g_{ac}^0) / \tau$; the second derivative along a
    line is $\pi_a (x_a^2 - Var)$ with x_a the action's gap to the mean, hence at most $\pi_a$ times the larger of the
    largest gap squared and a quarter of the span squared. Where that is worse than the range, the range is taken.
    """
    square = _square(gaps, number)
    low, high = square.lower / tau, square.upper / tau
    with np.errstate(over="ignore"):
        sharp = 1.0 / np.sum(np.exp(-square.centre / tau), axis=2)
        most, least = (1.0 / np.sum(np.exp(-end), axis=2) for end in (high, low))
    slopes = sharp * np.einsum("sck,zsack->zsak", sharp, square.slopes) / tau
    far = np.max(square.deviation, axis=2) / tau
    span = np.max(far, axis=1, keepdims=True)
    curved = 0.5 * most * np.maximum(far**2, 0.25 * span**2)
    radius = curved + sharp * np.einsum("sck,sack->sak", sharp, square.radius) / tau
    radius = OUTWARD * radius + _ROUNDED * (1.0 + sharp * far)
    flat = 0.5 * (most - least) + _ROUNDED
    good = radius < flat
    return Model(
        np.where(good, sharp, 0.5 * (most + least)),
        np.where(good, slopes, 0.0),
        np.where(good, radius, flat),
        gaps.groups,
    )


def _square(gaps: Model, number: int) -> Model:
    """Gaps of every action to every other, (n, A, A)."""
    first, second = pairs_of(number)
    index, sign = np.zeros((number, number), int), np.zeros((number, number))
    index[first, second] = index[second, first] = np.arange(len(first))
    sign[first, second], sign[second, first] = 1.0, -1.0
    if not len(first):
        blank = np.zeros((*gaps.centre.shape[:1], 1, 1, gaps.centre.shape[-1]))
        return Model(blank, np.zeros((len(gaps.slopes), *blank.shape)), blank, gaps.groups)
    signed = sign[..., None]
    return Model(
        gaps.centre[..., index, :] * signed,
        gaps.slopes[..., index, :] * signed,
        gaps.radius[..., index, :] * np.abs(signed),
        gaps.groups,
    )


def chain_of(problem: Problem, policy: Model) -> tuple[Model, Model]:
    """The reduced chain (n - 1, n - 1) under a policy, and the last state's row (n - 1)."""
    rows = averaged("sa,sat->st", policy, problem.rows)
    last = rows.moved(lambda part: part[..., -1, :, :])
    return rows.moved(lambda part: part[..., :-1, :, :]) - rows.moved(lambda part: part[..., -1:, :, :]), last


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
    behind = len(operand) - operand.index("a")
    last = table.every.moved(lambda part: np.take(part, number - 1, axis=-behind - 1))
    if number == 1:
        return last
    # Pairs in the order of `pairs_of`: those with the last action are the last of each first action's.
    second = pairs_of(number)[1]
    with_last = np.flatnonzero(second == number - 1)
    apart = table.pairs.moved(lambda part: np.take(part, with_last, axis=-behind - 1))
    return last + multiply(spec, policy.moved(lambda part: part[..., :-1, :]), apart)
