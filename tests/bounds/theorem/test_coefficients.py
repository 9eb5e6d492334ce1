"""Every line and lemma of docs/theorem.md on random games, its left side an exact finite sum in NumPy."""

import numpy as np
import pytest

from smfg_verify.bounds.theorem.coefficients import coefficients_of
from smfg_verify.bounds.theorem.curve import drive
from smfg_verify.errors import InputError
from tests.helpers import oracle
from tests.helpers.one_iteration import NAMES, at_rest, expected, raised, residuals
from tests.support.certified_games import certified_game

SEEDS = (0, 1)
STEPS = [(0.3, 0.5, 0.4, 0.9), (0.02, 0.05, 0.2, 0.5), (1.0, 1.0, 1.0, 1.0), (1e-3, 1e-3, 0.05, 0.01)]


def inputs_of(seed):
    arrays, found = certified_game(seed)
    assert found.inputs is not None, [str(reason) for reason in found.missing]
    return arrays, found.inputs


def random_policy(arrays, floor, rng):
    rows = oracle.softmax(rng.normal(scale=3.0, size=arrays.sizes[:2]))
    return np.array([raised(row, floor) for row in rows])


def random_point(arrays, inputs, floor, rng):
    theta = np.log(random_policy(arrays, floor, rng))
    omega = rng.normal(scale=2.0, size=(2, 2))
    critics = [rng.uniform(*box, size=2) for box in (inputs.follower_box, inputs.leader_box)]
    return (omega, theta, *critics, rng.dirichlet(np.full(2, 0.5)))


def rested_point(arrays, rng):
    """A point where all four residuals are zero."""
    omega = rng.normal(scale=1.0, size=(2, 2))
    return omega, *at_rest(arrays, omega)


def bounds_after(inputs, floor, steps, before, without=""):
    """The right sides of the four lines, one kind of part left out."""
    found, steps = coefficients_of(inputs, floor), tuple(np.array([step]) for step in steps)
    paths, result = {name: np.array([value, np.nan]) for name, value in zip(NAMES, before, strict=True)}, []
    for name, value in zip(NAMES, before, strict=True):
        line = drive(name, found, inputs.num_states, steps, paths)
        added = sum(part[0] for kind, part in line.parts.items() if kind != without)
        result.append(max(0.0, 1.0 - line.rate[0]) * value + added)
    return np.array(result)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_expectation_after_one_iteration_exceeds_its_line(seed):
    (arrays, inputs), rng = inputs_of(seed), np.random.default_rng(seed)
    boxes = (inputs.follower_box, inputs.leader_box)
    for floor in (inputs.largest_floor, 0.1 * inputs.largest_floor):
        points = [random_point(arrays, inputs, floor, rng) for _ in range(2)] + [rested_point(arrays, rng)]
        for steps, point in zip(STEPS * 2, points * 2, strict=False):
            before = residuals(arrays, point, {})
            after = expected(arrays, boxes, floor, steps, point)
            assert np.all(after <= bounds_after(inputs, floor, steps, before) * (1.0 + 1e-12)), (steps, before)


@pytest.mark.parametrize(("without", "steps"), [("noise", (1e-14, 1e-8, 1e-3, 0.5)), ("moves", (0.9, 0.9, 1e-6, 1e-6))])
def test_what_a_line_forgets_it_breaks_by(without, steps):
    (arrays, inputs), rng = inputs_of(0), np.random.default_rng(7)
    point, floor = rested_point(arrays, rng), inputs.largest_floor
    before = residuals(arrays, point, {})
    after = expected(arrays, (inputs.follower_box, inputs.leader_box), floor, steps, point)
    whole, forgetful = (bounds_after(inputs, floor, steps, before, part) for part in ("", without))
    assert np.all(after <= whole)
    # The mean field's own step is among the fast ones in the second choice, so its moves are covered by its noise.
    broken = after > forgetful
    assert broken[:3].all() if without == "moves" else broken.all(), (after, forgetful)


def test_curvature_of_a_leader_in_its_own_world():
    arrays, certified = certified_game(4, own_world=True)
    assert certified.inputs.own_world
    bound = coefficients_of(certified.inputs, certified.inputs.largest_floor).smoothness
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(40):
        omega, way = rng.normal(scale=2.0, size=(2, 2)), rng.normal(size=(2, 2))
        way *= 1e-3 / np.linalg.norm(way)
        field, policy = np.full(2, 0.5), np.full((2, 2), 0.5)
        ends = [
            oracle.leader_return(arrays, oracle.leader_rows(arrays, omega + side * way), policy, field)
            for side in (-1.0, 0.0, 1.0)
        ]
        worst = max(worst, abs(ends[0] - 2.0 * ends[1] + ends[2]) / 1e-6)
    # The bound holds, and is not so far above that any number would do.
    assert worst <= bound < 100.0 * worst


def test_no_gradient_of_a_leader_in_its_own_world_is_above_the_trivial_bound():
    arrays, certified = certified_game(4, own_world=True)
    bound = coefficients_of(certified.inputs, certified.inputs.largest_floor).largest[4]
    rng, worst = np.random.default_rng(1), 0.0
    field, policy = np.full(2, 0.5), np.full((2, 2), 0.5)
    for _ in range(40):
        omega = rng.normal(scale=2.0, size=(2, 2))
        ways = 1e-4 * np.eye(4).reshape(4, 2, 2)
        ends = [
            [
                oracle.leader_return(arrays, oracle.leader_rows(arrays, omega + side * way), policy, field)
                for way in ways
            ]
            for side in (-1.0, 1.0)
        ]
        worst = max(worst, float(np.sum((np.diff(ends, axis=0) / 2e-4) ** 2)))
    assert worst <= bound < 30.0 * worst


def test_floor_above_the_theorems_is_refused():
    _, inputs = inputs_of(0)
    for floor in (0.0, -0.1, 1.01 * inputs.largest_floor, float("nan")):
        with pytest.raises(InputError, match="floor"):
            coefficients_of(inputs, floor)
