"""What moves are met at iterates is what the oracle finds by moving them, and no more than what is proved."""

import numpy as np

from smfg_verify.bounds.theorem.coefficients import coefficients_of
from smfg_verify.bounds.theorem.losses import losses_along
from smfg_verify.game import TabularGame
from smfg_verify.stochastic import ac_smfg
from tests.helpers import oracle
from tests.helpers.one_iteration import leader_value, mean_field_of
from tests.support.certified_games import certified_game

STEP = 1e-5


def moved(rows, row, by):
    """Rows, or one law, with probability moved from the second entry to the first, by `by` in l1."""
    shifted = np.atleast_2d(np.array(rows))
    shifted[row] += 0.5 * by * np.array([1.0, -1.0])
    return shifted.reshape(np.shape(rows))


def steepest(function, rows):
    """Largest slope of a function in the sup norm as one row moves, by central differences."""
    slopes = [
        np.max(np.abs(function(moved(rows, row, STEP)) - function(moved(rows, row, -STEP)))) / (2.0 * STEP)
        for row in range(len(np.atleast_2d(rows)))
    ]
    return max(slopes)


def by_hand(arrays, point):
    """The constants of moves at one iterate of two states and actions each."""
    omega, theta, field = (np.asarray(part) for part in point)
    phi, policy, rho = oracle.leader_rows(arrays, omega), oracle.softmax(theta), arrays.initial_distribution

    def value(pi, leader, law):
        return oracle.follower_value(arrays, leader, pi, law)

    def root(leader, law):
        return np.sqrt(rho @ (oracle.best_response(arrays, leader, law)[0] - value(policy, leader, law)))

    def length(leader):
        # Two entries that sum to one: the Euclidean length is that of one of them times the root of two.
        return np.sqrt(2.0) * mean_field_of(arrays, leader)[0]

    return {
        "v_theta": steepest(lambda pi: value(pi, phi, field), policy),
        "v_phi": steepest(lambda rows: value(policy, rows, field), phi),
        "v_mu": steepest(lambda law: value(policy, phi, law), field),
        "u_theta": steepest(lambda pi: leader_value(arrays, phi, pi, field), policy),
        "u_phi": steepest(lambda rows: leader_value(arrays, rows, policy, field), phi),
        "u_mu": steepest(lambda law: leader_value(arrays, phi, policy, law), field),
        "g_phi": steepest(lambda rows: root(rows, field), phi),
        "g_mu": steepest(lambda law: root(phi, law), field),
        "L_mu": steepest(length, phi),
    }


def test_moves_are_the_oracles_and_below_what_is_proved():
    arrays, certified = certified_game(0)
    game, inputs = TabularGame.from_arrays(**arrays.from_arrays_arguments()), certified.inputs
    floor = inputs.largest_floor
    options = {"num_iterations": 50, "seeds": range(3), "checkpoints": [0, 10], "sampling": "iid"}
    trace = ac_smfg(game, follower_floor=floor, **options)
    found = {loss.constant: loss for loss in losses_along(game, inputs, coefficients_of(inputs, floor), floor, trace)}
    points = [
        by_hand(arrays, (trace.leader_logits[seed, k], trace.follower_logits[seed, k], trace.mean_field[seed, k]))
        for seed in range(3)
        for k in range(len(trace.iterations))
    ]
    for name in points[0]:
        np.testing.assert_allclose(found[name].met, max(point[name] for point in points), rtol=1e-5, err_msg=name)
        assert found[name].met <= found[name].proved * (1.0 + 1e-9), name
