"""Second derivatives in intervals: against central differences of plain functions, and norms against NumPy's."""

import numpy as np

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.jets import Jet, softmax_jet, spectral_bounds, times

STEP = 1e-4
# Of a function along t e_i + u e_j, weights of its values at (t, u) = (+, +), (+, -), (-, +), (-, -).
CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def curve(seed, *shape):
    """Coefficients of a polynomial c0 + c1 t + c2 u + c3 t u, and the jet that it has at zero."""
    parts = np.random.default_rng(seed).normal(size=(4, *shape))
    return lambda t, u: parts[0] + t * parts[1] + u * parts[2] + t * u * parts[3], Jet(*map(Ball.exact, parts))


def differences(function):
    """Value, both slopes and the mixed derivative of a function of (t, u) at zero."""
    values = [function(t, u) for t, u in STEP * CORNERS]
    along = [(function(t, u) - function(-t, -u)) / (2 * STEP) for t, u in ((STEP, 0.0), (0.0, STEP))]
    mixed = (values[0] - values[1] - values[2] + values[3]) / (4 * STEP**2)
    return function(0.0, 0.0), *along, mixed


def test_products_obey_the_product_rule():
    (first, x), (second, y) = curve(0, 3, 2), curve(1, 3, 2, 4)
    found = times("ks,kst->kt", x, y)
    expected = differences(lambda t, u: np.einsum("ks,kst->kt", first(t, u), second(t, u)))
    for part, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(part.mid, value, atol=1e-6)
        assert np.max(part.rad) < 1e-12


def test_softmax_moves_as_its_differences():
    function, logits = curve(2, 3, 2, 4)
    gaps = logits.mapped(lambda part: part[:, :, :, None] - part[:, :, None, :])

    def softmax(t, u):
        weights = np.exp(function(t, u))
        return weights / weights.sum(axis=2, keepdims=True)

    for part, value in zip(softmax_jet(gaps), differences(softmax), strict=True):
        np.testing.assert_allclose(part.mid, value, atol=1e-6)


def test_a_wide_jet_holds_the_jets_of_its_points():
    _, logits = curve(3, 1, 1, 3)
    wide = logits.mapped(lambda part: Ball(part.mid, part.rad + 0.05))
    wide = wide.mapped(lambda part: part[:, :, :, None] - part[:, :, None, :])
    held, rng = softmax_jet(wide), np.random.default_rng(4)
    for _ in range(50):
        moved = logits.mapped(lambda part: Ball.exact(part.mid + rng.choice([-0.05, 0.05], part.mid.shape)))
        inner = softmax_jet(moved.mapped(lambda part: part[:, :, :, None] - part[:, :, None, :]))
        for whole, part in zip(held, inner, strict=True):
            assert np.all(np.abs(part.mid - whole.mid) <= whole.rad + 1e-12)


def test_norms_of_symmetric_matrices_lie_between_their_bounds():
    rng = np.random.default_rng(5)
    middle = rng.normal(size=(40, 6, 6)) * 10.0 ** rng.uniform(-8, 8, (40, 1, 1))
    middle = middle + np.swapaxes(middle, 1, 2)
    lower, upper = spectral_bounds(Ball.exact(middle))
    norms = np.linalg.norm(middle, 2, axis=(1, 2))
    assert np.all(lower <= norms * (1 + 1e-12))
    assert np.all(lower >= norms * (1 - 1e-9))
    assert np.all(upper >= norms * (1 - 1e-12))
    assert np.all(upper <= 1.06 * norms)
    shift = rng.uniform(-1.0, 1.0, middle.shape)
    wide = spectral_bounds(Ball(middle, 0.1 * np.abs(middle)))
    moved = np.linalg.norm(middle + 0.05 * np.abs(middle) * (shift + np.swapaxes(shift, 1, 2)), 2, axis=(1, 2))
    assert np.all(wide[0] <= moved)
    assert np.all(moved <= wide[1])
    zero, nothing = (
        spectral_bounds(Ball.exact(np.zeros((1, 2, 2)))),
        spectral_bounds(Ball(np.zeros((1, 2, 2)), np.full((1, 2, 2), np.inf))),
    )
    assert zero[1][0] < 1e-200
    assert nothing[0][0] == 0.0
    assert np.isinf(nothing[1][0])
