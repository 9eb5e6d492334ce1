"""Densities integrate to one and are scipy's; linear policies and quadratic critics are the polynomials they say."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.stochastic.neural.networks import (
    ActionLaw,
    LinearPolicy,
    MLPNetworks,
    QuadraticCritic,
    QuadraticNetworks,
    over_positions,
)
from tests.support.strategies import tables

NUMBER = st.floats(-5.0, 5.0, allow_subnormal=False)
DENSITY = jax.jit(lambda mean, log_std, action: ActionLaw(mean, log_std).log_density(action))
POLICY = jax.jit(lambda coefficients, log_std, x: over_positions(LinearPolicy(coefficients, log_std), x))
CRITIC = jax.jit(lambda coefficients, x: over_positions(QuadraticCritic(coefficients), x))


@given(NUMBER, st.floats(-3.0, 3.0), NUMBER)
def test_the_density_is_the_normal_one_and_a_draw_of_zero_is_the_mean(mean, log_std, action):
    expected = scipy.stats.norm.logpdf(action, mean, np.exp(log_std))
    np.testing.assert_allclose(DENSITY(mean, log_std, action), expected, rtol=1e-10, atol=1e-12)
    law = ActionLaw(jnp.asarray(mean), jnp.asarray(log_std))
    assert float(law.at(jnp.asarray(0.0))) == mean
    # What a draw z gives has the density of z, less the logarithm of the stretch.
    drawn = law.at(jnp.asarray(action))
    np.testing.assert_allclose(
        DENSITY(mean, log_std, drawn), scipy.stats.norm.logpdf(action) - log_std, rtol=1e-9, atol=1e-9
    )


@given(tables((3,), 5.0), tables((4,), 3.0), NUMBER)
def test_policies_are_lines_and_critics_parabolas(coefficients, positions, log_std):
    constant, slope, curvature = coefficients
    law = POLICY(coefficients[:2], log_std, positions)
    np.testing.assert_allclose(law.mean, constant + slope * positions, atol=1e-12)
    np.testing.assert_array_equal(law.log_std, log_std)
    expected = constant + slope * positions + curvature * positions**2
    np.testing.assert_allclose(CRITIC(coefficients, positions), expected, atol=1e-11)


def test_every_family_starts_at_the_same_functions_whatever_its_key():
    positions = jnp.linspace(-2.0, 2.0, 5)
    for networks in (MLPNetworks(width=4, depth=1), QuadraticNetworks()):
        for seed in range(2):
            key = jax.random.key(seed)
            law = over_positions(networks.policy(key), positions)
            for zeros in (law.mean, law.log_std, over_positions(networks.critic(key), positions)):
                np.testing.assert_array_equal(zeros, 0.0)
