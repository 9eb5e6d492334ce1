r"""$D\Gamma$ over cells of leader policies and mean fields, along the edges $e_j - e_{\text{last}}$ of mean fields."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.best_response import Response, averaged, respond
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
from smfg_verify.assumptions.enclosure.response.models import Model, apply, multiply
from smfg_verify.assumptions.enclosure.response.problem import Faced, Problem, pairs_of, problem_over
from smfg_verify.assumptions.enclosure.response.vertex_tables import VertexTables


class Slopes(NamedTuple):
    """What is known over cells.

    Attributes:
        jacobian: of the law's entries but the last, (n - 1, n - 1), first axis the edge of mean fields.
        gaps: of the action values, (n, pairs): what bends the map.
        law: the stationary law's entries but the last, (n - 1).
        mixing: how far the law moves in l1, at most, where the chain's rows move by 1 in l1, (K,).
    """

    jacobian: Model
    gaps: Model
    law: Model
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
        return Slopes(jacobian, response.gaps, law, mixing_factor(laws, mixing))


def _variation(response: Response) -> Float[np.ndarray, " K"]:
    """Bound of the total variation between two rows of the chain."""
    rows = response.chain.centre.shape[0]
    zero = response.chain.moved(lambda part: np.zeros_like(part[..., :1, :, :]))
    largest = np.zeros(response.chain.centre.shape[-1])
    every = [response.chain.moved(lambda part, s=s: part[..., s : s + 1, :, :]) for s in range(rows)] + [zero]
    for k, first in enumerate(every):
        for second in every[:k]:
            apart = first - second
            total = apart.moved(lambda part: part[..., 0, :, :])
            sides = np.sum(total.largest, axis=0) + np.abs(_sum(total).largest)
            largest = np.maximum(largest, 0.5 * OUTWARD * sides)
    return largest


def _sum(model: Model) -> Model:
    """The sum over the last axis before the cells'."""
    return apply("t,t->", model, np.ones((model.centre.shape[-2], 1)))


def _law(response: Response, laws: Solver, mixing: Float[np.ndarray, " K"]) -> Model:
    """The stationary law: x = b + x M, with b the last state's row."""
    chain, last = response.chain, response.last
    centre = np.einsum("sk,stk->tk", last.centre, laws.inverse)
    slopes = last.linear + np.einsum("sk,zstk->ztk", centre, chain.linear)
    guess = Model.affine(centre, np.einsum("zsk,stk->ztk", slopes, laws.inverse), chain.shape)
    residual = last + multiply("s,st->t", guess, chain) - guess
    found = better_laws(laws, guess, residual, norm_of(residual, mixing))
    # Probabilities, whatever the bound.
    half = np.full_like(centre, 0.5)
    return found.where(found.largest <= 1.0, half, half)


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
    both = multiply(
        "sa,sa->sa", *(response.policy.moved(lambda part, at=at: part[..., at, :]) for at in (first, second))
    )
    turned = multiply("jsa,sat->jst", gaps, multiply("sa,sat->sat", both, problem.rows.pairs))
    kernel = averaged("sa,jsat->jst", response.policy, problem.row_slopes)
    return kernel + turned.scaled(1.0 / tables.temperature)


def _moved_values(response: Response, gain: Faced, discount: float, mixing: np.ndarray) -> Model:
    """Slopes of the values along each edge, (n - 1, n - 1): u = b + discount M u."""
    mean = averaged("sa,jsa->js", response.policy, gain)
    right = mean.moved(lambda part: part[..., :-1, :]) - mean.moved(lambda part: part[..., -1:, :])
    inverse, chain = response.solver.inverse, response.chain
    centre = np.einsum("stk,jtk->jsk", inverse, right.centre)
    slopes = right.linear + discount * np.einsum("zstk,jtk->zjsk", chain.linear, centre)
    guess = Model.affine(centre, np.einsum("stk,zjtk->zjsk", inverse, slopes), chain.shape)
    residual = right + multiply("st,jt->js", chain, guess).scaled(discount) - guess
    return better_values(response.solver, guess, residual, span_of(residual, discount * mixing))


def _moved_law(response: Response, laws: Solver, law: Model, moved: Model, mixing: np.ndarray) -> Model:
    """Slopes of the law along each edge, (n - 1, n - 1): x = w + x M, with w the law's mean of the moved rows."""
    last = moved.moved(lambda part: part[..., -1, :, :])
    apart = moved.moved(lambda part: part[..., :-1, :, :]) - moved.moved(lambda part: part[..., -1:, :, :])
    pushed = last + multiply("s,jst->jt", law, apart)
    centre = np.einsum("jsk,stk->jtk", pushed.centre, laws.inverse)
    slopes = pushed.linear + np.einsum("jsk,zstk->zjtk", centre, response.chain.linear)
    guess = Model.affine(centre, np.einsum("zjsk,stk->zjtk", slopes, laws.inverse), law.shape)
    residual = pushed + multiply("js,st->jt", guess, response.chain) - guess
    return better_laws(laws, guess, residual, norm_of(residual, mixing))
