"""m-step minorants against linear programs, against chains of policies that change in time, and closed forms."""

import numpy as np
import pytest
from scipy.optimize import linprog

from smfg_verify.assumptions.constants.mixing import (
    best_mixing,
    lower_expectation,
    minorised_coefficient,
    minorised_mass,
)
from tests.assumptions.chain_games import array_pair, walk


def interval(seed, n=4, width=0.1):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.ones(n), (n, 2, 3))
    return np.maximum(rows - width * rng.uniform(size=rows.shape), 0), rows + width * rng.uniform(size=rows.shape)


def test_lower_expectation_is_the_linear_programs():
    lower, upper = interval(0)
    value = np.random.default_rng(1).normal(size=(4, 2))
    found = lower_expectation(lower, upper, value)
    for state in range(4):
        for target in range(2):
            solved = [
                linprog(
                    value[:, target],
                    A_eq=np.ones((1, 4)),
                    b_eq=[1.0],
                    bounds=list(zip(lower[state, a, b], upper[state, a, b], strict=True)),
                ).fun
                for a in range(2)
                for b in range(3)
            ]
            assert found[state, target] == pytest.approx(min(solved), abs=1e-9)


def test_minorants_hold_for_policies_and_mean_fields_that_change_in_time():
    _, arrays = array_pair(0, floor=0.02, kernel_coupling=0.3)
    vertices = np.stack([arrays.tables(field)[0] for field in np.eye(3)])
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    rng = np.random.default_rng(1)
    for steps in (1, 2, 5):
        mass, bound = minorised_mass(lower, upper, steps=steps), minorised_coefficient(lower, upper, steps=steps)
        worst_mass, worst_coefficient = np.inf, 0.0
        for _ in range(200):
            law = np.eye(3)
            for _ in range(steps):
                kernel = arrays.tables(rng.dirichlet(np.full(3, 0.2)))[0]
                pi, phi = rng.dirichlet(np.full(2, 0.1), 3), rng.dirichlet(np.full(2, 0.1), 3)
                law = law @ np.einsum("sa,sb,sabt->st", pi, phi, kernel)
            worst_mass = np.min([worst_mass + 0 * mass, law.min(axis=0)], axis=0)
            worst_coefficient = max(worst_coefficient, 0.5 * np.abs(law[:, None] - law).sum(axis=-1).max())
        assert np.all(mass <= worst_mass + 1e-12)
        assert worst_coefficient <= bound + 1e-12
        assert np.all(mass > 0.0)


@pytest.mark.parametrize("n", [3, 5])
def test_a_single_chain_is_followed_exactly(n):
    """Without a choice the minorant is the chain itself, and its overlap is the coefficient of the chain's power."""
    kernel = walk(n)
    table = kernel[:, None, None, :]
    found = best_mixing(table, table, one_step=1.0, max_steps=40)
    power, factors = np.eye(n), []
    for step in range(1, 41):
        power = power @ kernel
        delta = 0.5 * np.abs(power[:, None] - power).sum(axis=-1).max()
        if step <= len(found.coefficients):
            assert found.coefficients[step - 1] == pytest.approx(delta, abs=1e-12)
        factors.append(step / (1.0 - delta) if delta < 1.0 - 1e-12 else np.inf)
    assert found.factor == pytest.approx(min(factors))
    assert found.steps == 1 + int(np.argmin(factors)) > 1
    np.testing.assert_allclose(found.mass, np.linalg.matrix_power(kernel, found.steps).min(axis=0), atol=1e-14)
    law = np.full(n, 1.0 / (n + 1))
    law[-1] *= 2  # twice as long in the state that is kept half of the time
    assert np.all(found.stationary_mass <= law + 1e-12)


def test_a_better_one_step_bound_is_used_and_nothing_else_changes():
    lower, upper = interval(2, width=0.02)
    alone, helped = (best_mixing(lower, upper, one_step=bound, max_steps=20) for bound in (1.0, 0.01))
    assert helped.steps == 1
    assert helped.coefficient == 0.01
    np.testing.assert_allclose(alone.stationary_mass, helped.stationary_mass, atol=1e-8)  # stops where it gains less


def test_out_of_work_leaves_the_one_step_bound():
    lower, upper = interval(3)
    found = best_mixing(lower, upper, one_step=0.7, max_steps=20, max_work=0.0)
    assert (found.steps, found.coefficient, found.factor) == (1, 0.7, pytest.approx(1 / 0.3))
    assert not found.mass.any()
