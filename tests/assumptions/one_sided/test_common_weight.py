"""One weight for several matrices where one is planted, and multipliers where none can be."""

import numpy as np
import pytest

from smfg_verify import conic
from smfg_verify.assumptions.one_sided.common_weight import find_common_weight
from smfg_verify.assumptions.one_sided.growth import abscissas, frame_of, growths
from smfg_verify.exact.response_jacobian import tangent_basis


def on_fields(matrices):
    """Matrices on tangents as Jacobians of mean fields."""
    basis = tangent_basis(matrices.shape[-1] + 1)
    return basis @ matrices @ basis.T


def planted(rate, number=4, size=3, seed=0):
    """I + R^-1 (K - rate I - S) R, K skew, S positive: of that rate or more in the norm of R, not in the Euclidean."""
    rng = np.random.default_rng(seed)
    root = np.diag(np.linspace(1.0, 6.0, size)) @ np.linalg.qr(rng.normal(size=(size, size)))[0]
    matrices = []
    for _ in range(number):
        skew = 2.0 * rng.normal(size=(size, size))
        extra = 0.2 * rng.normal(size=(size, size))
        inner = skew - skew.T - rate * np.eye(size) - extra @ extra.T
        matrices.append(np.eye(size) + np.linalg.solve(root, inner @ root))
    return on_fields(np.array(matrices))


def highest(jacobians):
    return 1.0 - np.max(abscissas(jacobians))


def test_a_planted_weight_is_found_with_its_rate():
    jacobians = planted(0.4)
    assert 1.0 - np.max(growths(jacobians, frame_of(4))) < 0.0
    found = find_common_weight(jacobians, highest(jacobians))
    assert found.multipliers is None
    assert set(found.statuses) == {conic.SOLVED} == {found.second_status}
    assert found.rate >= 0.95 * 0.4
    assert found.rate == pytest.approx(1.0 - np.max(growths(jacobians, frame_of(4, found.weight))), rel=1e-12)
    assert found.rate <= highest(jacobians)


def test_where_none_can_be_multipliers_prove_it():
    """Each decays alone, and their mean grows: a common weight would make the mean decay too."""
    first, second = np.array([[0.5, 4.0], [0.0, 0.5]]), np.array([[0.5, 0.0], [4.0, 0.5]])
    jacobians = on_fields(np.stack([first, second]))
    assert np.linalg.eigvals(0.5 * (first + second)).max() > 1.0
    found = find_common_weight(jacobians, highest(jacobians))
    assert not found.rate > 0.0
    basis = tangent_basis(3)
    total = np.zeros((2, 2))
    for jacobian, multiplier in zip(jacobians, found.multipliers, strict=True):
        assert np.linalg.eigvalsh(multiplier)[0] >= -1e-7
        change = (basis.T @ jacobian @ basis - np.eye(2)) @ multiplier
        total += change + change.T
    assert np.linalg.eigvalsh(total)[0] > 0.1
