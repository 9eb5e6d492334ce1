"""Slopes in two factors, against slopes one direction after another."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.equilibrium.factored_slopes import factored
from smfg_verify.game import dense_transition, over_indices, traced

TABLE = jnp.asarray(np.random.default_rng(0).normal(size=(5, 4)))
POINT = jnp.asarray([0.1, 0.2, 0.3, 0.4])


def two_readers(m):
    """Reads the total of two entries and the product of the others, each in several places."""
    first, second = m[0] + m[1], m[2] * m[3]
    return jnp.stack([first, second, first * second, jnp.sin(first), jnp.exp(second) * m.sum() * 0.0 + first])


def in_a_loop(m):
    """What it reads goes through a loop, which is one operation of the program."""
    crowd = jax.lax.fori_loop(0, 3, lambda k, x: jnp.sin(x) + m[0] * m[3], jnp.sum(m[1:3]))
    return jnp.arange(1.0, 4.0) * crowd


def until_a_condition_holds(m):
    """A loop that JAX differentiates forwards only."""
    doubled = jax.lax.while_loop(lambda x: x < 3.0, lambda x: 2.0 * x, jnp.vdot(TABLE[0] ** 2, m))
    return doubled * jnp.arange(1.0, 4.0)


def scattered(m):
    share = m[0]
    return jnp.zeros(6).at[jnp.asarray([1, 4])].add(jnp.stack([share, 1.0 - share]))


ANGLES = jnp.asarray([0.0, 1.0, 2.5, 4.0])


def mode(m):
    """The order parameter of oscillators, a complex number."""
    return jnp.sum(m * jnp.exp(1j * ANGLES))


def by_fourier(m):
    """A convolution of two crowds on a ring, through their transform."""
    return jnp.fft.irfft(jnp.fft.rfft(m[:2] + m[2:]) * jnp.exp(1j * jnp.arange(2.0)), 2)


@pytest.mark.parametrize(
    ("function", "width"),
    [
        (lambda m: jnp.tanh(jnp.vdot(TABLE[0], m)) * TABLE[:, 0], 1),
        (lambda m: TABLE @ m, 4),
        (lambda m: (TABLE @ m)[:2], 2),
        (lambda m: jnp.concatenate([m[:1], jnp.zeros(2)]), 1),
        (in_a_loop, 1),
        (until_a_condition_holds, 1),
        (scattered, 1),
        (lambda m: jnp.real(mode(m) * jnp.exp(-1j * jnp.arange(3.0))), 2),
        (lambda m: jnp.abs(mode(m)) * jnp.arange(3.0), 1),
        (lambda m: jnp.stack([(z := mode(m)).imag, jnp.angle(z), (z**2).real, jnp.abs(z)]), 2),
        (by_fourier, 2),
        (lambda m: jnp.ones(3) / 3.0, 0),
        (lambda m: m, 4),
    ],
)
def test_the_product_is_the_slope_and_no_wider_than_what_is_read(function, width):
    factors = factored(function, POINT, 4)
    np.testing.assert_allclose(factors.right @ factors.left, jax.jacfwd(function)(POINT), rtol=1e-14, atol=1e-15)
    assert factors.left.shape == (width, 4)


@pytest.mark.parametrize("kind", [jnp.float32, jnp.float16])
def test_numbers_of_fewer_digits_are_handed_on_as_such(kind):
    """The slope of what is computed in them, by each's own rounding, as rows and columns of float64."""

    def function(m):
        crowd = jnp.vdot(TABLE[0].astype(kind), m.astype(kind))
        return jnp.stack([crowd * kind(2.0), jnp.tanh(crowd)]).astype(float) + jnp.vdot(TABLE[1], m)

    factors = factored(function, POINT, 4)
    assert factors.left.shape == (2, 4)
    assert factors.left.dtype == factors.right.dtype == jnp.float64
    unit = float(jnp.finfo(kind).eps)
    np.testing.assert_allclose(factors.right @ factors.left, jax.jacfwd(function)(POINT), atol=8.0 * unit)


def test_values_that_are_read_in_several_places_are_counted_once():
    factors = factored(two_readers, POINT, 4)
    np.testing.assert_allclose(factors.right @ factors.left, jax.jacfwd(two_readers)(POINT), atol=1e-15)
    assert factors.left.shape[0] <= 3


def test_where_more_numbers_are_read_than_allowed_there_are_none():
    assert factored(lambda m: TABLE @ m, POINT, 3) is None
    assert factored(lambda m: TABLE @ m, POINT, 4) is not None


OTHERS = [pytest.param(name, marks=pytest.mark.slow) for name in ("random-game", "epidemic", "advertising")]


@pytest.mark.parametrize("name", ["congestion-pricing", *OTHERS])
def test_games_at_all_indices_at_once(name):
    game = traced(games.load(name))
    field = jax.random.dirichlet(jax.random.key(0), jnp.ones(game.num_states))

    def row(s, a, b):
        return lambda m: dense_transition(game, s, a, b, m)

    factors = over_indices(game, lambda s, a, b: factored(row(s, a, b), field, 1))
    slopes = over_indices(game, lambda s, a, b: jax.jacfwd(row(s, a, b))(field))
    np.testing.assert_allclose(factors.right @ factors.left, slopes, atol=1e-15)
