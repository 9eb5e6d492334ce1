"""Loops compiled as one function of the machine: what may be one, and that it computes what it did."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import erfinv, gammaln

from smfg_verify.stochastic.engine import one_loop
from smfg_verify.stochastic.engine.one_loop import as_one_loop, fits_one_loop

ONE_ARGUMENT = (
    *(jnp.abs, jnp.arccos, jnp.arcsin, jnp.arctan, jnp.arcsinh, jnp.arctanh, jnp.cbrt, jnp.ceil, jnp.cos, jnp.cosh),
    *(jax.lax.erf, erfinv, jax.lax.erfc, jnp.exp, jnp.exp2, jnp.expm1, jnp.floor, jnp.log, jnp.log1p, gammaln),
    *(jax.lax.logistic, jnp.negative, jnp.round, jax.lax.rsqrt, jnp.sign, jnp.sin, jnp.sinh, jnp.sqrt, jnp.square),
    *(jnp.tan, jnp.tanh, jnp.cumsum, jnp.cumprod, jax.lax.cummax, jax.lax.cummin, jnp.flip, lambda x: x**3),
    *(jax.nn.softmax, jax.nn.log_softmax, jax.nn.logsumexp, jnp.sum, jnp.max, jnp.min, jnp.prod, jax.lax.stop_gradient),
    *(lambda x: jnp.arccosh(1.0 + x), lambda x: jnp.transpose(jnp.outer(x, x))[2], lambda x: jnp.outer(x, x) @ x),
    *(lambda x: jnp.clip(x, 0.2, 0.4), lambda x: jnp.pad(x, 2)[:5], lambda x: x.at[jnp.argmax(x)].add(0.1)),
    *(
        lambda x: jnp.zeros(5).at[jnp.argmin(x)].set(x[1]),
        lambda x: x[jnp.array([3, 1, 0, 1, 2])],
        lambda x: x[::2].sum(),
    ),
    *(lambda x: jnp.where(jnp.isfinite(x) & ~(x > 0.5) | (x == 0.1) ^ (x != 0.2), x, -x), lambda x: x % 0.3),
    *(lambda x: jnp.arctan2(x, 0.5), lambda x: jnp.nextafter(x, 1.0), lambda x: x**0.7, lambda x: jnp.stack([x, x])[1]),
    *(lambda x: jnp.searchsorted(jnp.arange(5) / 5.0, x) / 5.0, lambda x: jax.lax.dynamic_slice(x, (1,), (2,))[0]),
    *(lambda x: jax.lax.cond(x[0] > 0.3, jnp.sin, lambda y: y, x), lambda x: jnp.all(x > 0.0) + jnp.any(x > 0.5)),
    lambda x: jax.lax.switch((x[0] * 3).astype(int), [lambda y: 0.5, lambda y: y[1], lambda y: y[2]], x),
    lambda x: jax.lax.fori_loop(0, (x[0] * 5).astype(int), lambda k, y: y * 0.9, x),
    lambda x: jax.lax.scan(lambda y, z: (y * 0.5 + z, y), 0.0, x)[1],
    lambda x: (x * 100.0).astype(jnp.int32) // 7 / 100.0,
    lambda x: jax.lax.dynamic_update_slice(x, x[3:], ((x[0] * 3).astype(int),)),
    lambda x: jnp.searchsorted(jnp.arange(5) / 5.0, x, side="right") * (x >= 0.3) / 5.0 + (x <= 0.5),
    lambda x: jnp.concatenate([x, jnp.arange(5.0) * x]).reshape(5, 2)[:, 1],
)


def every_known_operation(iteration, x):
    """Five numbers in (0, 1) to five others, through everything that the emitter is said to take."""
    found = [jnp.broadcast_to(function(x), (5,)) for function in ONE_ARGUMENT]
    return 0.05 + 0.9 * jnp.remainder(jnp.abs(sum(found)) + 0.01 * iteration, 1.0)


def looped(x, unused, step):
    return jax.lax.fori_loop(0, 5, step, x)


@pytest.mark.parametrize("float64", [False, True])
def test_every_operation_that_may_be_in_a_loop_is_compiled_and_computes_what_it_did(float64):
    with jax.enable_x64(float64):
        x, unused = jnp.array([0.15, 0.31, 0.42, 0.57, 0.83]), {"never read": jnp.ones(7)}

        def plain(x, unused):
            return looped(x, unused, every_known_operation)

        met = {e.primitive.name for e in one_loop._equations(jax.make_jaxpr(plain)(x, unused).jaxpr)}
        assert met >= one_loop.KNOWN
        assert fits_one_loop(plain, x, unused)
        compiled = jax.jit(as_one_loop(plain)).lower(x, unused).compile(one_loop.OPTIONS)
        assert "xla_cpu_small_call" in compiled.as_text(), "the compiler has dropped the call"
        np.testing.assert_allclose(compiled(x, unused), jax.jit(plain)(x, unused), rtol=1e-3 if not float64 else 1e-9)


@pytest.mark.parametrize(
    "step",
    [
        lambda k, x: jnp.sort(x),
        lambda k, x: jnp.linalg.solve(jnp.eye(5) + jnp.outer(x, x), x),
        lambda k, x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x),
        lambda k, x: jnp.fft.fft(x).real,
        lambda k, x: x.at[jnp.array([1, 2])].add(x[0]),
        lambda k, x: jax.lax.cond(k > 2, jnp.sort, lambda y: y, x),
        lambda k, x: jax.lax.top_k(x, 5)[0],
    ],
)
def test_what_calls_into_a_library_is_not_put_into_one_loop(step):
    assert not fits_one_loop(lambda x: looped(x, None, step), jnp.ones(5))


def test_an_operation_that_nobody_has_named_is_not_put_into_one_loop(monkeypatch):
    monkeypatch.setattr(one_loop, "KNOWN", one_loop.KNOWN - {"sin"})
    assert fits_one_loop(jnp.cos, jnp.ones(3))
    assert not fits_one_loop(jnp.sin, jnp.ones(3))


def test_off_the_processor_nothing_is_put_into_one_loop(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert not fits_one_loop(jnp.cos, jnp.ones(3))
