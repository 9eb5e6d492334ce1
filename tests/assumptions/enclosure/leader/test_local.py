"""What followers face over boxes of mean fields, by programs: against the functions and exact leaders."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import without_tables
from smfg_verify.assumptions.enclosure.leader.bases import at_field
from smfg_verify.assumptions.enclosure.leader.boxes import enclose_leaders
from smfg_verify.assumptions.enclosure.leader.local import followers_around, tables_for_leaders
from smfg_verify.assumptions.enclosure.response.tables.curved import proved_rows
from smfg_verify.assumptions.gradient_alignment.box_cover import charts_of
from smfg_verify.assumptions.gradient_alignment.leader_box import certified_box_finding, recompute_certified_box
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import AbstractGame, parameter
from smfg_verify.games import load


class Crowd(AbstractGame):
    """Two places; the crowd slows moves down and spoils rewards, both curved, and the leader taxes one move."""

    num_states, num_follower_actions, num_leader_actions = 2, 2, 2
    discount, temperature, leader_temperature = 0.6, 0.5, 0.0
    leader_observation = (0, 0)
    kink: Float[Array, ""] = parameter(default=0.0)

    def transition(self, state, follower_action, leader_action, mean_field):
        there = mean_field[1 - state]
        leaving = 0.1 + 0.8 * follower_action * (1.0 - 0.5 * there * there)
        return jnp.where(jnp.arange(2) == state, 1.0 - leaving, leaving)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        here = mean_field[state]
        spoiled = here * here + self.kink * jnp.maximum(here - (0.36 + state), 0.0)
        return 0.8 * state - spoiled - follower_action * leader_action * (0.2 + state)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return leader_action * (0.5 * follower_action - 0.3) - mean_field[0] * mean_field[0]


class Jump(Crowd):
    """With a jump of the reward at a share of the crowd in one place."""

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        plain = super().follower_reward(state, follower_action, leader_action, mean_field)
        return plain - jnp.where((state == 0) & (mean_field[0] > 0.36), 1e-3, 0.0)


@pytest.fixture(scope="module")
def crowd():
    game = checked(Crowd())
    return game, tables_for_leaders(game)[0]


def enclosed(tables, middle, radius):
    size, entries = len(tables.initial), tables.num_fields
    guess = np.full((len(middle), entries), 1.0 / entries), np.zeros((len(middle), size - 1))
    return enclose_leaders(tables, middle - radius, middle + radius, *guess)


def at_leader(omega, kink=0.0, answers=None):
    """Objective of the leader of logits (omega, 0), by formula, and its followers' answers, solved for or given."""
    s, a, b = np.indices((2, 2, 2))
    phi, m, value = np.array([1.0, np.exp(-omega)]) / (1.0 + np.exp(-omega)), np.full(2, 0.5), np.zeros(2)

    def chain(m, policy):
        leaving = 0.1 + 0.8 * a * (1.0 - 0.5 * m[1 - s] ** 2)
        rows = np.where(np.arange(2) == s[..., None], 1.0 - leaving[..., None], leaving[..., None])
        return rows, np.einsum("sabt,sa,b->st", rows, policy, phi)

    policy = np.full((2, 2), 0.5)
    for _ in range(150 if answers is None else 0):
        spoiled = m[s] ** 2 + kink * np.maximum(m[s] - (0.36 + s), 0.0)
        reward = 0.8 * s - spoiled - a * b * (0.2 + s)
        values = np.einsum("sab,b->sa", reward + 0.6 * chain(m, policy)[0] @ value, phi)
        likely = np.exp(values / 0.5)
        value, policy = 0.5 * np.log(likely.sum(axis=1)), likely / likely.sum(axis=1, keepdims=True)
        m = m @ chain(m, policy)[1]
    if answers is not None:
        m, value, policy = answers
    reward = np.einsum("sab,sa,b->s", b * (0.5 * a - 0.3) - m[0] ** 2 + 0.0 * s, policy, phi)
    return np.mean(np.linalg.solve(np.eye(2) - 0.6 * chain(m, policy)[1], reward)), (m, value, policy)


