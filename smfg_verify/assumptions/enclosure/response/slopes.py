r"""$D\Gamma$ over cells of leader policies and mean fields, along the edges $e_j - e_{\text{last}}$ of mean fields."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.best_response import Response, averaged, reduced_rows, respond
from smfg_verify.assumptions.enclosure.response.cells import Cells, edges_of, filled
from smfg_verify.assumptions.enclosure.response.coarse import Moved, coarse_modulus
from smfg_verify.assumptions.enclosure.response.linear import (
    Solver,
    better_laws,
    better_values,
    law_solver,
    mixing_factor,
    near_inverse,
    norm_of,
    span_of,
)
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, joined, multiply, total
from smfg_verify.assumptions.enclosure.response.problem import Faced, Problem, problem_over
from smfg_verify.assumptions.enclosure.response.rowwise.bounds import RowwiseBounds, rowwise_bounds
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables
from smfg_verify.assumptions.enclosure.response.turning import turned_rows

# A mixing factor counts for so much, at most, when an edge is chosen.
_MOST_MIXING = 100.0


# Of each leader row, where each state's is looked at by itself.
_HALVINGS = 2
# Cells that rows are looked at of at once: whole vectors of them.
_SLICE = 32
# A Jacobian known to within this share of its size is known well enough by models; any size counts as this at least.
_LOOSE, _FLOOR = 0.1, 0.05


class Slopes(NamedTuple):
    """What is known over cells.

    Attributes:
        jacobian: of the law's entries but the last, (n - 1, n - 1), first axis the edge of mean fields.
        gaps: of the action values, (n, pairs): what bends the map.
        law: the stationary law's entries but the last, (n - 1).
        plain: the same Jacobian at the centres in plain floats, (n - 1, n - 1, K).
        mixing: how far the law moves in l1, at most, where the chain's rows move by 1 in l1, (K,).
        modulus: bound of the l1 modulus that holds where models do not, (K,).
        rough: about what the Jacobian times tau is off by because functions are curved, by edge of the cell, (E, K).
        steep: gaps and Jacobian as they are before a range takes their place: how they change along edges.
        gained: share of the Jacobian's radius that looking at leader rows by themselves took away; NaN where they were
            not looked at, (K,).
    """

    jacobian: Model
    gaps: Model
    law: Model
    plain: Float[np.ndarray, "k k K"]
    mixing: Float[np.ndarray, " K"]
    modulus: Float[np.ndarray, " K"]
    rough: Float[np.ndarray, "E K"]
    steep: tuple[Model, Model]
    gained: Float[np.ndarray, " K"]


def slopes_over(tables: Tables, cells: Cells, *, by_rows: bool = True) -> Slopes:
    r"""$D\Gamma$ over cells.

    Args:
        tables: of the game.
        cells: K of them.
        by_rows: whether leader rows are looked at by themselves where models are loose, which takes several times as
            long.

    Returns:
        Models; infinite or NaN radii where a cell is too large for a bound.
    """
    with np.errstate(all="ignore"):
        problem = problem_over(tables, cells)
        response = respond(tables, problem)
        mixing = np.fmin(_variation(response), response.mixing)
        laws = law_solver(response.chain, near_inverse(response.chain.centre, 1.0))
        law = _law(response, laws, mixing)
        factor = mixing_factor(laws, mixing)
        moved = _moved_rows(tables, problem, response, mixing)
        every = _with_last(law)
        modulus = coarse_modulus(
            response.policy,
            problem.rows.pairs,
            moved,
            every,
            factor,
            response.mixing,
            tables.discount,
            tables.temperature,
        )
        # A column sums to zero, so that no entry exceeds half its norm.
        most = np.broadcast_to(modulus, moved.rows.centre.shape[:1] + moved.rows.centre.shape[2:])
        unclipped = _moved_law(response, laws, every, moved.rows, mixing)
        jacobian = unclipped.within(-most, most)
        plain = _plain_jacobian(tables, problem, response)
        found = Slopes(
            jacobian,
            response.gaps,
            law,
            plain,
            factor,
            modulus,
            _roughness(tables, cells, problem, response, factor),
            (response.guessed, unclipped),
            np.full(len(cells.vertices), np.nan),
        )
        return _by_rows(tables, cells, found) if by_rows else found


def _in_slices(tables: Tables, vertices: Float[np.ndarray, "K D W"]) -> RowwiseBounds:
    """Bounds by rows of a few cells at a time: the pieces of many do not fit into memory."""
    parts = [
        rowwise_bounds(tables, Cells(vertices[begin : begin + _SLICE]), _HALVINGS)
        for begin in range(0, len(vertices), _SLICE)
    ]
    return RowwiseBounds(*(np.concatenate(values, axis=-1) for values in zip(*parts, strict=True)))


def _by_rows(tables: Tables, cells: Cells, found: Slopes) -> Slopes:
    """The same with what leader rows by themselves say of cells where models are loose."""
    jacobian = found.jacobian
    scale = np.max(np.abs(found.plain), axis=(0, 1), initial=_FLOOR)
    loose = np.flatnonzero(~(np.max(jacobian.radius, axis=(0, 1), initial=0.0) <= _LOOSE * scale))
    if not len(loose):
        return found
    # Of cells that are told again and again it does not matter which is written.
    at = filled(loose)
    by_rows = _in_slices(tables, cells.vertices[at])
    modulus, mixing, gained = found.modulus.copy(), found.mixing.copy(), found.gained.copy()
    low, high = (np.broadcast_to(end, jacobian.centre.shape).copy() for end in (-np.inf, np.inf))
    modulus[at] = np.fmin(modulus[at], by_rows.modulus)
    mixing[at] = np.fmin(mixing[at], by_rows.mixing)
    low[..., at] = np.fmax(low[..., at], by_rows.low)
    high[..., at] = np.fmin(high[..., at], by_rows.high)
    narrower = jacobian.within(low, high)
    gained[loose] = _gained(jacobian, narrower)[loose]
    return found._replace(jacobian=narrower, modulus=modulus, mixing=mixing, gained=gained)


def _gained(before: Model, after: Model) -> Float[np.ndarray, " K"]:
    """The share of the largest radius that is gone: all of one that was infinite."""
    wide, narrow = (np.max(model.radius, axis=(0, 1), initial=0.0) for model in (before, after))
    share: Float[np.ndarray, " K"] = np.where(np.isfinite(wide), 1.0 - narrow / wide, np.isfinite(narrow))
    return share


def _variation(response: Response) -> Float[np.ndarray, " K"]:
    """Bound of the total variation between two rows of the chain, of which the last is zero here."""
    chain = response.chain
    rows = [chain.taken(s, -2) for s in range(chain.centre.shape[0])]
    pairs = [first - second for k, first in enumerate(rows) for second in rows[:k]]
    apart = [np.sum(row.largest, axis=0) + total(row).largest for row in (*rows, *pairs)]
    largest: Float[np.ndarray, " K"] = 0.5 * OUTWARD * np.max(apart, axis=0)
    return largest


def _law(response: Response, laws: Solver, mixing: Float[np.ndarray, " K"]) -> Model:
    """The stationary law: x = b + x M, with b the last state's row."""
    chain, last = response.chain, response.last
    centre = np.einsum("sk,stk->tk", last.centre, laws.inverse)
    slopes = last.linear + np.einsum("sk,zstk->ztk", centre, chain.linear)
    guess = Model.affine(centre, np.einsum("zsk,stk->ztk", slopes, laws.inverse), chain.shape)
    residual = last + multiply("s,st->t", guess, chain) - guess
    found = better_laws(laws, guess, residual, norm_of(residual, mixing))
    # A law is a mean of rows, whatever the bound.
    rows = [chain.taken(s, -2) + last for s in range(len(centre))] + [last]
    least = np.maximum(np.min([row.lower for row in rows], axis=0), 0.0)
    most = np.minimum(np.max([row.upper for row in rows], axis=0), 1.0)
    half = 0.5 * (most - least) + EPSILON
    return found.where(found.radius < half, 0.5 * (most + least), half)


