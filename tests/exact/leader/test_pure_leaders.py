"""Pure leaders that are tried."""

import numpy as np
import pytest

from smfg_verify.exact import optimise_leader
from smfg_verify.exact.leader.pure_leaders import pure_actions
from tests.exact.leader.test_second_order import game, objective


def test_a_better_pure_leader_is_reported_and_taken():
    """x + 20 x^2 from x < 0: the end at the lower vertex is a maximum, and the other vertex is higher."""
    of, start = game(0.2, 20.0, 0.0, 0.0), np.array([[3.0, -3.0]])
    local = optimise_leader(of, start, pure_budget=0)
    assert local.converged
    assert local.best_pure is None
    assert np.isnan(local.best_pure_objective)
    found = optimise_leader(of, start)
    pure = [objective(of)(x) for x in (-80.0, 80.0)]
    assert found.pure.complete
    np.testing.assert_allclose(np.sort(found.pure.objectives), np.sort(pure), rtol=1e-9)
    np.testing.assert_array_equal(found.best_pure, [[0.0, 1.0]])
    assert float(local.gradient.objective) == pytest.approx(pure[0], rel=1e-9)
    assert float(found.gradient.objective) == pytest.approx(pure[1], rel=1e-9)
    assert found.restarts == (len(local.objective_history),)
    assert [end.converged for end in found.ends] == [True, True]
    assert np.all(np.diff(found.objective_history) >= -1e-12)


def test_pure_leaders_within_a_budget_are_all_or_the_neighbours_first():
    policy = np.array([[0.7, 0.3], [0.1, 0.9], [0.4, 0.6]])
    every, complete = pure_actions(policy, 8)
    assert complete
    assert len({tuple(row) for row in every}) == 8
    some, complete = pure_actions(policy, 7)
    assert not complete
    assert len(some) <= 7
    assert tuple(some[0]) == (0, 1, 1)
    assert len({tuple(row) for row in some}) == len(some)
