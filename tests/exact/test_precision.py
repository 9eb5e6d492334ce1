"""Single precision is refused, not used."""

import equinox as eqx
import jax.numpy as jnp
import pytest

from smfg_verify.exact import solve_equilibrium
from tests.exact.cases import pair


def test_float32_is_refused():
    game, _, logits = pair(0)
    single = eqx.tree_at(lambda g: g.temperature, game, game.temperature.astype(jnp.float32))
    with pytest.raises(ValueError, match="float64"):
        solve_equilibrium(single, logits)
