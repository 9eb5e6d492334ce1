"""What iterates have in place of constants, by hand; and no constant that is worse than what it bounds."""

import numpy as np
import pytest

from smfg_verify.bounds.theorem.coefficients import coefficients_of
from smfg_verify.bounds.theorem.losses import losses_along
from smfg_verify.game import TabularGame
from smfg_verify.stochastic import Schedule, ac_smfg
from tests.helpers import oracle
from tests.helpers.one_iteration import outcomes
from tests.support.certified_games import certified_game


@pytest.mark.slow
def test_stationary_laws_that_differ_by_rounding_count_as_one():
    """Followers of an own world move nobody: the constant is zero, and so is what is met of it."""
    arrays, certified = certified_game(4, own_world=True)
    game, inputs = TabularGame.from_arrays(**arrays.from_arrays_arguments()), certified.inputs
    floor = inputs.largest_floor
    trace = ac_smfg(game, num_iterations=10, seeds=range(2), sampling="iid", follower_floor=floor, checkpoints=[0])
    (loss,) = [
        entry
        for entry in losses_along(game, inputs, coefficients_of(inputs, floor), floor, trace)
        if entry.constant == "C^2"
    ]
    assert (loss.proved, loss.met, loss.factor) == (0.0, 0.0, 1.0)


def test_met_constants_are_those_of_the_iterates_and_on_the_safe_side():
    arrays, certified = certified_game(0)
    game, inputs = TabularGame.from_arrays(**arrays.from_arrays_arguments()), certified.inputs
    floor = inputs.largest_floor
    options = {"num_iterations": 50, "seeds": range(3), "checkpoints": [0, 10], "sampling": "iid"}
    trace = ac_smfg(game, schedule=Schedule(), follower_floor=floor, **options)
    found = {loss.constant: loss for loss in losses_along(game, inputs, coefficients_of(inputs, floor), floor, trace)}
    for loss in found.values():
        least = loss.constant in ("d_0", "p_0") or loss.constant.startswith("eta")
        assert loss.met >= loss.proved * (1 - 1e-9) if least else loss.met <= loss.proved * (1 + 1e-9), loss
        assert loss.factor >= 1.0 - 1e-9
    visits, errors, least = [], [], []
    for seed in range(3):
        for k in range(len(trace.iterations)):
            names = ("leader_logits", "follower_logits", "follower_critic", "leader_critic", "mean_field")
            point = tuple(np.asarray(getattr(trace, name))[seed, k] for name in names)
            phi, policy = oracle.leader_rows(arrays, point[0]), oracle.softmax(point[1])
            visits.append(oracle.occupancy(arrays, oracle.policy_kernel(arrays, phi, policy, point[4])).min())
            least.append(policy.min())
            # With a critic's step of one and boxes out of the way its move is the temporal difference.
            wide = ((-1e9, 1e9), (-1e9, 1e9))
            moved = outcomes(arrays, wide, floor, (0.0, 0.0, 0.0, 1.0), point)
            errors.append(sum(weight * np.sum((after[2] - point[2]) ** 2) for weight, after in moved))
    np.testing.assert_allclose(found["d_0"].met, min(visits), rtol=1e-10)
    np.testing.assert_allclose(found["p_0"].met, min(least), rtol=1e-10)
    np.testing.assert_allclose(found["D_f^2"].met, max(errors), rtol=1e-10)