def by_differences(omega, kink=0.0):
    """<g, p> of the leader in both logits, <g, p> / |g|^2, mean field and relative value."""
    held, step = at_leader(omega, kink)[1], 1e-5

    def slope(objective):
        return (objective(omega + step) - objective(omega - step)) / (2.0 * step)

    g = slope(lambda x: at_leader(x, kink)[0])
    p = slope(lambda x: at_leader(x, kink, held)[0])
    return 2.0 * g * p, p / g, held[0], held[1][0] - held[1][1]


def assert_holds(tables, middle, radius, rng, sign=1.0, kink=0.0):
    """Everything that is told of boxes at their corners and at leaders inside."""
    found = enclosed(tables, middle, radius)
    for share in (np.ones_like(middle), -np.ones_like(middle), rng.uniform(-1.0, 1.0, middle.shape)):
        leaders = sign * (middle + radius * share)[:, 0]
        inner, ratio, fields, values = (
            np.array(part) for part in zip(*(by_differences(x, kink) for x in leaders), strict=True)
        )
        apart = np.abs(np.column_stack([fields - found.field, values - found.value[:, 0]]))
        held = (found.inner.lower - 1e-8 <= inner) & (inner <= found.inner.upper + 1e-8)
        held &= np.all(apart <= found.radius + 1e-10, axis=1) & (found.constant <= ratio + 1e-6)
        assert held[found.verified].all()
    return found


def test_all_leaders_of_boxes_lie_in_what_is_told_of_them(crowd):
    tables, rng = crowd[1], np.random.default_rng(0)
    middle = rng.uniform(-3.0, 3.0, size=(6, 1))
    radii = [np.median(assert_holds(tables, middle, r, rng).inner.rad) for r in (1e-3, 1e-2)]
    assert radii[1] <= 12.0 * radii[0]
    assert enclosed(tables, middle, 1e-2).verified.all()


def test_tables_stand_for_the_functions_along_the_simplex(crowd):
    """Off the simplex the table is about f(m - (sum m - 1) w), w the half-widths as shares: values and slopes."""
    game, tables = crowd
    middle, radius = np.array([[0.3, 0.7]]), np.array([[0.01, 0.03]])
    local = followers_around(tables, Ball(middle, radius), extended=True)[0]
    shares = radius[0] / radius.sum()
    rng = np.random.default_rng(1)
    points = middle + radius * np.concatenate([rng.uniform(-1.0, 1.0, (5, 2)), np.ones((1, 2)), -np.ones((1, 2))])
    indices = np.indices((2, 2, 2)).reshape(3, -1).T
    for name, table in (("transition", local.transition), ("follower_reward", local.follower)):

        def function(m, name=name):
            inside = m - (jnp.sum(m) - 1.0) * shares
            return jax.vmap(lambda at: getattr(game, name)(at[0], at[1], at[2], inside))(indices)

        for point in points:
            shape = (2, 2, 2, *table[0].mid.shape[3:])
            told, true = at_field(table, Ball.exact(point[None])), np.asarray(function(point)).reshape(shape)
            assert np.all((told.lower[0] <= true) & (true <= told.upper[0]))
            slopes = np.moveaxis(np.asarray(jax.jacfwd(function)(point)), -1, 0).reshape(2, *shape)
            assert np.all((table[1].lower <= slopes + 1e-14) & (slopes - 1e-14 <= table[1].upper))


def test_what_leaves_the_simplex_has_no_table_in_all_directions(crowd):
    """Krawczyk's operator may look at points that stand for mean fields with a negative entry."""
    _, tables = crowd
    field = Ball(np.array([[0.05, 0.95]]), np.array([[0.03, 0.01]]))
    with np.errstate(invalid="ignore"):
        extended = followers_around(tables, field, extended=True)[0]
    assert not np.isfinite(extended.follower[1].rad).any()
    assert np.isfinite(followers_around(tables, field)[0].follower[1].rad).all()


