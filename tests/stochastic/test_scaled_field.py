"""A mean field with a scale moves as the mean field itself does, and keeps its mass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.stochastic.scaled_field import ScaledField

N, A, LANES = 4, 3, 2


@jax.jit
def moved(values, steps, states, actions):
    def one(field, sample):
        return field.towards(*sample), None

    return jax.lax.scan(one, ScaledField.of(values), (steps, states, actions))[0]


def moved_plainly(values, steps, states, actions):
    """The same in float64, entry by entry, as it is written: mu + xi (e - mu)."""
    result = np.array(values, dtype=np.float64)
    for step, state, action in zip(steps, states, actions, strict=True):
        for lane in range(result.shape[-1]):
            sample = np.zeros(result.shape[:-1])
            sample[(state[lane], action[lane])[: sample.ndim]] = 1.0
            result[..., lane] += step * (sample - result[..., lane])
    return result


@settings(max_examples=30)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(N,), (N, A)]),
    st.sampled_from([1, LANES]),
    st.lists(st.sampled_from([0.0, 1e-3, 0.1, 0.5, 0.97, 1.0]), min_size=8, max_size=8),
)
def test_steps_of_any_size_are_those_of_the_plain_update(seed, shape, lanes, sizes):
    random = np.random.default_rng(seed)
    values = np.moveaxis(random.dirichlet(np.ones(np.prod(shape)), lanes).reshape(lanes, *shape), 0, -1)
    steps, (states, actions) = np.array(sizes), (random.integers(0, most, (8, lanes)) for most in (N, A))
    field = moved(values, steps, states, actions)
    np.testing.assert_allclose(field.values, moved_plainly(values, steps, states, actions), rtol=0, atol=4e-15)
    assert np.all((np.asarray(field.scale) > 0.0) & (np.asarray(field.scale) <= 1.0))


@pytest.mark.parametrize("float64", [False, True])
def test_over_many_steps_scales_neither_vanish_nor_lose_mass(float64):
    """400,000 steps of 1/4, whose product of 3/4 alone would be 1e-50000; the mass is one within a few roundings."""
    with jax.enable_x64(float64):
        epsilon = np.finfo(np.float64 if float64 else np.float32).eps
        count = 400_000
        steps, states = jnp.full(count, 0.25), jnp.arange(count, dtype=jnp.int32)[:, None] % N
        field = moved(jnp.full((N, 1), 1.0 / N), steps, states, states)
        visited, actions = np.arange(400)[:, None] % N, np.zeros((400, 1), int)
        last = moved_plainly(np.full((N, 1), 1.0 / N), [0.25] * 400, visited, actions)
        assert 0.0 < float(field.scale[0]) <= 1.0
        np.testing.assert_allclose(field.values, last, rtol=20 * epsilon)
        assert abs(float(jnp.sum(field.values)) - 1.0) < 8 * epsilon


def test_the_rounding_of_small_steps_costs_no_mass_in_single_precision():
    """1 - xi rounds: with xi itself as the mass that is added, the sum would drift from 1 by that over xi, 4e-5."""
    step = np.float32(5.013e-4)
    lost = float(step) - (1.0 - float(np.float32(1.0) - step))
    assert abs(lost) / step > 2e-5
    with jax.enable_x64(False):
        states = jnp.zeros((100_000, 1), jnp.int32)
        field = moved(jnp.full((N, 1), 1.0 / N), jnp.full(100_000, step), states, states)
        assert abs(float(jnp.sum(field.values)) - 1.0) < 2e-6
