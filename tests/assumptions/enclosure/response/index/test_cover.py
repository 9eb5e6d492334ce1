"""Uniqueness by the index over games through folds: never where zeros of a function of one variable are several."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.cells import centre_of
from smfg_verify.assumptions.enclosure.response.index.cover import cover
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from tests.assumptions.crowds import crowd
from tests.assumptions.enclosure.response.test_slopes import random_game
from tests.assumptions.uniqueness.test_findings import roots


@pytest.mark.parametrize("slope", [0.5, 0.99, 0.999, 1.001, 1.01, 1.5, 4.0])
def test_a_crowd_through_its_fold(slope):
    """Slope k / 2 tau at the middle: one equilibrium up to 1, three beyond."""
    temperature = 0.3
    found = cover(vertex_tables(crowd(2.0 * temperature * slope, temperature)), 3000)
    assert len(roots(2.0 * temperature * slope, temperature)) == (1 if slope < 1.0 else 3)
    assert (found.complete) == (slope < 1.0)
    assert (found.negative is not None) == (slope > 1.0)


@pytest.mark.parametrize("bias", [0.0, 0.01, 0.03, 0.1, 0.5])
@pytest.mark.parametrize("temperature", [0.2, 0.35, 0.43])
def test_a_biased_crowd_is_decided_as_its_zeros_are_counted(temperature, bias):
    several = len(roots(1.0, temperature, inertia=0.1, bias=bias)) > 1
    found = cover(vertex_tables(crowd(1.0, temperature, inertia=0.1, bias=bias)), 3000)
    assert (found.complete) == (not several)
    assert (found.negative is not None) == several


def led_crowd(low, high, temperature, attraction=1.0):
    """The crowd of `crowds`, with a bias for state 0 that a leader chooses between two numbers."""
    shape = (2, 2, 2)
    slope = np.zeros((2, *shape))
    slope[[0, 1], :, [0, 1]] = attraction
    bias = np.zeros(shape)
    bias[:, 0] = [low, high]
    return checked(
        TabularGame.from_arrays(
            kernel=np.broadcast_to(np.eye(2)[None, :, None, :] * 0.9 + 0.05, (*shape, 2)),
            follower_rewards=bias,
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=slope,
            leader_observation=np.zeros(2, int),
            discount=0.9,
            temperature=temperature,
        )
    )


@pytest.mark.parametrize("low", [0.0, 0.1, 0.17, 0.2, 0.3])
def test_one_leader_with_several_equilibria_among_all_is_enough(low):
    """The leader of the least bias has three first; at its fold its slope of the map is 1 off the middle."""
    several = len(roots(1.0, 0.3, inertia=0.1, bias=low)) > 1
    found = cover(vertex_tables(led_crowd(low, 1.0, 0.3)), 6000)
    assert (found.complete) <= (not several)
    assert (found.complete) or low < 0.2


def test_the_cells_left_hold_what_is_undecided_and_their_share_falls():
    game = random_game((3, 2, 2), 5, tau=0.2, reward_coupling=2.0)
    tables = vertex_tables(game)
    shares = [cover(tables, number).undecided for number in (1, 40, 400)]
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    found = cover(tables, 40)
    policy, field = centre_of(tables, found.smallest)
    np.testing.assert_allclose([field.sum(), *policy.sum(axis=1)], 1.0)
    assert found.cells <= 40


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.29, 0.3, 0.31, 0.6, 1.0])
def test_fixed_points_on_the_boundary_count_as_much(rate):
    """An infection caught at this rate a person met, left at 0.3: nobody has it, or above that 1 - 0.3 / rate have.

    At the threshold there is one equilibrium, of no sign.
    """
    catching = np.zeros((2, 2, 1, 1, 2))
    catching[1, 0, ..., :] = [-rate, rate]
    game = checked(
        TabularGame.from_arrays(
            kernel=np.array([[1.0, 0.0], [0.3, 0.7]])[:, None, None],
            kernel_mean_field=catching,
            follower_rewards=np.zeros((2, 1, 1)),
            leader_rewards=np.zeros((2, 1, 1)),
            discount=0.0,
            temperature=1.0,
        )
    )
    found = cover(vertex_tables(game), 1000)
    assert (found.complete) == (rate < 0.3)
    assert found.negative is None


def test_what_is_proved_does_not_depend_on_the_unit_of_reward():
    """A crowd whose discount matters, in units whose cubes no float holds: the same cells, the same slack."""
    slacks = []
    for unit in (1.0, 1e-112):
        found = cover(vertex_tables(crowd(unit, 0.55 * unit, inertia=0.1, discount=0.5)), 500)
        assert found.complete
        slacks.append(found.slack)
    assert slacks[1] == pytest.approx(slacks[0], rel=1e-9)


@pytest.mark.parametrize("temperature", [1e-200, 1e200])
def test_a_temperature_whose_square_no_float_holds_is_no_fault(temperature):
    assert cover(vertex_tables(crowd(1.0, temperature)), 20).cells > 0
