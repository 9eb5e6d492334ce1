"""Conic programs: right where they can be solved, a status and never an exception where they cannot."""

import cvxpy as cp
import numpy as np
import pytest

from smfg_verify import conic


def test_both_solvers_agree_on_a_known_optimum():
    x = cp.Variable(2, name="x")
    result = conic.solve(cp.Problem(cp.Minimize(cp.sum(x)), [cp.exp(x[0]) <= x[1], x[0] >= 0.0]))
    assert result.solved
    assert result.second_status == conic.SOLVED
    assert result.value == pytest.approx(1.0, abs=1e-7)
    assert result.disagreement < 1e-3
    np.testing.assert_allclose(result.variables["x"], [0.0, 1.0], atol=1e-6)


def test_infeasible_unbounded_and_raising_are_failures():
    x = cp.Variable(name="x")
    infeasible = conic.solve(cp.Problem(cp.Minimize(x), [x >= 1.0, x <= 0.0]))
    unbounded = conic.solve(cp.Problem(cp.Minimize(x), [x <= 0.0]), second_opinion=False)
    not_convex = conic.solve(cp.Problem(cp.Maximize(cp.square(x))))
    assert infeasible.status == "infeasible"
    assert unbounded.status == "unbounded"
    assert unbounded.second_status == conic.NOT_ASKED
    assert not_convex.status.startswith("failed: DCPError")
    for result in (infeasible, unbounded, not_convex):
        assert not result.solved
        assert np.isnan(result.value)
        assert not result.variables


def test_an_inaccurate_end_is_a_failure(monkeypatch):
    x = cp.Variable(name="x")
    problem = cp.Problem(cp.Minimize(x), [x >= 1.0])
    monkeypatch.setattr(cp.Problem, "status", property(lambda self: "optimal_inaccurate"))
    result = conic.solve(problem)
    assert not result.solved
    assert np.isnan(result.value)
    assert result.status == result.second_status == "optimal_inaccurate"
