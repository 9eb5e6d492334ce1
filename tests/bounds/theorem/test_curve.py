"""The unrolled theorem against a plain loop, against its closed form, and what it does at the ends."""

import math

import numpy as np
import pytest

from smfg_verify.bounds.theorem.coefficients import TheoremInputs, coefficients_of
from smfg_verify.bounds.theorem.curve import LINES, Drive, theorem_curve, unrolled
from smfg_verify.errors import InputError
from smfg_verify.stochastic import Schedule

INPUTS = TheoremInputs(
    num_states=3,
    num_actions=2,
    discount=0.5,
    temperature=1.5,
    follower_low=-0.2,
    follower_high=0.3,
    leader_low=0.0,
    leader_high=1.0,
    transition_lipschitz=0.1,
    follower_lipschitz=0.2,
    leader_lipschitz=0.3,
    one_step=0.4,
    mixing_factor=1.7,
    action_spread=0.3,
    leader_spread=0.2,
    least_occupancy=0.2,
    least_initial=0.3,
    one_sided_rate=0.8,
    follower_box=(-0.4, 2.7),
    leader_box=(0.0, 2.0),
    own_world=True,
)
FLOOR = INPUTS.largest_floor
SCHEDULE = Schedule(leader=1e-5, mean_field=1e-4, follower=1e-2, critic=1.0)


def by_hand(inputs, c, start, count, constants=(1e-5, 1e-4, 1e-2, 1.0)):
    """The theorem's lines as they stand in docs/theorem.md, one iteration after another."""
    e_f, e_l, gap, e_m = start
    n, gamma, rows, weighted, steps = inputs.num_states, inputs.discount, [start], 0.0, 0.0
    squares, leader = 0.0, [math.inf]
    for k in range(count):
        zeta, xi, alpha, beta = (value / math.sqrt(k + 1) for value in constants)
        weighted += zeta * gamma * e_l / (2 * (1 - gamma))
        steps, squares = steps + zeta, squares + zeta**2
        bracket = inputs.leader_span / (1 - gamma) + weighted + c.smoothness * c.leader_error**2 * squares
        leader.append(min(2 * bracket / ((1 - gamma) * steps), c.largest[4]))
        d_f, d_l, eta = c.follower_error, c.leader_error, beta * c.critic_rate
        v, u, g = c.follower_moves, c.leader_moves, c.gap_moves
        move_f = v[0] * alpha * d_f + v[1] * zeta * d_l + 2 * v[2] * xi
        move_l = u[0] * alpha * d_f + u[1] * zeta * d_l + 2 * u[2] * xi
        next_f = (1 - eta) * e_f + (1 + eta) * beta**2 * d_f**2 + (1 + 1 / eta) * n * move_f**2
        next_l = (1 - eta) * e_l + (1 + eta) * beta**2 * d_l**2 + (1 + 1 / eta) * n * move_l**2
        eta = alpha * c.follower_rate
        noise = alpha**2 * (c.follower_noise[0] + c.follower_noise[1] * alpha)
        next_gap = (1 - eta) * gap + (1 + eta) * (c.critic_to_follower * alpha * e_f + noise)
        next_gap += (1 + 1 / eta) * (g[0] * zeta * d_l + 2 * g[1] * xi) ** 2
        eta = c.field_rate * xi / 2
        fed = 2 * xi / c.field_rate * c.follower_to_field * gap + 2 * xi**2
        next_m = (1 - 2 * eta) * e_m + (1 + eta) * fed + (1 + 1 / eta) * (c.equilibrium_move * zeta * d_l) ** 2
        e_f, e_l, gap, e_m = np.minimum((next_f, next_l, next_gap, next_m), c.largest[:4])
        rows.append((e_f, e_l, gap, e_m))
    return np.array(rows), np.array(leader)


