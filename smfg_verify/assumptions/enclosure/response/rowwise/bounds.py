r"""$D\Gamma$ over cells, with the worst leader row of each state.

With $f_S$ the chain's solution of $f = 1_S - \nu(S) + P f$, a sum of entries of the Jacobian is
$\sum_{t \in S} (D\Gamma v)_t = \sum_s \nu_s \langle dP_s, f_S \rangle$, where $dP_s$, how the chain's row moves along
v, depends on the leader's other rows through the values, their slopes and $f_S$ alone, which are known up to boxes.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.best_response import (
    at_centres,
    averaged,
    gaps_of,
    policy_of,
    reduced_rows,
    slopes_of,
    soft_values,
)
from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.coarse import differences, mean_of
from smfg_verify.assumptions.enclosure.response.linear import near_inverse, over
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, joined, multiply
from smfg_verify.assumptions.enclosure.response.problem import Faced, Problem
from smfg_verify.assumptions.enclosure.response.rowwise.boxes import (
    Box,
    Rows,
    box_of,
    contracted,
    ends_over,
    half_sizes,
    rows_over,
)
from smfg_verify.assumptions.enclosure.response.rowwise.pieces import problem_in_pieces
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.enclosure.response.turning import covariance

# Sums of all subsets of so many entries are looked at, and of more their sizes.
_MOST_SUBSETS = 5
_NUM_ROUNDS = 2


class RowwiseBounds(NamedTuple):
    """What is known of D Gamma over K cells.

    Attributes:
        low, high: of the law's entries but the last along e_j - e_last, first axis j, (n - 1, n - 1, K).
        modulus: upper bound of the l1 modulus, (K,).
        mixing: how far the law moves in l1, at most, where the chain's rows move by 1 in l1, (K,).
    """

    low: Float[np.ndarray, "k k K"]
    high: Float[np.ndarray, "k k K"]
    modulus: Float[np.ndarray, " K"]
    mixing: Float[np.ndarray, " K"]


class _Chain(NamedTuple):
    """The best response in pieces: values, policies (n, A), the chain (n, n - 1) and its rows' ranges."""

    values: Box
    policy: Model
    chain: Model
    rows: Rows


def rowwise_bounds(tables: Tables, cells: Cells, halvings: int) -> RowwiseBounds:
    """Bounds over cells, infinite or NaN where a cell is too large for one.

    Args:
        tables: of the game.
        cells: K of them.
        halvings: of each leader row; the work doubles with each.

    Returns:
        The bounds.
    """
    number = len(cells.vertices)
    problem = problem_in_pieces(tables, cells, halvings)
    answer, inverse = _answered(tables, cells, problem)
    laws = near_inverse(_reduced(answer.chain.centre, number), 1.0)
    chosen = sets_of(tables.num_states)
    sums, missed = _sums(answer, laws, chosen, number)
    law = _law(missed, chosen, number)
    low, high = ends_over(_moved(tables, problem, answer, inverse, sums), number)
    mixing = np.fmin(_factor(sums, chosen, number), _by_variation(answer.rows))
    above, below = means(high, *law), -means(-low, *law)
    return _told(below, above, mixing, chosen)


def _told(
    below: Float[np.ndarray, "S E K"],
    above: Float[np.ndarray, "S E K"],
    mixing: Float[np.ndarray, " K"],
    chosen: Float[np.ndarray, "S k"],
) -> RowwiseBounds:
    """The Jacobian's entries and the modulus, from sums of entries along all edges."""
    size = chosen.shape[1]
    singles = np.flatnonzero(chosen.sum(axis=1) == 1.0)[::-1]
    with_last = np.flatnonzero(np.triu_indices(size + 1, 1)[1] == size)
    low, high = (np.swapaxes(end[singles][:, with_last], 0, 1) for end in (below, above))
    largest = np.maximum(np.abs(below), np.abs(above))
    if len(chosen) == 2**size - 1:
        modulus = np.max(largest, axis=(0, 1))
    else:
        modulus = 0.5 * OUTWARD * np.max(np.sum(largest, axis=0), axis=0)
    return RowwiseBounds(low, high, np.where(np.isnan(modulus), np.inf, modulus), mixing)


def sets_of(num_states: int) -> Float[np.ndarray, "S k"]:
    """Sets of states without the last: all, or the single ones and the whole; one and its complement say the same."""
    size = num_states - 1
    if size <= _MOST_SUBSETS:
        return np.array(list(itertools.product((0.0, 1.0), repeat=size)))[1:]
    return np.concatenate([np.eye(size)[::-1], np.ones((1, size))])


