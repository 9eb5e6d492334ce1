"""Tables of a curved function around points: they hold its values and slopes at sampled mean fields."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import affine_game, without_tables
from smfg_verify.assumptions.enclosure.leader.bases import at_field
from smfg_verify.assumptions.enclosure.leader.boxes import enclose_leaders
from smfg_verify.assumptions.enclosure.leader.curved import tables_around, with_rewards_over
from smfg_verify.assumptions.enclosure.leader.forms import contract, form_of, joined, over_boxes
from smfg_verify.assumptions.gradient_alignment.box_cover import charts_of
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import traced
from smfg_verify.games import load
from tests.assumptions.enclosure.leader.test_forms import holds


@pytest.fixture(scope="module")
def market():
    game = traced(load("market-entrance", num_states=3))
    assert affine_game(game) is None
    return game


def slopes(game, field):
    """d r(s, a, b) / d m_j by differentiating the game's own function, (M, n, A, B)."""
    indices = np.indices((game.num_states, game.num_follower_actions, game.num_leader_actions)).reshape(3, -1).T

    def entries(m):
        return jax.vmap(lambda at: game.leader_reward(at[0], at[1], at[2], m))(indices)

    found = np.asarray(jax.jacfwd(entries)(field)).T
    return found.reshape(-1, game.num_states, game.num_follower_actions, game.num_leader_actions)


@pytest.mark.parametrize("radius", [1e-9, 1e-3, 0.1])
def test_values_and_slopes_at_sampled_mean_fields_lie_in_the_tables(market, radius):
    rng = np.random.default_rng(0)
    middles = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    tables = tables_around(market, "leader_reward", middles, np.full_like(middles, radius))
    for middle, table in zip(middles, tables, strict=True):
        inside = middle + radius * np.array([[1, -1, 0], [0, 1, -1], [-1, 0, 1], *rng.uniform(-0.5, 0.5, (5, 3))])
        inside[:, 2] = 1.0 - inside[:, :2].sum(axis=1)
        held = np.all(np.abs(inside - middle) <= radius, axis=1)
        assert held.sum() >= 5
        inside = inside[held]
        assert np.all(inside >= 0.0)
        told, true = at_field(table, Ball.exact(inside)), tables_at(market, inside)["leader_reward"]
        assert np.all(told.lower <= true)
        assert np.all(true <= told.upper)
        for point in inside[:3]:
            attained = slopes(market, point)
            assert np.all(table[1].lower <= attained)
            assert np.all(attained <= table[1].upper)


def test_what_a_straight_line_misses_falls_with_the_square_of_the_radius(market):
    middle = np.array([[0.2, 0.3, 0.5]])

    def missed(radius):
        table = tables_around(market, "leader_reward", middle, np.full_like(middle, radius))[0]
        inside = Ball(middle, np.full_like(middle, radius))
        straight = table[0], Ball.exact(table[1].mid), table[2]
        return np.max(at_field(table, inside).rad - at_field(straight, inside).rad)

    assert missed(1e-4) <= missed(1e-3) / 50.0


def test_nothing_is_known_around_what_is_no_mean_field(market):
    """The enclosures are about the simplex: a middle off it, or a width that is no number, has no table."""
    middle = np.array([[0.2, 0.3, 0.5 + 1e-9], [0.2, -0.1, 0.9], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]])
    radius = np.full_like(middle, 1e-3)
    radius[2, 0] = np.inf
    with np.errstate(invalid="ignore"):
        tables = tables_around(market, "leader_reward", middle, radius)
    assert [bool(np.isfinite(table[1].rad).all()) for table in tables] == [False, False, False, True]


@pytest.mark.parametrize("radius", [1e-3, 0.05])
def test_rewards_as_forms_hold_values_and_slopes_at_the_mean_field_of_every_leader(market, radius):
    rng, middle = np.random.default_rng(3), np.array([[0.3, 0.4], [0.5, 0.2]])
    free = over_boxes(middle - radius, middle + radius)
    field = form_of(joined((free, 1.0 + -contract("kz,zy->ky", free, np.ones((2, 1)))), 1))
    game, along = with_rewards_over(without_tables(market, 0.0), market, field)
    values = form_of(game.leader[0])
    for z in (*(0.5 * np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])), *rng.uniform(-0.5, 0.5, (4, 2))):
        fields = np.column_stack([middle + 2.0 * radius * z, 1.0 - np.sum(middle + 2.0 * radius * z, axis=1)])
        assert holds(values, z, tables_at(market, fields)["leader_reward"])
        attained = np.stack([slopes(market, point) for point in fields])
        assert holds(form_of(along), z, attained - attained[:, -1:])
    assert np.max(values.model.radius) <= 500.0 * radius**2


@pytest.mark.slow
def test_both_gradients_lie_where_the_rewards_program_stands_for_its_tables():
    """An affine reward taken as a curved one: the inner product at leaders of a box is inside."""
    game = traced(load("two-road-toll"))
    omega = np.array([[[0.4, 0.0]], [[-1.0, 0.0]]])
    points = evaluate_leaders(game, omega)
    free, value = omega[:, 0, :1], points.follower_value[:, :-1] - points.follower_value[:, -1:]
    for radius in (1e-8, 1e-3):
        ends = free - radius, free + radius
        by_tables = enclose_leaders(affine_game(game), *ends, points.mean_field, value)
        by_program = enclose_leaders(replace(affine_game(game), curved=game), *ends, points.mean_field, value)
        inner, square = (np.sum(part, axis=(1, 2)) for part in (points.total * points.direct, points.total**2))
        for found in (by_tables, by_program):
            assert found.verified.all()
            assert np.all(found.inner.lower <= inner)
            assert np.all(inner <= found.inner.upper)
            assert np.all(found.constant <= inner / square)
            assert np.all(found.constant > 0.0)
            assert np.all(found.inner.rad <= 1e4 * radius * (1.0 + np.abs(inner)))


def test_a_rewards_program_follows_the_order_of_its_chart():
    """An affine reward taken as a curved one: <g, p> at leaders is inside whichever action is the top one."""
    game = traced(load("two-road-toll"))
    charts, rng = charts_of(replace(affine_game(game), curved=game)), np.random.default_rng(6)
    middle, radius = rng.uniform(-2.0, -0.5, size=(4, 1)), 5e-4
    for chart in (0, 1):
        guess = np.full((4, 2), 0.5), np.zeros((4, 1))
        found = enclose_leaders(charts.games[chart], middle - radius, middle + radius, *guess)
        assert found.verified.all()
        points = evaluate_leaders(game, charts.logits(np.full(4, chart), middle))
        inner = np.sum(points.total * points.direct, axis=(1, 2))
        assert np.all((found.inner.lower <= inner) & (inner <= found.inner.upper))
        assert np.all(found.inner.rad <= 0.1 * np.abs(inner))