def test_unrolled_recursion_is_the_loop():
    found, start = coefficients_of(INPUTS, FLOOR), (0.3, 0.2, 0.1, 0.05)
    rows, leader = by_hand(INPUTS, found, start, 300)
    curve = theorem_curve(INPUTS, found, SCHEDULE, [0, 1, 2, 50, 300], dict(zip(LINES, start, strict=True)))
    for column, name in enumerate(LINES):
        np.testing.assert_allclose(curve.tracking[name], rows[curve.iterations, column], rtol=1e-11)
        assert np.all(curve.tracking[name] >= rows[curve.iterations, column] * (1.0 - 1e-14))
    np.testing.assert_allclose(curve.leader, leader[curve.iterations], rtol=1e-8)
    # What is compared is not the trivial bound.
    assert all(curve.tracking[name][-1] < 0.9 * curve.trivial[name] for name in ("e_Vf", "e_Vl", "e_mu"))


def test_leaders_line_is_the_loop_and_never_above_what_a_gradient_can_be():
    short = INPUTS._replace(discount=0.01, leader_box=(0.0, 1.02))
    found, constants = coefficients_of(short, FLOOR), (0.5, 1e-4, 1e-2, 1.0)
    _, leader = by_hand(short, found, found.largest[:4], 3000, constants)
    curve = theorem_curve(short, found, Schedule(*constants), [0, 1, 10, 1000, 3000])
    np.testing.assert_allclose(curve.leader, leader[curve.iterations], rtol=1e-8)
    trivial = curve.trivial["e_omega"]
    assert curve.leader[0] == math.inf
    assert curve.leader[1] == trivial > 1.2 * curve.leader[-1]


def test_no_bound_of_the_gradient_outside_a_world_of_its_own():
    shared = INPUTS._replace(own_world=False)
    curve = theorem_curve(shared, coefficients_of(shared, FLOOR), SCHEDULE, [0, 10])
    assert curve.trivial["e_omega"] == math.inf
    assert np.all(curve.leader == math.inf)


def test_starts_at_the_trivial_bounds_and_never_above():
    found = coefficients_of(INPUTS, FLOOR)
    curve = theorem_curve(INPUTS, found, Schedule(), np.arange(200))
    for name in LINES:
        assert curve.tracking[name][0] == curve.trivial[name]
        assert np.all(curve.tracking[name] <= curve.trivial[name])
    assert all(math.isclose(sum(parts.values()), 1.0) for parts in curve.shares.values())


def test_rate_too_small_for_a_float_gives_the_trivial_bound():
    line = Drive(np.zeros(4), {"moves": np.full(4, np.inf), "noise": np.full(4, np.nan)})
    assert unrolled(line, 0.5, 3.0).tolist() == [0.5, 3.0, 3.0, 3.0, 3.0]


def test_closed_form_lies_above_the_recursion():
    rng = np.random.default_rng(0)
    for count in (2, 10, 100, 1000, 10_000):
        for _ in range(20):
            a, h, first = rng.uniform(0.001, 1.0), *rng.exponential(size=2)
            b = rng.exponential(size=2)[np.arange(count) // (count // 2)]  # one forcing early, another late
            assert last_bound(a, b, h, first) <= closed_form(a, b, h, first)


def last_bound(a, b, h, first):
    steps = 1.0 / np.sqrt(np.arange(len(b)) + 1.0)
    return unrolled(Drive(a * steps, {"fed": b * steps, "noise": h * steps**2}), first, math.inf)[-1]


def closed_form(a, b, h, first):
    """As docs/theorem.md has it, for the forcing b of each iteration."""
    count, late = len(b), b[len(b) // 2 :].max()
    forgotten = np.exp(-a * np.sqrt(count) / 2)
    fed = late / a + b.max() / a * forgotten
    noise = h * ((1 + np.log(count)) * forgotten + np.sqrt(2) / (a * np.sqrt(count)))
    return first * np.exp(-2 * a * (np.sqrt(count + 1) - 1)) + fed + noise


def test_forcing_of_the_first_half_is_not_forgotten_at_once():
    b = np.repeat([1.0, 0.0], 50)
    end = last_bound(0.05, b, 0.0, 0.0)
    # The late forcing alone, 0, would be below what is left of the early one.
    assert 1.0 < end <= closed_form(0.05, b, 0.0, 0.0)


def test_a_learner_without_steps_is_refused():
    with pytest.raises(InputError, match="mean_field"):
        theorem_curve(INPUTS, coefficients_of(INPUTS, FLOOR), Schedule(mean_field=0.0), [0, 10])
