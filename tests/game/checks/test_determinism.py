"""A function that gives something else at its next call is refused."""

import equinox as eqx
import jax
import numpy as np
import pytest

import smfg_verify as sv
from tests.game.reach.roads import road


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, eqx.filter_jit], ids=["plain", "jit", "filter_jit"])
def test_randomness_behind_a_cache_of_jax_is_refused(wrap):
    helper = wrap(lambda state: np.random.default_rng().random() * state)
    with pytest.raises(ValueError, match="two calls"):
        sv.validate(road(lambda self, s: helper(s)))
