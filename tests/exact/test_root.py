"""The one Newton: it lands where scipy does, goes down only, stops honestly, and hands back the Jacobian of its end."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact.root import MAX_STEPS, SMALLEST_STEP, TOLERANCE, Equations, newton, unevaluated


def equations(function):
    return Equations(
        evaluate=function,
        linearise=lambda x: (function(x), jax.jacfwd(function)(x)),
        direction=jnp.linalg.solve,
        move=lambda search, step: search.point - step,
        norm=lambda remainder, _: jnp.max(jnp.abs(remainder)),
    )


def solved(function, start, **options):
    return newton(equations(function), unevaluated(jnp.asarray(start, dtype=float)), **options)


@jax.jit
def land(matrix, right, start):
    return solved(lambda x: matrix @ x + 5.0 * jnp.arctan(3.0 * x) - right, start)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_monotone_system_is_solved_from_anywhere_and_as_scipy_solves_it(seed):
    """x + M x + arctan(x) = b with M positive semidefinite has one zero; whole steps of arctan alone run away."""
    random = np.random.default_rng(seed)
    factor, right = random.standard_normal((4, 4)), 3.0 * random.standard_normal(4)
    matrix = 0.05 * (factor @ factor.T + np.eye(4))
    found = land(matrix, right, 20.0 * random.standard_normal(4))
    end = np.asarray(found.search.point)
    slope = matrix + np.diag(15.0 / (1.0 + 9.0 * end**2))
    reference = scipy.optimize.root(lambda x: matrix @ x + 5.0 * np.arctan(3.0 * x) - right, end + 0.1, tol=1e-11)
    assert reference.success
    np.testing.assert_allclose(end, reference.x, atol=1e-9)
    np.testing.assert_allclose(found.linear, slope, rtol=1e-12)


def test_halved_steps_come_in_where_whole_ones_run_away():
    damped, whole = (solved(jnp.arctan, [3.0], damped=damped) for damped in (True, False))
    assert abs(float(damped.search.point[0])) <= TOLERANCE
    assert not abs(float(whole.search.point[0])) < 1e3


def test_whole_steps_on_a_linear_system_are_one():
    matrix = jnp.asarray(np.random.default_rng(0).standard_normal((3, 3)))
    for damped in (True, False):
        found = solved(lambda x: matrix @ x - 1.0, np.zeros(3), damped=damped, tolerance=1e-12)
        assert int(found.search.steps) == 1
        np.testing.assert_allclose(found.search.point, np.linalg.solve(matrix, np.ones(3)), rtol=1e-9)


@pytest.mark.parametrize("start", [-2.0, 0.3, 5.0])
def test_without_a_zero_it_ends_no_higher_than_it_began_and_says_so(start):
    found = solved(lambda x: x**2 + 1.0, [start]).search
    assert TOLERANCE < float(found.norm) <= start**2 + 1.0
    assert int(found.steps) <= MAX_STEPS


def test_the_norm_falls_at_every_step():
    function = lambda x: jnp.stack([x[0] ** 3 - x[1], jnp.sin(3.0 * x[0]) + x[1] - 0.4])  # noqa: E731
    run = jax.jit(lambda steps: solved(function, [2.0, -3.0], max_steps=steps).search)
    ends = [run(steps) for steps in range(8)]
    for earlier, later in itertools.pairwise(ends):
        fell = bool(later.norm < earlier.norm)
        assert fell == bool(later.steps > earlier.steps)
        assert later.norm <= earlier.norm
    assert int(ends[-1].steps) > 2


@pytest.mark.parametrize("value", [jnp.nan, 0.0])
def test_a_direction_that_is_none_or_does_not_help_ends_the_search_where_it_stands(value):
    plain = equations(lambda x: x - 1.0)
    found = newton(plain._replace(direction=lambda *_: jnp.full((1,), value)), unevaluated(jnp.zeros(1))).search
    assert (float(found.point[0]), float(found.norm), int(found.steps)) == (0.0, 1.0, 0)


def test_a_step_shorter_than_the_smallest_is_not_tried():
    """A defect that falls only within a part of the step below the smallest one."""
    edge = 0.4 * SMALLEST_STEP
    function = lambda x: jnp.where(x < edge, 1.0 - x, 2.0)  # noqa: E731
    plain = equations(function)
    found = newton(plain._replace(direction=lambda *_: -jnp.ones(1)), unevaluated(jnp.zeros(1))).search
    assert int(found.steps) == 0


def test_an_inactive_search_is_left_as_it_is():
    start = unevaluated(jnp.asarray([3.0]))
    found = newton(equations(jnp.arctan), start, active=jnp.asarray(False))
    assert jax.tree.all(jax.tree.map(lambda new, old: bool(jnp.all(new == old)), found.search, start))
    assert float(found.linear[0, 0]) == 0.0


def test_many_at_once_go_their_own_ways():
    starts = jnp.asarray([[3.0], [0.1], [-50.0]])
    run = lambda start: newton(equations(jnp.arctan), unevaluated(start)).search  # noqa: E731
    together = jax.jit(jax.vmap(run))(starts)
    apart = [run(start) for start in starts]
    np.testing.assert_array_equal(together.steps, [search.steps for search in apart])
    np.testing.assert_allclose(together.point, np.stack([search.point for search in apart]), atol=1e-15)
