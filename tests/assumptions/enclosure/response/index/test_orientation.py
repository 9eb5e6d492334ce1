"""Signs of determinants: those of exact arithmetic, and over cells those of automatic differentiation inside."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.cells import centre_of
from smfg_verify.assumptions.enclosure.response.index.orientation import determinant_signs, orientation_of
from smfg_verify.assumptions.enclosure.response.slopes import slopes_over
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.response_jacobian import at_mean_fields
from tests.assumptions.crowds import crowd
from tests.assumptions.enclosure.response.test_slopes import a_point_of_each, random_game, small_cells


def exact_sign(matrix):
    """By fractions, without row exchanges unless a pivot is zero."""
    rows, sign = [[Fraction(float(entry)) for entry in row] for row in matrix], 1
    while rows:
        pivot = next((k for k, row in enumerate(rows) if row[0] != 0), None)
        if pivot is None:
            return 0
        sign *= -1 if pivot % 2 else 1
        first = rows.pop(pivot)
        sign *= 1 if first[0] > 0 else -1
        rows = [[b - row[0] / first[0] * a for a, b in zip(first[1:], row[1:], strict=True)] for row in rows]
    return sign


@pytest.mark.parametrize("size", [2, 3, 6])
def test_a_sign_is_that_of_exact_arithmetic_or_none(size):
    rng = np.random.default_rng(size)
    matrices = rng.normal(size=(60, size, size)) * 10.0 ** rng.integers(-9, 9, size=(60, size, 1))
    assert np.array_equal(determinant_signs(matrices), [exact_sign(matrix) for matrix in matrices])
    # Singular but for what the last row is moved by, down to roundings.
    matrices[:, -1] = matrices[:, :-1].sum(axis=1)
    matrices[:, -1, -1] += np.max(np.abs(matrices), axis=(1, 2)) * 10.0 ** rng.uniform(-20, -8, 60)
    found = determinant_signs(matrices)
    exact = np.array([exact_sign(matrix) for matrix in matrices])
    assert np.all((found == 0) | (found == exact))
    assert np.mean(found != 0) > 0.3


def test_a_singular_matrix_and_one_that_is_no_number_have_no_sign():
    assert determinant_signs(np.ones((1, 3, 3)))[0] == 0
    assert determinant_signs(np.zeros((1, 2, 2)))[0] == 0
    assert determinant_signs(np.array([[[np.nan, 0.0], [0.0, 1.0]]]))[0] == 0


GAMES = {
    "crowd": (lambda: crowd(1.0, 0.2, inertia=0.1), 6),
    "random": (lambda: random_game((3, 2, 2), 5, tau=0.5, reward_coupling=3.0), 20),
}


@pytest.mark.parametrize("name", GAMES)
def test_over_a_cell_the_sign_and_the_slack_are_those_of_its_points(name):
    make, halvings = GAMES[name]
    game = make()
    tables, rng, number = vertex_tables(game), np.random.default_rng(0), 32
    cells = small_cells(tables, number, halvings, rng)
    found = orientation_of(slopes_over(tables, cells).jacobian)
    assert np.any(found.sign > 0)
    assert np.any(found.sign < 0) or name == "random"
    for _ in range(2):
        policies, fields = zip(*(centre_of(tables, at) for at in a_point_of_each(tables, cells, rng)[0]), strict=True)
        exact = at_mean_fields(game, np.log(np.maximum(policies, 1e-300)), np.array(fields)).response
        matrices = np.eye(game.num_states) - exact
        inner = matrices[:, :-1, :-1] - matrices[:, :-1, -1:]
        assert np.all((found.sign == 0) | (np.sign(np.linalg.det(inner)) == found.sign))
        tangents = rng.normal(size=(number, game.num_states))
        tangents -= tangents.mean(axis=1, keepdims=True)
        moved = np.einsum("kst,kt->ks", matrices, tangents)
        assert np.all(np.abs(moved).sum(axis=1) >= found.slack * np.abs(tangents).sum(axis=1) - 1e-12)
    assert np.all((found.slack > 0.0) == (found.sign != 0))