def _moved_rows(tables: Tables, problem: Problem, response: Response, mixing: np.ndarray) -> Moved:
    r"""$dP_\pi$ along each edge: the kernel's slope, and the policy's times the kernel; (n - 1, n, n - 1)."""
    discount = tables.discount
    gain = Faced(
        *(
            reward + multiply("jsat,t->jsa", rows, response.values).scaled(discount)
            for reward, rows in zip(problem.reward_slopes, problem.row_slopes, strict=True)
        )
    )
    values = _moved_values(response, gain, discount, mixing)
    gaps = gain.pairs + multiply("sat,jt->jsa", problem.rows.pairs, values).scaled(discount)
    turned = turned_rows(response.policy, gaps, problem.rows.pairs)
    kernel = averaged("sa,jsat->jst", response.policy, problem.row_slopes)
    return Moved(kernel + turned.scaled(1.0 / tables.temperature), kernel, gaps, gain)


def _moved_values(response: Response, gain: Faced, discount: float, mixing: np.ndarray) -> Model:
    """Slopes of the values along each edge, (n - 1, n - 1): u = b + discount M u."""
    mean = averaged("sa,jsa->js", response.policy, gain)
    right = mean.relative(-1)
    inverse, chain = response.solver.inverse, response.chain
    centre = np.einsum("stk,jtk->jsk", inverse, right.centre)
    slopes = right.linear + discount * np.einsum("zstk,jtk->zjsk", chain.linear, centre)
    guess = Model.affine(centre, np.einsum("stk,zjtk->zjsk", inverse, slopes), chain.shape)
    residual = right + multiply("st,jt->js", chain, guess).scaled(discount) - guess
    found = better_values(response.solver, guess, residual, span_of(residual, discount * mixing))
    span = np.broadcast_to(span_of(right, discount * mixing)[:, None], found.centre.shape)
    return found.within(-span, span)


