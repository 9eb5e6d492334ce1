"""The linear policy nearest to a learned one."""

import numpy as np
import pytest

from smfg_verify.stochastic.neural import fit_policy, normal_average


def test_a_linear_policy_is_its_own_fit():
    positions = np.linspace(-2.0, 3.0, 40)
    fitted = fit_policy(positions, -(0.4 * positions - 0.2), np.full(40, 0.7), 0.5, 0.3)
    assert [float(number) for number in fitted] == pytest.approx([0.4, -0.2, 0.49])


def test_a_cubic_policy_is_fitted_where_the_population_stands():
    """E[z x^3] / E[z^2] of x = m + z is 3 (m^2 + s^2) under a normal law of mean m and variance s^2."""
    positions = np.linspace(-8.0, 9.0, 800)
    means = -np.stack([positions**3, 2.0 * positions**3])
    fitted = fit_policy(positions, means, np.ones((2, 800)), 0.5, 0.3)
    np.testing.assert_allclose(fitted.gain, [3 * (0.25 + 0.3), 6 * (0.25 + 0.3)], rtol=1e-9)
    np.testing.assert_allclose(normal_average(positions, positions**2, 0.5, 0.3), 0.55, rtol=1e-9)
