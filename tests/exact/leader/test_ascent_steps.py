"""Steps of an ascent on leader policies."""

import numpy as np

from smfg_verify.exact.leader.ascent_steps import project_rows


def test_projection_is_the_nearest_point_of_the_simplex():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(4, 5)) * 3
    found = project_rows(table)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-14)
    assert found.min() >= 0.0
    # Variational inequality: the projection p of x satisfies <x - p, q - p> <= 0 for every q of the simplex.
    for q in np.concatenate([np.eye(5), rng.dirichlet(np.ones(5), 50)]):
        assert np.max(np.sum((table - found) * (q - found), axis=1)) <= 1e-12
