"""Every rule of the enclosures against dense sampling: nothing sampled may lie outside, values and slopes alike."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.interpreter import enclose_function
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.enclosure.rules.functions import INFINITY, UNBOUNDED

POINTS = 2000
MATRIX = np.random.default_rng(0).normal(size=(3, 3))


def draw(lower, upper, simplex, number=POINTS):
    """Points of a box, or of the part of the simplex in it, its corners among them where it is a box."""
    rng = np.random.default_rng(1)
    if not simplex:
        corners = np.stack(np.meshgrid(*zip(lower, upper, strict=True)), -1).reshape(-1, len(lower))
        return np.concatenate([corners, rng.uniform(lower, upper, size=(number, len(lower)))])
    points = np.concatenate([rng.dirichlet(np.full(len(lower), c), 50 * number) for c in (0.4, 1.0, 4.0)])
    inside = points[np.all((points >= lower) & (points <= upper), axis=1)]
    assert len(inside) >= 100
    return inside[:number]


def assert_encloses(function, lower, upper, *, simplex=False, slopes=True):
    """Values and derivatives at sampled points of each box lie in the enclosure; returns both enclosures."""
    lower, upper = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    if lower.ndim == 1:
        return jax.tree.map(
            lambda part: part[0], assert_encloses(function, lower[None], upper[None], simplex=simplex, slopes=slopes)
        )

    # One compiled program for all boxes of a function: that is where the time of these tests goes.
    @jax.jit
    @jax.vmap
    def enclosed(lower, upper):
        found = enclose_function(function, lower.shape, Domain(lower, upper, simplex), slopes=slopes)[0]
        return found.value.range, found.slope.range if slopes else None

    @jax.jit
    @jax.vmap
    def evaluated(point):
        return function(point), jax.jacfwd(function)(point) if slopes else None

    value, slope = enclosed(lower, upper)
    for k in range(len(lower)):
        values, derivatives = evaluated(draw(lower[k], upper[k], simplex))
        inside(np.asarray(values), [end[k] for end in value])
        if slopes:
            inside(np.moveaxis(np.asarray(derivatives), -1, 1), [end[k] for end in slope])
    return value, slope


def inside(sampled, ends):
    low, high = (np.asarray(end) for end in ends)
    assert not np.isnan(low).any()
    assert not np.isnan(high).any()
    numbers = np.where(np.isfinite(sampled), sampled, np.where(np.isnan(sampled), 0.0, np.sign(sampled) * INFINITY))
    # The samples are rounded too.
    slack = 1e-14 * (1.0 + np.abs(low) + np.abs(high)) * (np.abs(low) + np.abs(high) < UNBOUNDED)
    assert np.all(low - slack <= np.min(numbers, axis=0))
    assert np.all(np.max(numbers, axis=0) <= high + slack)


FUNCTIONS = {
    "add-mul-sub": lambda x: 2.0 * x[0] - x * x[1] + 3.0,
    "divide": lambda x: x[0] / (3.0 + x[1]),
    "divide-constant": lambda x: x / 7.0,
    "reciprocal-around-zero": lambda x: 1.0 / (x + 0.1),
    "reciprocal-at-zero": lambda x: 1.0 / (x + 1.0) ** 2,
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "inverse-cube": lambda x: (x + 2.0) ** -3,
    "inverse-square": lambda x: (x + 0.2) ** -2,
    "fractional-power": lambda x: (x + 1.0) ** 1.7,
    "negative-power": lambda x: (x + 1.5) ** -0.3,
    "power-of-constant": lambda x: 2.5**x,
    "power-of-both": lambda x: (x + 2.0) ** x[0],
    "exp": lambda x: jnp.exp(x),
    "exp2": lambda x: jnp.exp2(x),
    "expm1": lambda x: jnp.expm1(x),
    "log": lambda x: jnp.log(x + 1.5),
    "log1p": lambda x: jnp.log1p(0.5 * x),
    "sqrt": lambda x: jnp.sqrt(x + 1.0),
    "rsqrt": lambda x: jax.lax.rsqrt(x + 1.5),
    "sin": lambda x: jnp.sin(7.0 * x),
    "cos": lambda x: jnp.cos(7.0 * x + 1.0),
    "tan": lambda x: jnp.tan(x),
    "tan-with-poles": lambda x: jnp.tan(4.0 * x),
    "tanh": lambda x: jnp.tanh(3.0 * x),
    "sigmoid": lambda x: jax.nn.sigmoid(5.0 * x),
    "arctan": lambda x: jnp.arctan(3.0 * x),
    "sinh-cosh": lambda x: jnp.sinh(x) + jnp.cosh(x),
    "erf": lambda x: jax.scipy.special.erf(2.0 * x),
    "abs": lambda x: jnp.abs(x - 0.1),
    "max": lambda x: jnp.maximum(x, 0.2),
    "max-of-two": lambda x: jnp.maximum(x, x[::-1] ** 2),
    "min": lambda x: jnp.minimum(2.0 * x, x[0]),
    "clip": lambda x: jnp.clip(x, -0.3, 0.4),
    "relu": lambda x: jax.nn.relu(x),
    "largest": lambda x: jnp.max(x * jnp.arange(1.0, 4.0)),
    "smallest": lambda x: jnp.min(jnp.sin(x)),
    "softmax": lambda x: jax.nn.softmax(2.0 * x),
    "logsumexp": lambda x: jax.nn.logsumexp(3.0 * x),
    "matrix": lambda x: MATRIX @ x,
    "quadratic-form": lambda x: x @ (MATRIX @ x),
    "outer": lambda x: jnp.einsum("i,j->ij", x, jnp.sin(x)),
    "moves": lambda x: jnp.concatenate([x[::-1], jnp.exp(x[1:])]).reshape(5, 1).T,
    "roll-and-pad": lambda x: jnp.pad(jnp.roll(jnp.exp(x), 1), (1, 2), constant_values=3.0),
    "cumulative": lambda x: jnp.cumsum(jnp.exp(x)),
    "indexed": lambda x: x[jnp.array([2, 0])] * jnp.sin(x)[jnp.asarray(1)],
    "scattered": lambda x: jnp.zeros(4).at[jnp.array([1, 1, 3])].add(jnp.exp(x)),
    "set": lambda x: jnp.ones(4).at[jnp.array([2, 3])].set(x[:2] ** 2),
    "split": lambda x: jnp.split(jnp.exp(jnp.tile(x, 2)), 2)[1],
    "where-constant": lambda x: jnp.where(jnp.arange(3) == 1, x, jnp.exp(x)),
    "switch": lambda x: jax.lax.switch(jnp.asarray(1), [jnp.sin, jnp.exp, jnp.cos], x),
    "stop-gradient-of-constant": lambda x: x * jax.lax.stop_gradient(jnp.ones(3)),
    "rows": lambda x: jnp.sum(jnp.square(MATRIX * x), axis=1),
}
# Wide, narrow and mixed.
BOXES = (
    np.array([[-1.0, -1.0, -1.0], [-0.31, 0.2, 0.55], [-0.9, 0.1, 0.0]]),
    np.array([[1.0, 1.0, 1.0], [-0.3, 0.2, 0.57], [-0.1, 0.3, 1.0]]),
)


# One of each kind of rule; a program takes half a second to compile, so the others are for the long run.
CORE = (
    "add-mul-sub",
    "divide",
    "reciprocal-around-zero",
    "cube",
    "fractional-power",
    "exp",
    "log",
    "sin",
    "tanh",
    "abs",
    "max",
    "quadratic-form",
    "indexed",
    "scattered",
    "where-constant",
    "switch",
)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in CORE)) for n in FUNCTIONS])
def test_rule_encloses_all_samples(name):
    assert_encloses(FUNCTIONS[name], *BOXES)


@pytest.mark.parametrize("name", ["quadratic-form", pytest.param("log", marks=pytest.mark.slow)])
def test_rule_encloses_all_samples_of_the_simplex(name):
    lower, upper = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.3]]), np.array([[1.0, 1.0, 1.0], [0.5, 0.4, 0.8]])
    assert_encloses(FUNCTIONS[name], lower, upper, simplex=True)


UNARY = (jnp.sin, jnp.exp, jnp.tanh, jnp.abs, lambda y: 1.0 / (1.5 + y**2), jax.nn.relu, lambda y: jnp.log(2.0 + y**2))
BINARY = (jnp.add, jnp.subtract, jnp.multiply, jnp.maximum, lambda x, y: x / (2.0 + jnp.abs(y)))


@st.composite
def expressions(draw, most=4):
    """Compositions of smooth and kinked functions of three variables, at random."""
    one = st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 9), st.integers(0, 9))
    steps = draw(st.lists(one, min_size=1, max_size=most))

    def function(x):
        values = [x[0], x[1], x[2]]
        for binary, unary, first, second in steps:
            left, right = values[first % len(values)], values[second % len(values)]
            values.append(BINARY[binary](left, UNARY[unary](0.7 * right)))
        return values[-1] + 0.3 * values[-2]

    return function


def check_composition(function, seed):
    rng = np.random.default_rng(seed)
    middle, radius = rng.uniform(-1.5, 1.5, (4, 3)), 10.0 ** rng.uniform(-4, 0, (4, 3))
    assert_encloses(function, middle - radius, middle + radius)


@settings(max_examples=2)
@given(expressions(2), st.integers(0, 10**6))
def test_random_compositions_are_enclosed(function, seed):
    check_composition(function, seed)


@pytest.mark.slow
@settings(max_examples=25)
@given(expressions(), st.integers(0, 10**6))
def test_many_random_compositions_are_enclosed(function, seed):
    check_composition(function, seed)


def test_slope_of_a_maximum_holds_both_sides_at_the_kink_and_one_elsewhere():
    lower, upper = np.array([[0.4], [0.5], [0.51], [0.1]]), np.array([[0.6], [0.6], [0.6], [0.49]])
    _, (low, high) = assert_encloses(lambda x: jnp.maximum(x[0], 0.5), lower, upper)
    np.testing.assert_allclose(low[:, 0], (0.0, 0.0, 1.0, 0.0), atol=1e-12)
    np.testing.assert_allclose(high[:, 0], (1.0, 1.0, 1.0, 0.0), atol=1e-12)


JUMPS = {
    "where": lambda x: jnp.where(x > 0.5, 1.0, 0.0),
    "floor": lambda x: jnp.floor(2.0 * x),
    "sign": lambda x: jnp.sign(x - 0.5),
    "count": lambda x: (x >= 0.5).astype(float),
    "to-integer": lambda x: (2.0 * x).astype(int).astype(float),
    "and": lambda x: jnp.where((x > 0.5) & ~(x > 2.0), x, -x),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in ("sign", "count", "and"))) for n in JUMPS]
)
def test_a_jump_has_unbounded_slope_and_none_where_it_is_not(name):
    """The derivative that JAX gives is zero on both sides of a jump, and would bound nothing."""
    boxes = [[0.2], [0.6]], [[0.9], [0.9]]
    value, _ = assert_encloses(JUMPS[name], *boxes, slopes=False)
    assert np.max(np.abs(value)) <= 1.0 + 1e-12
    # What is unbounded anywhere makes the whole computation so, the value beside the slope too.
    _, slope = assert_encloses(JUMPS[name], *boxes)
    largest = np.max(np.abs(slope), axis=(0, 2, 3))
    assert largest[0] >= UNBOUNDED
    assert largest[1] <= 1.0 + 1e-12


OUTSIDE = {
    "log": lambda x: jnp.log(x),
    "log-below": lambda x: jnp.log(x - 2.0),
    "root": lambda x: jnp.sqrt(x - 0.5),
    "inverse": lambda x: 1.0 / x,
    "inverse-inside": lambda x: 1.0 / (x - 0.5),
    "power": lambda x: (x - 0.5) ** 0.5,
    "x-log-x": lambda x: x * jnp.log(x),
    "overflow": lambda x: jnp.exp(1000.0 * x) - jnp.exp(1000.0 * x),
    "zero-constant": lambda x: x / 0.0,
    "infinite-constant": lambda x: jnp.inf * (x - 0.5),
    "guarded": lambda x: jnp.where(x > 0.0, jnp.log(x), 0.0),
}
QUICK = ("log", "root", "inverse-inside", "infinite-constant")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in OUTSIDE])
def test_outside_a_functions_domain_ranges_are_unbounded_and_never_nan(name):
    value, _ = assert_encloses(OUTSIDE[name], [0.0], [1.0])
    assert np.max(np.abs(value)) >= UNBOUNDED


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (lambda x: jax.lax.scan(lambda c, y: (c + y, c), 0.0, x)[0], "scan"),
        (lambda x: jax.lax.while_loop(lambda c: c < 3.0, lambda c: c + 1.0, x[0]), "while"),
        (lambda x: jnp.sort(x), "sort"),
        (lambda x: jnp.argmax(x), "argmax"),
        (lambda x: jnp.arange(3.0)[jnp.floor(x[0]).astype(int)], "index"),
        (lambda x: x.astype(jnp.float32), "float32"),
    ],
)
def test_no_rule_is_an_error_that_names_the_primitive(function, named):
    with pytest.raises(NoEnclosure, match=named):
        assert_encloses(function, np.zeros(3), np.ones(3), slopes=False)


def test_a_loop_over_constants_is_evaluated():
    total = lambda x: x * jax.lax.fori_loop(0, 4, lambda k, c: c + k, 0)  # noqa: E731
    value, slope = assert_encloses(total, [1.0], [2.0])
    np.testing.assert_allclose(value, [[6.0], [12.0]])
    np.testing.assert_allclose(slope, 6.0)


@pytest.mark.parametrize("name", ["quadratic-form", "divide"])
def test_width_beyond_the_true_range_shrinks_with_the_square_of_the_box(name):
    """Ten times smaller boxes have about a hundred times less excess width: affine forms are of second order."""
    centre, radius = np.array([0.21, -0.4, 0.33]), np.array([1e-1, 1e-2, 1e-3])[:, None]
    (low, high), _ = assert_encloses(FUNCTIONS[name], centre - radius, centre + radius, slopes=False)
    points = [draw(centre - r, centre + r, False) for r in radius]  # corners among them: exact to second order as well
    true = np.array([np.ptp(np.asarray(jax.vmap(FUNCTIONS[name])(p)), axis=0) for p in points])
    excess = np.max((np.asarray(high - low) - true).reshape(3, -1), axis=1)
    assert excess[1] <= excess[0] / 30.0 + 1e-11
    assert excess[2] <= excess[1] / 30.0 + 1e-11


def test_remainder_of_the_tangent_is_enclosed_and_small():
    """f(x) - f'(x0) x: the interval of f alone says nothing here, the form's own remainder must hold it."""
    middle = np.array([0.3, 0.7, 1.1])
    functions = (jnp.sin, jnp.exp, jnp.log, jnp.tanh, lambda y: 1.0 / y, jnp.square, jnp.sqrt)
    slopes = [np.asarray(jax.vmap(jax.grad(function))(jnp.asarray(middle))) for function in functions]

    def remainders(x):
        return jnp.stack([function(x) - slope * x for function, slope in zip(functions, slopes, strict=True)])

    (low, high), _ = assert_encloses(remainders, middle - 1e-2, middle + 1e-2, slopes=False)
    curvature = np.abs(
        np.stack([jax.vmap(jax.grad(jax.grad(function)))(jnp.asarray(middle)) for function in functions])
    )
    assert np.all(np.asarray(high - low) <= 3.0 * curvature * 1e-4 + 1e-12)


def test_correlated_values_cancel():
    """(1 - w) p + w q keeps its noise: the width is about |p - q| times that of w, not p + q times."""

    def mixture(x):
        weight = jnp.sin(x) ** 2
        return (1.0 - weight) * 5.0 + weight * 5.1

    value, _ = assert_encloses(mixture, [0.4], [0.6], slopes=False)
    assert np.asarray(value[1] - value[0])[0] <= 1.5 * 0.1 * (np.sin(0.6) ** 2 - np.sin(0.4) ** 2)