def _moved_law(response: Response, laws: Solver, every: Model, moved: Model, mixing: np.ndarray) -> Model:
    """Slopes of the law along each edge, (n - 1, n - 1): x = w + x M, with w the law's mean of the moved rows."""
    # A mean of the rows, whatever the law.
    pushed = multiply("s,jst->jt", every, moved)
    pushed = pushed.within(np.min(moved.lower, axis=-3), np.max(moved.upper, axis=-3))
    centre = np.einsum("jsk,stk->jtk", pushed.centre, laws.inverse)
    slopes = pushed.linear + np.einsum("jsk,zstk->zjtk", centre, response.chain.linear)
    guess = Model.affine(centre, np.einsum("zjsk,stk->zjtk", slopes, laws.inverse), every.shape)
    residual = pushed + multiply("js,st->jt", guess, response.chain) - guess
    return better_laws(laws, guess, residual, norm_of(residual, mixing))


def _roughness(
    tables: Tables, cells: Cells, problem: Problem, response: Response, factor: Float[np.ndarray, " K"]
) -> Float[np.ndarray, "E K"]:
    """About what the slopes of action values are off by, from the radii of the game's own slopes, along each edge."""
    rewards, rows = problem.reward_slopes.every.radius, problem.row_slopes.every.radius
    values = np.max(np.abs(response.plain[0]), axis=0)
    off = np.max(rewards, axis=(0, 1, 2)) + values * np.max(np.sum(rows, axis=3), axis=(0, 1, 2))
    moved = np.minimum(factor, _MOST_MIXING) * off / (1.0 - tables.discount * response.mixing)
    # Curved functions are known the better the smaller the simplex of mean fields is.
    edges = edges_of(tables.shape)
    ends = (np.moveaxis(cells.vertices, 0, -1)[edges[:, k]] for k in (0, 1))
    field = edges[:, 1:] < tables.num_states
    lengths = np.where(field, np.max(np.abs(np.subtract(*ends)), axis=1), 0.0)
    rough: Float[np.ndarray, "E K"] = np.where(np.isfinite(moved), moved, 0.0) * lengths / np.max(lengths, axis=0)
    return rough


def _with_last(law: Model) -> Model:
    """All entries of a law: the last is what the others lack of 1."""
    rest = -total(law)
    last = (rest + np.ones_like(rest.centre)).moved(lambda part: part[..., None, :])
    return joined(law, last)


def _plain_jacobian(tables: Tables, problem: Problem, response: Response) -> Float[np.ndarray, "k k K"]:
    r"""$D\Gamma$ at the centres as numbers that nothing is proved of: what a bound is held against."""
    values, policy = response.plain
    rows, discount = problem.rows.every.centre, tables.discount
    chain = np.einsum("sak,satk->stk", policy, rows)
    laws = near_inverse(reduced_rows(problem, policy), 1.0)
    law = np.einsum("sk,stk->tk", chain[-1], laws)
    slopes = problem.row_slopes.every.centre
    gain = problem.reward_slopes.every.centre + discount * np.einsum("jsatk,tk->jsak", slopes, values)
    mean = np.einsum("sak,jsak->jsk", policy, gain)
    moved = np.einsum("stk,jtk->jsk", response.solver.inverse, mean[:, :-1] - mean[:, -1:])
    gain = gain + discount * np.einsum("satk,jtk->jsak", rows, moved)
    turned = policy * (gain - np.einsum("sak,jsak->jsk", policy, gain)[:, :, None]) / tables.temperature
    pushed = np.einsum("jsak,satk->jstk", turned, rows) + np.einsum("sak,jsatk->jstk", policy, slopes)
    whole = np.concatenate([law, 1.0 - law.sum(axis=0, keepdims=True)])
    jacobian: Float[np.ndarray, "k k K"] = np.einsum("sk,jsuk,utk->jtk", whole, pushed, laws)
    return jacobian
