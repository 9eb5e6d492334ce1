"""Host arithmetic is NumPy's; what a program is made of is JAX's."""

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.game.array_module import array_module


def test_a_formula_is_carried_out_by_the_library_whose_arrays_it_gets():
    seen = []

    def formula(x, y):
        seen.append(array_module(x, y))
        return seen[-1].where(x > 0.0, x, y)

    for x, y in ((np.ones(2), 0.0), (jnp.ones(2), np.zeros(2)), (1.0, jnp.zeros(2))):
        formula(x, y)
    jax.jit(formula)(np.ones(2), np.zeros(2))
    assert seen == [np, jnp, jnp, jnp]
