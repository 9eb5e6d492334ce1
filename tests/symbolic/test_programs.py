"""Programs against sympy's own arbitrary-precision evaluation and derivatives, for every operation they know."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from smfg_verify.symbolic.programs import NUMPY, compile_program, run_program

x, y = sp.symbols("x y", real=True)
SMOOTH = [
    x + 2 * y - sp.Rational(1, 3),
    x * y / (1 + x**2),
    (x + y) ** 3 - x**-2,
    sp.sqrt(1 + x**2) + (2 + y**2) ** sp.Rational(2, 3),
    (3 + sp.sin(x)) ** y,
    sp.exp(-x * y) * sp.log(2 + x**2),
    sp.sin(x) * sp.cos(y) + sp.tan(x / 4),
    sp.sinh(x) - sp.cosh(y) * sp.tanh(x * y) + sp.atan(x),
    sp.Max(x, y) * sp.Min(x, 2 * y, 3) + sp.Abs(x - y),
    sp.Piecewise((x**2, x < y), (y - x, sp.And(x > 0, y > -5)), (sp.exp(x), True)),
    sp.Piecewise((1 / (2 + x), sp.Or(x >= 1, sp.Not(y <= 0))), (x * sp.pi, sp.Ne(x, y)), (0, True)),
    sp.sign(x) * x + sp.Heaviside(x - y) * y,
]
STEPS = [sp.floor(3 * x) + sp.ceiling(y)]
POINTS = np.random.default_rng(0).uniform(-1.5, 1.5, (25, 2))


def values(expression: sp.Expr, point: np.ndarray) -> float:
    return float(expression.subs({x: sp.Float(point[0], 30), y: sp.Float(point[1], 30)}).evalf(30))


@pytest.mark.parametrize("expression", SMOOTH + STEPS, ids=str)
def test_it_computes_what_sympy_computes_in_thirty_digits(expression):
    program = compile_program([expression], (x, y), "test")
    expected = np.array([values(expression, point) for point in POINTS])
    (by_numpy,) = run_program(program, list(POINTS.T), NUMPY)
    (by_jax,) = run_program(program, [jnp.asarray(column) for column in POINTS.T])
    np.testing.assert_allclose(by_numpy, expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(by_jax, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("expression", SMOOTH, ids=str)
def test_its_derivatives_are_those_of_sympy(expression):
    program = compile_program([expression], (x, y), "test")
    slopes = jax.vmap(jax.grad(lambda point: next(iter(run_program(program, list(point))))))(jnp.asarray(POINTS))
    # Away from kinks, where sympy writes derivatives by steps and deltas that are zero.
    by_sympy = [sp.diff(expression, symbol).replace(sp.DiracDelta, lambda *_: sp.Integer(0)) for symbol in (x, y)]
    expected = np.array([[values(slope, point) for slope in by_sympy] for point in POINTS])
    np.testing.assert_allclose(slopes, expected, rtol=1e-11, atol=1e-12)


def test_what_expressions_share_is_computed_once():
    shared = sp.exp(x * y)
    program = compile_program([shared + 1, shared * 2, shared], (x, y), "test")
    assert [name for name, _ in program.steps].count("exp") == 1


def test_a_falling_exponential_underflows_with_its_derivative():
    program = compile_program([y * sp.exp(-x)], (x, y), "test")
    value, slope = jax.value_and_grad(lambda t: next(iter(run_program(program, [t, jnp.asarray(1.0)]))))(1000.0)
    assert (value, slope) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        (sp.gamma(x), "gamma in gamma"),
        (x + sp.besselj(0, y), "besselj in"),
        (sp.Function("demand")(x), "demand in demand"),
        (sp.erf(x) * 2, "erf in"),
        (sp.Piecewise((x, x > 0)), "a last piece"),
        (x + sp.Symbol("z"), "the symbol z"),
    ],
    ids=str,
)
def test_what_has_no_counterpart_is_refused_by_name(expression, named):
    with pytest.raises(ValueError, match=named) as error:
        compile_program([expression], (x, y), "follower_reward")
    assert "follower_reward" in str(error.value)
