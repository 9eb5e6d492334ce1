"""One ascent: why it ends."""

import numpy as np

from smfg_verify.exact import AscentStatus, optimise_leader
from tests.exact.leader.test_second_order import MINIMA, UNIFORM, game


def test_a_saddle_that_cannot_be_left_is_not_called_converged(monkeypatch):
    """Steps that go nowhere stand for a curvature whose rise is lost in rounding."""
    monkeypatch.setattr("smfg_verify.exact.leader.ascent._moved", lambda _, policy, __: policy)
    found = optimise_leader(game(*MINIMA["square"]), UNIFORM, pure_budget=0)
    assert found.status is AscentStatus.SADDLE
    assert not found.converged
    assert found.curvature > found.curvature_resolution


def test_running_out_of_steps_is_said():
    found = optimise_leader(
        game(*MINIMA["between two inner maxima"]), np.array([[0.0, 0.3]]), max_steps=1, pure_budget=0
    )
    assert found.status is AscentStatus.OUT_OF_STEPS
    assert not found.converged
    assert found.objective_history.shape == (2,)
