"""Numbers that stand for infinity never turn into bounds: each function here once had a false range or slope."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.interpreter import enclose_function
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.enclosure.rules.functions import UNBOUNDED
from tests.assumptions.enclosure.uncompiled import evaluate

FUNCTIONS = {
    "logarithm of infinity": lambda m: 1.0 / (1.0 + jnp.log1p(1.0 / (m[0] - 0.37) ** 2)),
    "small power of infinity": lambda m: 0.5 / (1.0 + (1.0 / (m[0] - 0.37) ** 2) ** 0.01),
    "logarithm of a large exponential": lambda m: 0.002 * jnp.log(jnp.exp(m[0] / 0.002) + jnp.exp(m[1] / 0.002)),
    "inverse of it": lambda m: 1.0 / jnp.log(1.0 + jnp.exp(500.0 * m[0])),
    "tiny root": lambda m: jnp.sqrt(1e-45 * m[0]),
    "huge and tiny": lambda m: jnp.tanh(1e-300 * (1e300 * m[0] * m[0])),
    "products beyond": lambda m: (1e60 * m[0] ** 2) * (1e60 * m[0]) * 1e-120,
    "comparison with infinity": lambda m: jnp.where(jnp.isinf(1.0 / m[0] ** 2), 1e3, 1.0),
    "finite or not": lambda m: jnp.where(jnp.isfinite(1.0 / jnp.abs(m[0] - 0.37)), 0.0, 1.0),
    "rounding away from zero": lambda m: lax.round(jnp.minimum(m[0], 0.5)),
    "rounding to even": lambda m: jnp.round(jnp.minimum(m[0], 0.5)),
    "inverse of minus zero": lambda m: jax.nn.sigmoid(1.0 / (-jnp.maximum(m[0] - 0.5, 0.0))),
    "inverse of plus zero": lambda m: jax.nn.sigmoid(1.0 / (0.0 - jnp.maximum(m[0] - 0.5, 0.0))),
    "inverse of a minimum": lambda m: jax.nn.sigmoid(1.0 / jnp.minimum(m[0] - 0.5, 0.0)),
    "negative base": lambda m: jnp.nan_to_num(jnp.power(-2.0, m[0])),
}
INTEGERS = {
    "division of integers": lambda m: lax.div((m[0] * 3.999).astype(int), 2).astype(float),
    "remainder of integers": lambda m: lax.rem((m[0] * 3.999).astype(int), 2).astype(float),
}
BOXES = [(0.0, 1.0), (0.25, 0.75), (0.5, 1.0), (0.37, 0.4), (0.999, 1.0)]


def grid(low, high):
    first = np.unique(np.concatenate([np.linspace(low, high, 401), [x for x in (0.37, 0.5) if low <= x <= high]]))
    return np.stack([first, 1.0 - first], axis=1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ranges_and_slopes_hold_what_is_sampled(name):
    """Values lie in the range, and differences are no larger than the slopes along the simplex allow."""
    function = FUNCTIONS[name]

    def enclosed(lower, upper):
        found = enclose_function(function, (2,), Domain(lower, upper, True), slopes=True)[0]
        return found.value.range, found.slope.range

    ends = [np.array([[low, 1.0 - high] for low, high in BOXES]), np.array([[high, 1.0 - low] for low, high in BOXES])]
    found = evaluate(jax.vmap(enclosed), *ends)
    for place, (low, high) in enumerate(BOXES):
        points = grid(low, high)
        values = np.asarray(jax.vmap(function)(jnp.asarray(points)), dtype=float)
        (bottom, top), (least, most) = jax.tree.map(lambda table, place=place: table[place], found)
        finite = np.isfinite(values)
        assert np.all(values[finite] >= bottom - 1e-12) or bottom <= -UNBOUNDED
        assert np.all(values[finite] <= top + 1e-12) or top >= UNBOUNDED
        if not finite.all():
            assert top >= UNBOUNDED
            assert bottom <= -UNBOUNDED
        steepest = max(abs(most[0] - least[1]), abs(most[1] - least[0]))
        jumps = np.abs(np.diff(values[finite])) / np.diff(points[finite, 0])
        assert steepest >= UNBOUNDED or np.max(jumps) <= steepest * (1.0 + 1e-6) + 1e-9


@pytest.mark.parametrize("name", INTEGERS)
def test_division_of_integers_is_refused(name):
    with pytest.raises(NoEnclosure):
        enclose_function(INTEGERS[name], (2,), Domain(jnp.zeros(2), jnp.ones(2), True))
