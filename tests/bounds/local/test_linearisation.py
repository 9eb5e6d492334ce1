"""Linear stochastic dynamics: closed forms where modes do not mix, and the equations where they do."""

import numpy as np

from smfg_verify.bounds.local.linearisation import Linearisation


def stable(size=4, seed=0):
    """A random stable linearisation whose directions are all movable."""
    rng = np.random.default_rng(seed)
    slope, constants = rng.normal(size=(size, size)) - 4.0 * np.eye(size), rng.uniform(0.5, 2.0, size)
    matrix = constants[:, None] * slope
    return Linearisation(np.eye(size), constants, slope, matrix, float(np.max(np.linalg.eigvals(matrix).real)))


def test_modes_that_do_not_mix_have_the_covariance_of_each_pair():
    rates, constants = np.array([-1.0, -2.0, -0.5]), np.array([1.0, 3.0, 2.0])
    found = Linearisation(np.eye(3), constants, np.diag(rates), np.diag(constants * rates), -1.0)
    noise = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 3.0]])
    covariance, lagging, residual = found.stationary(noise)
    speeds = -(constants * rates)[:, None] - constants * rates
    expected = np.outer(constants, constants) * noise / speeds
    np.testing.assert_allclose(covariance, expected, rtol=1e-13)
    np.testing.assert_allclose(lagging, 0.5 * expected / speeds, rtol=1e-13)
    assert residual < 1e-14
    assert np.all(found.stationary(np.zeros((3, 3)))[0] == 0.0)


def test_covariance_and_shift_solve_their_equations():
    found, rng = stable(), np.random.default_rng(1)
    root, forcing = rng.normal(size=(4, 4)), rng.normal(size=4)
    noise = root @ root.T
    covariance, _, _ = found.stationary(noise)
    scaled = np.outer(found.constants, found.constants) * noise
    np.testing.assert_allclose(found.matrix @ covariance + covariance @ found.matrix.T, -scaled, atol=1e-12)
    assert np.min(np.linalg.eigvalsh(covariance)) > 0.0
    np.testing.assert_allclose(found.slope @ found.mean_shift(forcing), -forcing, atol=1e-13)


def test_the_condition_is_that_of_the_equation_written_as_one_linear_system():
    found = stable()
    system = np.kron(np.eye(4), found.matrix) + np.kron(found.matrix, np.eye(4))
    exact = np.linalg.norm(system, 1) * np.linalg.norm(np.linalg.inv(system), 1)
    assert exact / 10.0 < found.condition() < 10.0 * exact


def test_a_matrix_that_is_nearly_singular_is_badly_conditioned():
    found = stable()
    near = found.matrix - (found.abscissa + 1e-9) * np.eye(4)
    worse = Linearisation(found.basis, found.constants, found.slope, near, -1e-9)
    assert worse.condition() > 1e6 * found.condition()
