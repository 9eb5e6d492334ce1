"""Slopes of the action's worth and of the law in the mean field: products of factors against one direction a time."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.equilibrium import field_slopes
from smfg_verify.exact.equilibrium.field_slopes import slopes_in_field
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.exact.stationary import law_response
from smfg_verify.game import mean_field_shape, traced

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("support", "dependence"),
    [
        ("states", "affine"),
        pytest.param("state_actions", "general", marks=pytest.mark.slow),
        pytest.param("states", "general", marks=pytest.mark.slow),
        pytest.param("state_actions", "affine", marks=pytest.mark.slow),
    ],
)
def test_both_ways_agree(support, dependence, monkeypatch):
    game = traced(
        games.load("random-game", num_states=7, mean_field_support=support, dependence=dependence, ergodicity=0.0)
    )
    shape = mean_field_shape(game)
    field = jnp.asarray(RNG.dirichlet(np.ones(np.prod(shape))))
    rows, policy = (jnp.asarray(RNG.dirichlet(np.ones(3), 7)) for _ in range(2))
    model = follower_model(tabulate(game, field.reshape(shape)), rows)
    arguments = (
        game,
        rows,
        field,
        jnp.asarray(RNG.normal(size=7)),
        policy,
        law_response(chain(policy, model.transition)),
    )
    found = []
    for large in (True, False):
        monkeypatch.setattr(field_slopes, "is_large", lambda game, large=large: large)
        found.append(slopes_in_field(*arguments))
    for first, second in zip(*found, strict=True):
        assert np.max(np.abs(second)) > 1e-2
        np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-14)
