r"""$D\Gamma$ over cells of leader policies and mean fields, along the edges $e_j - e_{\text{last}}$ of mean fields."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.best_response import Response, averaged, reduced_rows, respond
from smfg_verify.assumptions.enclosure.response.cells import Cells
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
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, multiply, total
from smfg_verify.assumptions.enclosure.response.problem import Faced, Problem, pairs_of, problem_over
from smfg_verify.assumptions.enclosure.response.vertex_tables import VertexTables


class Slopes(NamedTuple):
    """What is known over cells.

    Attributes:
        jacobian: of the law's entries but the last, (n - 1, n - 1), first axis the edge of mean fields.
        gaps: of the action values, (n, pairs): what bends the map.
        law: the stationary law's entries but the last, (n - 1).
        plain: the same Jacobian at the centres in plain floats, (n - 1, n - 1, K).
        mixing: how far the law moves in l1, at most, where the chain's rows move by 1 in l1, (K,).
    """

    jacobian: Model
    gaps: Model
    law: Model
    plain: Float[np.ndarray, "k k K"]
    mixing: Float[np.ndarray, " K"]


def slopes_over(tables: VertexTables, cells: Cells) -> Slopes:
    r"""$D\Gamma$ over cells.

    Args:
        tables: of the game.
        cells: K of them.

    Returns:
        Models; infinite or NaN radii where a cell is too large for a bound.
    """
    with np.errstate(all="ignore"):
        problem = problem_over(tables, cells)
        response = respond(tables, problem)
        mixing = np.minimum(_variation(response), tables.mixing)
        laws = law_solver(response.chain, near_inverse(response.chain.centre, 1.0))
        law = _law(response, laws, mixing)
        moved = _moved_rows(tables, problem, response, mixing)
        jacobian = _moved_law(response, laws, law, moved, mixing)
        plain = _plain_jacobian(tables, problem, response)
        return Slopes(jacobian, response.gaps, law, plain, mixing_factor(laws, mixing))


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


def _moved_rows(tables: VertexTables, problem: Problem, response: Response, mixing: np.ndarray) -> Model:
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
    first, second = pairs_of(response.policy.centre.shape[-2])
    both = multiply("sa,sa->sa", response.policy.taken(first, -1), response.policy.taken(second, -1))
    turned = multiply("jsa,sat->jst", gaps, multiply("sa,sat->sat", both, problem.rows.pairs))
    kernel = averaged("sa,jsat->jst", response.policy, problem.row_slopes)
    return kernel + turned.scaled(1.0 / tables.temperature)


def _moved_values(response: Response, gain: Faced, discount: float, mixing: np.ndarray) -> Model:
    """Slopes of the values along each edge, (n - 1, n - 1): u = b + discount M u."""
    mean = averaged("sa,jsa->js", response.policy, gain)
    right = mean.relative(-1)
    inverse, chain = response.solver.inverse, response.chain
    centre = np.einsum("stk,jtk->jsk", inverse, right.centre)
    slopes = right.linear + discount * np.einsum("zstk,jtk->zjsk", chain.linear, centre)
    guess = Model.affine(centre, np.einsum("stk,zjtk->zjsk", inverse, slopes), chain.shape)
    residual = right + multiply("st,jt->js", chain, guess).scaled(discount) - guess
    return better_values(response.solver, guess, residual, span_of(residual, discount * mixing))


def _moved_law(response: Response, laws: Solver, law: Model, moved: Model, mixing: np.ndarray) -> Model:
    """Slopes of the law along each edge, (n - 1, n - 1): x = w + x M, with w the law's mean of the moved rows."""
    last, apart = moved.taken(moved.centre.shape[1] - 1, -2), moved.relative(-2)
    pushed = last + multiply("s,jst->jt", law, apart)
    centre = np.einsum("jsk,stk->jtk", pushed.centre, laws.inverse)
    slopes = pushed.linear + np.einsum("jsk,zstk->zjtk", centre, response.chain.linear)
    guess = Model.affine(centre, np.einsum("zjsk,stk->zjtk", slopes, laws.inverse), law.shape)
    residual = pushed + multiply("js,st->jt", guess, response.chain) - guess
    return better_laws(laws, guess, residual, norm_of(residual, mixing))


def _plain_jacobian(tables: VertexTables, problem: Problem, response: Response) -> Float[np.ndarray, "k k K"]:
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
