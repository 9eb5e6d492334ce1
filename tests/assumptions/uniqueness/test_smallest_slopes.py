"""What large slopes leave when they cancel is seen in rational arithmetic, and so is it here."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.assumptions.uniqueness.smallest_slopes import least_move, smallest_left, vanishes


def rational(form, sign):
    """x^T S y over the x, y = e_i - e_0, of which all vectors that sum to zero are made."""
    exact = [[Fraction(float(entry)) for entry in row] for row in form]
    size = range(len(form))
    part = [[exact[i][j] + int(sign) * exact[j][i] for j in size] for i in size]
    return [part[i][j] - part[0][j] - part[i][0] + part[0][0] for i in size for j in size]


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_is_that_of_fractions(seed, sign):
    rng = np.random.default_rng(seed)
    weights = 2.0**47 * np.arange(4.0)
    form = np.outer(np.ones(4), weights) - sign * np.outer(weights, np.ones(4))
    assert vanishes(form, -sign)
    form = form + rng.integers(-2, 3, size=(4, 4))
    for each in (sign, -sign):
        left = [abs(entry) for entry in rational(form, each) if entry != 0]
        assert vanishes(form, each) == (not left)
        assert smallest_left(form, each) <= min(left, default=np.inf)
        assert smallest_left(form, each) > 0.0


def test_a_small_entry_beside_large_ones_is_the_smallest():
    assert smallest_left(np.diag([-1e12, -1e12, 0.02, 0.03]), 1.0) == 0.02
    assert smallest_left(np.zeros((3, 3)), 1.0) == np.inf
    assert smallest_left(np.full((2, 2), 1e308), 1.0) == 0.0


def test_the_least_move_is_of_directions_that_move():
    moved = np.kron(np.eye(2), np.ones((1, 2)))
    still, slow = np.array([1.0, -1.0, 0.0, 0.0]) / np.sqrt(2.0), np.array([0.0, 0.0, 1.0, -1.0 + 1e-4])
    assert least_move(moved, np.stack([still, slow / np.linalg.norm(slow)], axis=1)) == pytest.approx(5e-9, rel=1e-3)
