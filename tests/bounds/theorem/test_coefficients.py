"""Every line and lemma of docs/theorem.md on random games, its left side an exact finite sum in NumPy."""

import numpy as np
import pytest

from smfg_verify.bounds.theorem.coefficients import coefficients_of
from smfg_verify.bounds.theorem.curve import drive
from smfg_verify.errors import InputError
from tests.helpers import oracle
from tests.helpers.one_iteration import NAMES, expected, leader_value, mean_field_of, raised, residuals
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


def at_rest(arrays, omega):
    """Follower, critics and mean field of a leader."""
    phi = oracle.leader_rows(arrays, omega)
    field = mean_field_of(arrays, phi)
    value, policy = oracle.best_response(arrays, phi, field)
    return np.log(policy), value, leader_value(arrays, phi, policy, field), field


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


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_domination_above_the_floor(seed):
    (arrays, inputs), rng = inputs_of(seed), np.random.default_rng(seed)
    for floor in (inputs.largest_floor, 0.01):
        found = coefficients_of(inputs, floor)
        for _ in range(30):
            omega, theta, _, _, field = random_point(arrays, inputs, floor, rng)
            phi, policy = oracle.leader_rows(arrays, omega), oracle.softmax(theta)
            kernel, reward = oracle.follower_model(arrays, phi, field)
            value = oracle.follower_value(arrays, phi, policy, field)
            surplus = reward + arrays.discount * kernel @ value - arrays.temperature * np.log(policy)
            slope = policy * (surplus - np.sum(policy * surplus, axis=1, keepdims=True))
            visits = oracle.occupancy(arrays, oracle.policy_kernel(arrays, phi, policy, field))
            squared = np.sum(visits**2 * np.sum(slope**2, axis=1))
            gap = oracle.follower_gap(arrays, omega, policy, field)
            assert squared >= 4.0 * (1.0 - arrays.discount) * found.follower_rate * gap - 1e-14
            assert np.ptp(surplus, axis=1).max() <= 2.0 * (1.0 - arrays.discount) * found.follower_moves[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_roots_of_gaps_values_and_equilibria_move_no_faster_than_said(seed):
    (arrays, inputs), rng = inputs_of(seed), np.random.default_rng(10 + seed)
    found = coefficients_of(inputs, 0.02)
    for _ in range(20):
        policy = random_policy(arrays, 0.02, rng)
        logits, fields = rng.normal(scale=2.0, size=(2, 2, 2)), rng.dirichlet(np.ones(2), 2)
        rows = [oracle.leader_rows(arrays, omega) for omega in logits]
        leader, field = np.abs(rows[0] - rows[1]).sum(axis=1).max(), np.abs(fields[0] - fields[1]).sum()
        roots = [
            np.sqrt(max(0.0, oracle.follower_gap(arrays, *pair[:1], policy, pair[1])))
            for pair in zip(logits, fields, strict=True)
        ]
        assert abs(roots[0] - roots[1]) <= found.gap_moves[0] * leader + found.gap_moves[1] * field + 1e-9
        for value, moves in ((oracle.follower_value, found.follower_moves), (leader_value, found.leader_moves)):
            apart = np.abs(value(arrays, rows[0], policy, fields[0]) - value(arrays, rows[1], policy, fields[1]))
            assert apart.max() <= moves[1] * leader + moves[2] * field + 1e-12
        ends = [mean_field_of(arrays, phi) for phi in rows]
        assert np.linalg.norm(ends[0] - ends[1]) <= found.equilibrium_move * leader + 1e-9


@pytest.mark.parametrize("seed", SEEDS)
def test_population_is_as_near_to_the_response_as_the_gap_says_and_the_response_draws_in(seed):
    (arrays, inputs), rng = inputs_of(seed), np.random.default_rng(20 + seed)
    found = coefficients_of(inputs, 0.02)
    for _ in range(30):
        omega, theta, _, _, field = random_point(arrays, inputs, 0.02, rng)
        phi, policy, other = oracle.leader_rows(arrays, omega), oracle.softmax(theta), rng.dirichlet(np.ones(2))
        responses = [oracle.population(arrays, phi, oracle.best_response(arrays, phi, m)[1], m) for m in (field, other)]
        law = oracle.population(arrays, phi, policy, field)
        gap = oracle.follower_gap(arrays, omega, policy, field)
        assert np.sum((law - responses[0]) ** 2) <= found.follower_to_field * gap + 1e-14
        inner = (field - other) @ (responses[0] - responses[1])
        assert inner <= (1.0 - found.field_rate) * np.sum((field - other) ** 2) + 1e-14


@pytest.mark.parametrize("seed", SEEDS)
def test_leader_moves_along_the_direct_gradient_up_to_the_others_errors(seed):
    (arrays, inputs), rng = inputs_of(seed), np.random.default_rng(30 + seed)
    found = coefficients_of(inputs, 0.02)
    for _ in range(15):
        point = random_point(arrays, inputs, 0.02, rng)
        omega = point[0]
        there = oracle.mean_dynamics(arrays, omega, *at_rest(arrays, omega))
        here = oracle.mean_dynamics(arrays, *point)
        _, e_l, gap, e_m = residuals(arrays, point, {})
        said = np.sqrt(arrays.discount * e_l)
        said += found.follower_to_leader * np.sqrt(gap) + found.field_to_leader * np.sqrt(e_m)
        assert np.linalg.norm(here.leader_logits - there.leader_logits) <= said + 1e-9


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


def test_floor_above_the_theorems_is_refused():
    _, inputs = inputs_of(0)
    for floor in (0.0, -0.1, 1.01 * inputs.largest_floor, float("nan")):
        with pytest.raises(InputError, match="floor"):
            coefficients_of(inputs, floor)