def _answered(tables: Tables, cells: Cells, problem: Problem) -> tuple[_Chain, Float[np.ndarray, "k k K"]]:
    """The best response, and near the inverse of I - discount M at the centres."""
    discount, tau, number = tables.discount, tables.temperature, len(cells.vertices)
    whole = problem_in_pieces(tables, cells, 0)
    centre, sharp = at_centres(tables, whole)
    inverse = near_inverse(reduced_rows(whole, sharp), discount)
    slopes = slopes_of(whole, sharp, centre, inverse, discount)
    guess = _in_pieces(centre, slopes[: len(centre)], problem.rewards.every)
    values = Box(guess, np.full(guess.centre.shape, np.inf), np.full(guess.centre.shape[-1], np.inf))
    for _ in range(_NUM_ROUNDS):
        values = _values(tables, problem, values, number)
    gaps = problem.rewards.pairs + contracted("sat,t->sa", problem.rows.pairs, values).scaled(discount)
    policy = policy_of(gaps, tau, tables.num_actions)
    chain = averaged("sa,sat->st", policy, problem.rows)
    return _Chain(values, policy, chain, rows_over(chain, tables.mixing, number)), inverse


def _values(tables: Tables, problem: Problem, known: Box, number: int) -> Box:
    """Values around a guess that they are known to be around."""
    discount, tau, guess = tables.discount, tables.temperature, known.guess
    gaps = gaps_of(problem, guess, discount)
    residual = _less(soft_values(problem, guess, gaps, discount, tau), guess)
    # Between the policies of the values guessed and of the true ones: all that a mean of them can be.
    low, high = ends_over(residual, number)
    span = over(np.max(high, axis=0) - np.min(low, axis=0), discount * tables.mixing)
    moved = discount * half_sizes(problem.rows.pairs) * np.fmin(_tiled(span, residual), known.span)
    policy = policy_of(gaps.widened(OUTWARD * moved), tau, tables.num_actions)
    rows = rows_over(averaged("sa,sat->st", policy, problem.rows), tables.mixing, number)
    return box_of(guess, residual, rows, discount)


