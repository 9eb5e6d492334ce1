"""Boxes hold the solutions of equations whose rows are chosen state by state, and those of equal rows are sharp."""

import itertools

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.models import Model, Shape, joined, multiply
from smfg_verify.assumptions.enclosure.response.rowwise.boxes import box_of, contracted, rows_over

N = 3
SHAPE = Shape((N, 2))


def affine(ends):
    """What goes from one value to another as the row does, whatever the mean field: a model over one cell."""
    first, second = ends[..., None]
    linear = np.zeros((SHAPE.dimension, *first.shape))
    linear[-1] = second - first
    return Model.affine(0.5 * (first + second), linear, SHAPE)


def setting(rng, discount, equal):
    """Numbers and rows at both ends of each state's leader row, and a box of the solution around a guess."""
    right, rows = rng.normal(size=(2, N)), rng.dirichlet(np.ones(N), (2, N))
    if equal:
        rows[:] = rows[0, 0]
    middle = np.linalg.lstsq(np.eye(N) - discount * rows.mean(axis=0), right.mean(axis=0), rcond=None)[0]
    guess = affine(np.tile(middle[:-1] - middle[-1], (2, 1)))
    chain = affine(rows[..., :-1])
    missed = affine(right) + multiply("st,t->s", chain, guess).scaled(discount)
    missed = joined(missed.taken(np.arange(N - 1), -1) - guess, missed.taken(np.array([N - 1]), -1))
    return right, rows, chain, box_of(guess, missed, rows_over(chain, 1.0, 1), discount)


def solutions(right, rows, discount, shares):
    """Relative to the last state, at shares of the second end by state; with the mean under the law taken off at 1."""
    for share in shares:
        b, p = (
            (1.0 - weight) * ends[0] + weight * ends[1] for ends, weight in ((right, share), (rows, share[:, None]))
        )
        if discount == 1.0:
            law = np.linalg.solve(np.eye(N) - p.T + 1.0, np.ones(N))
            b = b - law @ b
        x = np.linalg.lstsq(np.eye(N) - discount * p, b, rcond=None)[0]
        yield x - x[-1]


@pytest.mark.parametrize("discount", [0.0, 0.8, 1.0])
def test_solutions_of_all_choices_of_rows_are_held(discount):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        right, rows, chain, box = setting(rng, discount, equal=False)
        shares = [*np.array(list(itertools.product((0.0, 1.0), repeat=N))), *rng.random((8, N))]
        ends = contracted("st,t->s", chain.taken(np.array([0]), -2) - chain.taken(np.array([1]), -2), box)
        for x, share in zip(solutions(right, rows, discount, shares), shares, strict=True):
            off = x - np.append(box.guess.centre[:, 0], 0.0)
            assert np.all(np.abs(off[:-1]) <= box.radius[:, 0] + 1e-9)
            assert np.ptp(off) <= box.span[0] + 1e-9
            turned = ((1.0 - share[0]) * (rows[0, 0] - rows[0, 1]) + share[0] * (rows[1, 0] - rows[1, 1])) @ x
            assert ends.lower[0, 0] - 1e-9 <= turned <= ends.upper[0, 0] + 1e-9


@pytest.mark.parametrize("discount", [0.8, 1.0])
def test_of_equal_rows_the_box_is_sharp(discount):
    right, rows, _, box = setting(np.random.default_rng(1), discount, equal=True)
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=N)))
    off = np.array(list(solutions(right, rows, discount, corners)))[:, :-1] - box.guess.centre[:, 0]
    np.testing.assert_allclose(np.max(np.abs(off), axis=0), box.radius[:, 0], rtol=1e-9)
