"""Exact expectations over one iteration against runs of the algorithm itself."""

import jax
import numpy as np
import pytest

from smfg_verify.bounds.drift.expected_residuals import QUANTITIES, expected_residuals
from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.stochastic import Schedule, ac_smfg
from tests.bounds.drift.planted import STEPS


@pytest.mark.slow  # The outcomes and their weights are held by those of `test_one_step` more quickly.
@pytest.mark.parametrize("sampling", ["iid", "markov"])
def test_expectations_are_those_of_one_iteration_of_the_algorithm(game, sampling):
    """4,096 runs of one iteration from one iterate, against the finite sum; five standard errors."""
    start = ac_smfg(game, num_iterations=30, seeds=[0], schedule=Schedule(**STEPS), checkpoints=[30])
    names = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")
    initial = {name: np.asarray(getattr(start, name))[0, -1] for name in names}
    initial |= {name: np.asarray(getattr(start, name))[0, -1] for name in ("occupancy_state", "population_state")}
    runs = ac_smfg(
        game,
        num_iterations=1,
        seeds=range(4096),
        schedule=Schedule(**STEPS),
        sampling=sampling,
        initial=initial,
        checkpoints=[0, 1],
    )
    exact = expected_residuals(game, jax.tree.map(lambda leaf: leaf, _first_seed(runs)), [Schedule(**STEPS)])
    found = exact_residuals(game, runs)
    expected = exact.stationary if sampling == "iid" else exact.chains
    for name in QUANTITIES:
        after = getattr(found, name)[:, 1]
        error = after.std() / np.sqrt(len(after)) + 1e-12
        assert abs(after.mean() - expected[name][0, 0]) < 5.0 * error, name
        np.testing.assert_allclose(exact.before[name][0], getattr(found, name)[0, 0], rtol=1e-9, atol=1e-14)


def _first_seed(trace):
    import equinox as eqx

    fields = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")
    fields += ("occupancy_state", "population_state", "seeds")
    return eqx.tree_at(lambda t: [getattr(t, name) for name in fields], trace, [getattr(trace, n)[:1] for n in fields])


@pytest.mark.slow
def test_steps_of_zero_change_nothing(game, trace):
    still = expected_residuals(game, trace, [Schedule(**dict.fromkeys(STEPS, 0.0))])
    for name in QUANTITIES:
        np.testing.assert_allclose(still.stationary[name][0], still.before[name], rtol=1e-9, atol=1e-13)


def test_a_budget_below_one_checkpoint_and_no_schedule_are_refused(game, trace):
    with pytest.raises(ValueError, match="max_points"):
        expected_residuals(game, trace, [Schedule()], max_points=10)
    with pytest.raises(ValueError, match="schedules"):
        expected_residuals(game, trace, [])