def _tiled(part: np.ndarray, like: Model) -> np.ndarray:
    """Numbers of cells, for each of the pieces that a model is of."""
    return np.tile(part, like.centre.shape[-1] // part.shape[-1])


def _in_pieces(centre: Float[np.ndarray, "*j k K"], slopes: Float[np.ndarray, "m *j k K"], like: Model) -> Model:
    """An affine function of the mean field, the same in all pieces."""
    linear = np.zeros((like.shape.dimension, *centre.shape[:-1], like.centre.shape[-1]))
    linear[: len(slopes)] = _tiled(slopes, like)
    return Model.affine(_tiled(centre, like), linear, like.shape)


def _less(model: Model, guess: Model) -> Model:
    """Numbers of all states, less a guess that is zero at the last."""
    size = guess.centre.shape[-2]
    return joined(model.taken(np.arange(size), -1) - guess, model.taken(np.array([size]), -1))


def _middle(part: np.ndarray, number: int) -> np.ndarray:
    """Means over the pieces of each cell."""
    middle: np.ndarray = part.reshape(*part.shape[:-1], -1, number).mean(axis=-2)
    return middle


def _reduced(chain: np.ndarray, number: int) -> Float[np.ndarray, "... k k K"]:
    """The reduced chain at centres, or its slopes."""
    middle = _middle(chain, number)
    reduced: Float[np.ndarray, "... k k K"] = middle[..., :-1, :, :] - middle[..., -1:, :, :]
    return reduced


def _guess(right: Model, answer: _Chain, inverse: Float[np.ndarray, "k k K"], discount: float) -> Model:
    """About the solution of x = b + discount P x relative to the last state, as a function of the mean field."""
    number, fields = inverse.shape[-1], len(inverse)
    middle, slope = (_middle(part, number) for part in (right.centre, right.linear[:fields]))
    centre = np.einsum("stk,...tk->...sk", inverse, middle[..., :-1, :] - middle[..., -1:, :])
    moved = discount * np.einsum("zstk,...tk->z...sk", _reduced(answer.chain.linear[:fields], number), centre)
    moved = moved + slope[..., :-1, :] - slope[..., -1:, :]
    return _in_pieces(centre, np.einsum("stk,...tk->...sk", inverse, moved), answer.chain)


def _sums(
    answer: _Chain, laws: Float[np.ndarray, "k k K"], chosen: Float[np.ndarray, "S k"], number: int
) -> tuple[Box, Model]:
    """The solutions f of sets of states, and what a set has under the law as means of what each state says."""
    ones = np.concatenate([chosen, np.zeros((len(chosen), 1))], axis=1)[..., None]
    ones = np.repeat(ones, answer.chain.centre.shape[-1], axis=-1)
    shape = answer.chain.shape
    sets = Model.affine(ones, np.zeros((shape.dimension, *ones.shape)), shape)
    guess = _guess(sets, answer, laws, 1.0)
    missed = _less(sets + multiply("st,ut->us", answer.chain, guess), guess)
    return box_of(guess, missed, answer.rows, 1.0), missed


def _law(missed: Model, chosen: Float[np.ndarray, "S k"], number: int) -> tuple[np.ndarray, np.ndarray]:
    """Ranges of the law's entries, (n, K): of a mean of what each state's rows say."""
    singles = np.flatnonzero(chosen.sum(axis=1) == 1.0)[::-1]
    low, high = ends_over(missed, number)
    low, high = low[[*singles, -1]], high[[*singles, -1]]
    least, most = np.zeros((low.shape[1], number)), np.ones((low.shape[1], number))
    for _ in range(_NUM_ROUNDS):
        above, below = means(high, least, most), -means(-low, least, most)
        above[-1], below[-1] = 1.0 - below[-1], 1.0 - above[-1]
        most, least = np.fmin(most, above + 1e-14), np.fmax(least, below - 1e-14)
    return least, most


def means(values: Float[np.ndarray, "*j n K"], least: np.ndarray, most: np.ndarray) -> Float[np.ndarray, "*j K"]:
    """Largest means of numbers under laws in ranges."""
    base = np.min(values, axis=-2, keepdims=True)
    apart = (OUTWARD * (values - base)).reshape(-1, *values.shape[-2:])
    found = mean_of(apart, least, most).reshape(base[..., 0, :].shape) * OUTWARD
    largest = np.max(np.abs(values), axis=-2)
    above: Float[np.ndarray, "*j K"] = found + base[..., 0, :] + 16.0 * EPSILON * largest
    return above


def _by_variation(rows: Rows) -> Float[np.ndarray, " K"]:
    """How far a law moves where rows move by 1 in l1, by the chain's contraction."""
    apart = np.where(np.eye(len(rows.low), dtype=bool)[..., None], 0.0, rows.variation)
    factor: Float[np.ndarray, " K"] = over(np.ones(apart.shape[-1]), np.max(apart, axis=(0, 1)))
    return factor


def _moved(tables: Tables, problem: Problem, answer: _Chain, inverse: Float[np.ndarray, "k k K"], sums: Box) -> Model:
    """What rows that move along edges between mean fields, e_i - e_j with i < j, do to sums of entries, (S, E, n)."""
    discount, policy = tables.discount, answer.policy
    slopes = Faced(*(differences(part, -4) for part in problem.row_slopes))
    rewards = Faced(*(differences(part, -3) for part in problem.reward_slopes))
    gain = Faced(
        *(
            reward + contracted("jsat,t->jsa", rows, answer.values).scaled(discount)
            for reward, rows in zip(rewards, slopes, strict=True)
        )
    )
    mean = averaged("sa,jsa->js", policy, gain)
    guess = _guess(mean, answer, inverse, discount)
    residual = _less(mean + multiply("st,jt->js", answer.chain, guess).scaled(discount), guess)
    values = box_of(guess, residual, answer.rows, discount)
    gaps = gain.pairs + contracted("sat,jt->jsa", problem.rows.pairs, values).scaled(discount)
    kernel = contracted("jst,ut->ujs", averaged("sa,jsat->jst", policy, slopes), sums)
    ends = contracted("sat,ut->usa", problem.rows.pairs, sums)
    return kernel + covariance(policy, gaps, ends).scaled(1.0 / tables.temperature)


def _factor(sums: Box, chosen: Float[np.ndarray, "S k"], number: int) -> Float[np.ndarray, " K"]:
    """How far a law moves where rows move by 1 in l1: the largest span of the solutions, where all sets are there."""
    if len(chosen) < 2 ** chosen.shape[1] - 1:
        return np.full(number, np.inf)
    high = np.maximum(np.max(sums.guess.upper + sums.radius, axis=1), 0.0)
    low = np.minimum(np.min(sums.guess.lower - sums.radius, axis=1), 0.0)
    span = np.max(high - low, axis=0).reshape(-1, number)
    factor: Float[np.ndarray, " K"] = OUTWARD * np.max(span, axis=0)
    return factor
