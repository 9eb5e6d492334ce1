"""The constant of a leader of one probability: closed forms, a dense grid in floats, and traps."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.assumptions.gradient_domination.tied_objective import judged, ratio_at, tied_objective

GRID = np.linspace(0.0, 1.0, 20001)


def drawn(seed, size=3):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(size), (2, size)), rng.normal(size=(2, size)), rng.dirichlet(np.ones(size)), 0.8


def by_floats(transition, reward, initial, discount, places=GRID):
    """J and its slope at many probabilities, by linear equations in floats."""
    mix = np.stack([places, 1.0 - places])
    matrix = np.eye(len(initial)) - discount * np.einsum("bk,bst->kst", mix, transition)
    value = np.linalg.solve(matrix, np.einsum("bk,bs->ks", mix, reward)[..., None])[..., 0]
    moved = reward[0] - reward[1] + discount * np.einsum("st,kt->ks", transition[0] - transition[1], value)
    return value @ initial, np.linalg.solve(matrix, moved[..., None])[..., 0] @ initial


def ratios(problem):
    value, slope = by_floats(*problem)
    gain = np.maximum(slope * (1.0 - GRID), -slope * GRID)
    return (np.max(value) - value)[1:-1], gain[1:-1]


@pytest.mark.parametrize("place", [Fraction(0), Fraction(1, 3), Fraction(1)])
def test_the_objective_is_that_of_linear_equations(place):
    problem = drawn(0)
    value, slope = by_floats(*problem, places=np.array([float(place)]))
    objective = tied_objective(*problem)
    assert float(objective.at(place)) == pytest.approx(value[0], rel=1e-12)
    assert abs(slope[0]) <= objective.steepest
    reflected = objective.mirrored()
    assert float(reflected.at(1 - place)) == pytest.approx(value[0], rel=1e-12)


def test_a_reward_without_moves_has_the_constant_one():
    """J is linear in p, so that the gap is the slope times the way to the best end."""
    objective = tied_objective(np.ones((2, 1, 1)), np.array([[2.0], [-1.0]]), np.ones(1), 0.9)
    found = judged(objective)
    assert found.case == "bound"
    assert found.upper == pytest.approx(1.0, rel=1e-9)
    assert ratio_at(objective, Fraction(1, 2)) == pytest.approx(1.0)


def test_an_objective_without_slope_has_nothing_to_bound():
    assert judged(tied_objective(np.ones((2, 1, 1)), np.ones((2, 1)), np.ones(1), 0.9)).case == "flat"


@pytest.mark.parametrize("seed", range(8))
def test_the_constant_is_the_largest_ratio_of_a_dense_grid(seed):
    problem = drawn(seed)
    objective = tied_objective(*problem)
    found = judged(objective)
    gap, gain = ratios(problem)
    value, slope = by_floats(*problem)
    stuck = [k for k in (0, -1) if (slope[k] <= 0.0 if k == 0 else slope[k] >= 0.0) and value[k] < np.max(value) - 1e-9]
    if found.case == "trapped":
        # A local maximum at an end, or a change of sign, away from the maximum.
        inside = np.flatnonzero((slope[:-1] * slope[1:] <= 0.0) & (value[:-1] < np.max(value) - 1e-6))
        assert stuck or inside.size
        return
    assert found.case == "bound"
    assert not stuck
    far = gap > 1e-6 * np.max(gap)
    largest = np.max(gap[far] / gain[far])
    assert largest <= found.upper * (1.0 + 1e-6)
    assert found.upper <= max(largest, 1.0) * (1.0 + 1e-3)
    assert ratio_at(objective, Fraction(float(found.place))) == pytest.approx(found.upper, rel=1e-8)


def routes(ahead):
    """From state 0 action 0 leads to 1 and action 1 to 2, at both of which the same action pays: two good ends."""
    moves = np.zeros((2, 3, 3))
    moves[0, 0, 1] = moves[1, 0, 2] = 1.0
    moves[:, 1:, 0] = 1.0
    return moves, np.array([[0.0, 1.0, 0.0], [0.0, 0.0, ahead]]), np.array([1.0, 0.0, 0.0]), 0.9


@pytest.mark.parametrize(("ahead", "end"), [(0.8, 0), (1.25, 1)])
def test_the_worse_of_two_good_ends_is_a_trap(ahead, end):
    """J(p) is a multiple of p^2 + ahead (1 - p)^2: both ends are stationary, one is the best."""
    objective = tied_objective(*routes(ahead))
    found = judged(objective)
    assert found.case == "trapped"
    assert ratio_at(objective, Fraction(end)) == np.inf
    assert objective.at(found.place) < max(objective.at(Fraction(0)), objective.at(Fraction(1)))


def test_equal_ends_are_not_told_apart_and_the_minimum_between_them_is_a_trap():
    found = judged(tied_objective(*routes(1.0)))
    assert found.case == "trapped"
    assert float(found.place) == pytest.approx(0.5)


def test_a_peak_inside_has_the_constant_of_its_square():
    """J is a multiple of p (1 - p): the ratio (1/2 - p) / (2 (1 - p)) is largest at the ends, 1/4."""
    moves, reward, initial, discount = routes(1.0)
    objective = tied_objective(moves, reward[::-1], initial, discount)
    found = judged(objective)
    assert found.case == "bound"
    assert found.upper == pytest.approx(0.25, rel=1e-5)
    assert ratio_at(objective, Fraction(0)) == pytest.approx(0.25, rel=1e-9)


def test_a_ratio_that_is_largest_at_the_maximum_itself_is_shown_just_before_it():
    """Action 0 is paid once and ends the game: J(p) = p / (0.1 + 0.9 p) is concave, and the ratio 0.1 + 0.9 p."""
    moves = np.array([[[0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    objective = tied_objective(moves, np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0]), 0.9)
    found = judged(objective)
    assert found.upper == pytest.approx(1.0, rel=1e-9)
    assert ratio_at(objective, Fraction(1, 2)) == pytest.approx(0.55, rel=1e-9)
    assert ratio_at(objective, Fraction(float(found.place))) == pytest.approx(1.0, rel=1e-9)


def test_a_ratio_beyond_floats_is_infinite_and_no_error():
    """J = p^2 / 4 about, and at p = 0 a slope of 1e-320 beside a gap of 1e300."""
    moves = np.array([[[0.0, 1.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])
    objective = tied_objective(moves, np.array([[1e-320, 1e300], [0.0, 0.0]]), np.array([1.0, 0.0]), 0.5)
    result = judged(objective)
    assert result.upper == np.inf
    assert ratio_at(objective, Fraction(0)) == np.inf
