"""Gradients by sparse factors: against the dense ones and central differences; their certificates."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify import leader_objective, optimise_leader, solve_equilibrium, stackelberg_gradient
from smfg_verify.exact import AscentStatus
from smfg_verify.game.checks.differences import SlopeStatus
from smfg_verify.games import CongestionPricing
from tests.exact.sparse.test_equilibrium import SAME, logits_of
from tests.support.cancelling_rewards import CancellingRewards
from tests.support.local_games import Alike, Ring, Steep

PARTS = ("total", "direct", "policy_response", "mean_field_response", "held_field", "policy_space")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) for name in ("crossing", "grid", "chain", "crowded grid")]
)
def test_is_the_dense_gradient(name):
    game = SAME[name]
    dense, sparse = (stackelberg_gradient(game, logits_of(game), method=method) for method in ("dense", "sparse"))
    for part in PARTS:
        np.testing.assert_allclose(getattr(sparse, part), getattr(dense, part), rtol=0, atol=1e-10, err_msg=part)
    assert abs(float(sparse.objective - dense.objective)) < 1e-11
    gap = float(np.linalg.norm(sparse.total - dense.total))
    assert gap <= float(sparse.error_bound + dense.error_bound)
    assert float(sparse.error_bound) < 1e3 * float(dense.error_bound)
    assert float(sparse.certificate.adjoint_residual) < 1e-9
    assert bool(sparse.certificate.differentiable)


@pytest.mark.slow
def test_large_gradient_is_the_difference_of_objectives():
    """625 cells: beyond what goes to the dense side, objective, gradient and all."""
    game, logits = CongestionPricing(side=25, num_zones=2), np.array([[0.3, -0.2], [0.1, 0.4]])
    gradient = stackelberg_gradient(game, logits)
    step = 1e-4
    for row, column in ((0, 0), (1, 1)):
        move = np.zeros((2, 2))
        move[row, column] = step
        ahead, behind = (float(leader_objective(game, logits + sign * move)) for sign in (1.0, -1.0))
        assert abs((ahead - behind) / (2.0 * step) - float(gradient.total[row, column])) < 1e-7
    assert abs(float(leader_objective(game, logits) - gradient.objective)) < 1e-11


def test_kinks_are_refused():
    # All states are alike while the toll is not charged: the crowd is at the kink exactly.
    game, logits = Steep(), np.array([[0.0, -60.0]])
    found = stackelberg_gradient(game, logits, method="sparse", throw=False)
    assert int(found.certificate.slopes.status) == SlopeStatus.KINK
    assert np.all(np.isnan(found.total))
    with pytest.raises(RuntimeError, match="not differentiable here: follower_reward"):
        stackelberg_gradient(game, logits, method="sparse")


@pytest.mark.slow
def test_ascent_of_a_large_game_ends_at_the_higher_toll():
    game = CongestionPricing(side=25, num_zones=2)
    optimum = optimise_leader(game, np.zeros((2, 2)), pure_budget=0)
    assert optimum.status is AscentStatus.CONVERGED
    assert np.all(np.diff(optimum.objective_history) > 0.0)
    at_vertex = solve_equilibrium(game, np.asarray(optimum.leader_logits))
    np.testing.assert_allclose(at_vertex.mean_field, optimum.gradient.equilibrium.mean_field, atol=1e-9)


def test_slopes_that_are_no_numbers_give_no_gradient():
    """The adjoint equation's right-hand side was NaN, and its solution counted as zero with no residual."""
    game, logits = Ring("nan slope"), np.array([[0.3, -0.2], [0.1, 0.4]])
    found = stackelberg_gradient(game, logits, method="sparse", throw=False)
    assert bool(found.equilibrium.converged)
    assert np.all(np.isnan(found.total))
    with pytest.raises(RuntimeError, match="adjoint equation was not solved"):
        stackelberg_gradient(game, logits, method="sparse")


@pytest.mark.slow
def test_rewards_steep_in_units_of_the_temperature_have_a_gradient():
    """What the value brings to the mean field's adjoint equation is 10^5 times its right-hand side."""
    game, logits = Ring("steep", crowding=1e6, temperature=1e5), np.array([[0.3, -0.2], [0.1, 0.4]])
    dense, sparse = (stackelberg_gradient(game, logits, method=method) for method in ("dense", "sparse"))
    assert np.linalg.norm(sparse.total - dense.total) <= float(sparse.error_bound + dense.error_bound) < 1e-6


@pytest.mark.parametrize("temperature", [1.0, 1e-4, 1e-6])
@pytest.mark.parametrize("rewards", [0.1, 7.3])
def test_roundings_of_the_policy_count(temperature, rewards):
    """Closed form: half of all take each action, which roundings of its worth in units of the temperature change.

    Neither law nor value is touched by them, so that the equilibrium's errors tell nothing of the gradient's.
    """
    logits = np.array([[0.3, -0.2], [0.1, 0.4]])
    found = stackelberg_gradient(Alike(rewards=rewards, temperature=temperature), logits, method="sparse")
    charged = 1.0 / (1.0 + np.exp(logits[:, 0] - logits[:, 1]))
    objective = 10.0 * (0.5 + 1.5 * np.mean(charged))
    slope = 7.5 * charged * (1.0 - charged)
    error = float(np.linalg.norm(found.total - np.stack([-slope, slope], axis=1)))
    assert error <= float(found.error_bound) < 1e-2 / temperature * 1e-10 * (1.0 + rewards)
    assert abs(float(found.objective) - objective) <= float(found.certificate.objective_error_bound)


@pytest.mark.parametrize("discount", [0.9, 0.999, 0.9999])
def test_roundings_of_the_leaders_value_count(discount):
    """Closed form: actions alike in all, and (1 + b) / 2 + b a period for ever."""
    found = stackelberg_gradient(Alike(rewards=0.0, discount=discount), np.zeros((2, 2)), method="sparse")
    error = abs(float(found.objective) - float(1.25 / (1 - Fraction(discount))))
    assert error <= float(found.certificate.objective_error_bound) < 1e-13 / (1.0 - discount) ** 2.5


@pytest.mark.slow
@pytest.mark.parametrize("method", [pytest.param("dense", marks=pytest.mark.slow), "sparse"])
def test_a_leaders_rewards_that_cancel_on_average_are_rounded_all_the_same(method):
    """The objective does not depend on them, nor on what the rounding of their average makes of it."""
    rewards = np.random.default_rng(0).integers(-(2**18), 2**18, (6, 2)) / 2.0**20
    setting = {"rewards": rewards, "swing": np.zeros((6, 2)), "steers": np.ones(6)}
    plain, *others = (
        stackelberg_gradient(CancellingRewards(**setting, paid=paid), np.zeros((1, 5)), method=method)
        for paid in (0.0, 2.0**16, 2.0**20)
    )
    for found in others:
        gap = abs(float(found.objective - plain.objective))
        bounds = found.certificate.objective_error_bound + plain.certificate.objective_error_bound
        assert gap <= float(bounds) < 1e-5
