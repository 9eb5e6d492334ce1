"""Batches of one size give what one call over all points gives."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.compiled_batch import in_batches


@pytest.mark.parametrize("number", [1, 3, 4, 5, 8])
def test_results_and_order_do_not_depend_on_the_batch(number):
    seen = []

    def function(points, labels):
        seen.append(points.shape)
        return {"sum": jnp.sum(points, axis=1), "label": labels[0]}

    points, labels = np.arange(2.0 * number).reshape(number, 2), np.arange(number)
    found = in_batches(function, 4, points, (labels, None))
    np.testing.assert_array_equal(found["sum"], points.sum(axis=1))
    np.testing.assert_array_equal(found["label"], labels)
    assert set(seen) == {(4, 2)}
    found["sum"][:] = 0.0  # results are arrays of their own
    np.testing.assert_array_equal(points, np.arange(2.0 * number).reshape(number, 2))