def test_a_kink_is_enclosed_with_both_its_slopes(crowd):
    game = checked(Crowd(kink=jnp.asarray(0.1)))
    rng, middle = np.random.default_rng(2), np.array([-2.0, 0.4, 2.0])[:, None]
    tables = dataclasses.replace(crowd[1], curved=game)
    for radius in (1e-2, 0.1):
        found = assert_holds(tables, middle, radius, rng, kink=0.1)
        assert found.verified.all()
    assert np.any(np.abs(found.field[:, 0] - 0.36) <= found.radius[:, 0])


@pytest.mark.slow
def test_a_jump_is_never_enclosed():
    tables, _ = tables_for_leaders(checked(Jump()))
    middle = np.array([[-2.0], [2.0]])
    assert enclosed(tables, middle, 1e-2).verified.all()
    assert np.ptp(np.sign(enclosed(tables, middle, 1e-2).field[:, 0] - 0.36)) == 2.0
    ends = np.linspace(-2.0, 2.0, 65)[:, None]
    assert not enclosed(tables, 0.5 * (ends[1:] + ends[:-1]), 0.5 * np.diff(ends, axis=0)).verified.all()


@pytest.mark.parametrize("chart", [0, 1])
def test_programs_follow_the_order_of_their_chart(crowd, chart):
    charts, rng = charts_of(crowd[1]), np.random.default_rng(6)
    sign = charts.logits(np.array([chart]), np.ones((1, 1)))[0, 0] @ np.array([1.0, -1.0])
    middle = rng.uniform(-2.0, -0.5, size=(3, 1))
    assert assert_holds(charts.games[chart], middle, 1e-3, rng, sign).verified.all()


@pytest.mark.slow
def test_an_affine_game_by_its_program_is_what_it_is_by_its_tables():
    game, rng = checked(load("two-road-toll")), np.random.default_rng(6)
    known = proved_rows(game)[0]
    by_program = dataclasses.replace(without_tables(game, known.slack[0]), curved=game, followers=known)
    middle = rng.uniform(-2.0, 2.0, size=(3, 1))
    both = by_program, tables_for_leaders(game)[0]
    assert both[1].followers is None
    found, by_tables = (enclosed(each, middle, 1e-3) for each in both)
    assert found.verified.all()
    # Along the simplex slopes are others than those of the tables, which move in all directions.
    assert np.all(found.inner.rad <= 1.2 * by_tables.inner.rad)
    points = evaluate_leaders(game, by_program.full_logits(middle))
    inner = np.sum(points.total * points.direct, axis=(1, 2))
    assert np.all(np.abs(inner - found.inner.mid) <= found.inner.rad)


@pytest.mark.parametrize("num_boxes", [400, pytest.param(8000, marks=pytest.mark.slow)])
def test_alignment_of_all_leaders_is_bounded_below_any_sampled_leaders(crowd, num_boxes):
    game, _ = crowd
    finding = certified_box_finding(game, SearchSettings(num_boxes=num_boxes))
    grid = np.linspace(-12.0, 12.0, 61)
    inner = np.array([by_differences(x)[0] for x in grid])
    top, shifted = np.where(grid > 0.0, 0, 1), -np.abs(grid)
    lower, upper, sign = (finding.details[name] for name in ("box_lower", "box_upper", "sign"))
    for k, told in enumerate(sign):
        chart = int(np.argmax(np.max(np.abs(lower[k]), axis=0) == 0.0))
        free = 1 - chart
        held = (top == chart) & (lower[k, 0, free] <= shifted) & (shifted <= upper[k, 0, free])
        assert np.all(told * inner[held] >= -1e-9)
    assert finding.details["positive_share"] > (0.5 if num_boxes > 1000 else 0.1)
    if finding.witness:
        np.testing.assert_allclose(recompute_certified_box(game, finding.witness), finding.constant, rtol=1e-8)
        assert np.all(inner >= finding.constant - 1e-9)
