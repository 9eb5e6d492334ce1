"""Extremes of linear forms over boxes and over the part of the simplex in them, against linear programming."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from smfg_verify.assumptions.enclosure.domain import Domain


@pytest.mark.parametrize("size", [2, 5, 20])
@pytest.mark.parametrize("simplex", [True, False])
def test_extremes_are_those_of_a_linear_program(size, simplex):
    rng = np.random.default_rng(size)
    for _ in range(5):
        inside = rng.dirichlet(np.ones(size))
        lower = np.clip(inside - rng.uniform(0.0, 0.4, size), 0.0, 1.0)
        upper = np.clip(inside + rng.uniform(0.0, 0.4, size), 0.0, 1.0)
        slopes = rng.normal(size=(size, 3))
        found = Domain(jnp.asarray(lower), jnp.asarray(upper), simplex).extremes(jnp.asarray(slopes))
        equality = {"A_eq": np.ones((1, size)), "b_eq": [1.0]} if simplex else {}
        for column in range(3):
            for ends, sign in zip(found, (1.0, -1.0), strict=True):
                program = scipy.optimize.linprog(
                    sign * slopes[:, column], bounds=np.column_stack([lower, upper]), **equality
                )
                np.testing.assert_allclose(ends[column], sign * program.fun, atol=1e-9)


def test_extremes_over_the_whole_simplex_are_at_its_vertices():
    slopes = np.random.default_rng(0).normal(size=(30, 4))
    low, high = Domain(jnp.zeros(30), jnp.ones(30), True).extremes(jnp.asarray(slopes))
    np.testing.assert_allclose(low, slopes.min(axis=0))
    np.testing.assert_allclose(high, slopes.max(axis=0))
