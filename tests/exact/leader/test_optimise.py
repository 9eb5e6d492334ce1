import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from smfg_verify import games
from smfg_verify.exact import AscentStatus, leader_objective, optimise_leader, stackelberg_gradient
from tests.exact.cases import pair


@pytest.mark.slow
def test_laffer_tax_interior_peak_is_found_also_from_the_saturated_corner():
    game = games.load("laffer-tax")
    peak = minimize_scalar(
        lambda x: -float(leader_objective(game, np.array([[0.0, x]]))), bounds=(-2, 2), options=dict(xatol=1e-10)
    )
    for logit in (0.0, -30.0, 30.0):
        found = optimise_leader(game, np.array([[0.0, logit]]))
        assert found.status is AscentStatus.CONVERGED
        assert float(found.gradient.objective) == pytest.approx(-peak.fun, abs=1e-10)
        policy = np.exp(np.asarray(found.leader_logits))
        assert np.min(policy / policy.sum()) > 0.4
        assert np.linalg.norm(found.gradient.total) <= 1e-8
        assert float(found.gradient.policy_gap) <= 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_history_is_monotone_and_ends_at_a_stationary_policy(seed):
    game, _, logits = pair(20 + seed, sizes=(5, 3, 3), tau=0.2, tau_l=0.05 * seed)
    found = optimise_leader(game, logits)
    assert found.converged
    scale = max(1.0, np.max(np.abs(found.objective_history)))
    assert np.min(np.diff(found.objective_history)) >= -1e-12 * scale
    assert found.objective_history[0] == pytest.approx(float(leader_objective(game, logits)), abs=1e-11)
    again = stackelberg_gradient(game, found.leader_logits, initial=found.gradient.equilibrium.mean_field)
    assert float(again.policy_gap) <= 1e-7
    assert np.linalg.norm(again.total) <= 1e-7


@pytest.mark.slow
def test_no_nearby_policy_is_better():
    game, _, logits = pair(30, sizes=(4, 2, 3))
    found = optimise_leader(game, logits)
    policy = np.asarray(jnp.exp(found.leader_logits))
    rng = np.random.default_rng(0)
    for size in (1e-1, 1e-2, 1e-3):
        other = (1 - size) * policy + size * rng.dirichlet(np.ones(3), 4)
        value = leader_objective(game, np.log(other), initial=found.gradient.equilibrium.mean_field)
        assert float(value) <= float(found.gradient.objective) + 1e-9
