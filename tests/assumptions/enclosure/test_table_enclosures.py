"""Enclosures of a game's functions over boxes of mean fields: proofs of structure, containment, tightness, budgets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.enclosure import (
    NoEnclosure,
    affine_table,
    enclose,
    enclose_slopes,
    envelope,
    table_enclosures,
)
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import mean_field_shape
from smfg_verify.games import load
from smfg_verify.games.market_entrance import MarketEntrance
from tests.exact.cases import SUPPORTS, pair
from tests.game.reach.roads import road

NAMES = ("transition", "follower_reward", "leader_reward")


def sampled(game, name, number=400, concentration=0.5):
    """Random mean fields (F, M), a function's table at each, and its derivative, (F, M, ...)."""
    shape = mean_field_shape(game)
    fields = np.random.default_rng(3).dirichlet(np.full(int(np.prod(shape)), concentration), number)

    @jax.jit
    @jax.vmap
    def both(field):
        def table(m):
            return getattr(tabulate(game, m.reshape(shape)), name)

        return table(field), jnp.moveaxis(jax.jacfwd(table)(field), -1, 0)

    return fields, *(np.asarray(part) for part in both(fields))


def whole(game, number=1):
    size = int(np.prod(mean_field_shape(game)))
    return np.zeros((number, size)), np.ones((number, size))


def boxes_around(fields, radius):
    return np.maximum(fields - radius, 0.0), np.minimum(fields + radius, 1.0)


@SUPPORTS
@pytest.mark.parametrize("coupled", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_table_of_an_affine_game_is_its_arrays(support, coupled):
    names = ("kernel_coupling", "reward_coupling", "leader_coupling")
    options = {} if coupled else dict.fromkeys(names, 0.0)
    game, arrays, _ = pair(0, sizes=(3, 2, 2), support=support, **options)
    named = {"transition": "kernel", "follower_reward": "follower_rewards", "leader_reward": "leader_rewards"}
    for name, array in named.items():
        table = affine_table(checked(game), name)
        slope = getattr(arrays, f"{array}_mean_field")
        np.testing.assert_allclose(table.constant, getattr(arrays, array), atol=1e-15)
        np.testing.assert_allclose(table.slope, np.zeros_like(table.slope) if slope is None else slope, atol=1e-15)
        assert table.is_constant == (slope is None)


SHIPPED = {
    "market-entrance": ("constant", "affine", None),
    "shop-positioning": ("constant", "affine", "affine"),
    "equilibrium-pricing": ("constant", None, None),
    "two-road-toll": ("constant", "affine", "constant"),
    "laffer-tax": ("constant", "affine", "affine"),
    "independent-leader": ("constant", "affine", "constant"),
    "random-game": ("affine", "affine", "affine"),
    "epidemic": ("affine", "constant", "affine"),
    "advertising": ("affine", "affine", "constant"),
    "congestion-pricing": ("constant", "affine", "affine"),
    "linear-quadratic": ("constant", "affine", "constant"),
}


QUICK = ("laffer-tax",)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in SHIPPED])
def test_structure_of_shipped_games_is_proved_as_far_as_it_is_true(name):
    game = checked(load(name))
    found = [affine_table(game, function) for function in NAMES]
    structure = tuple(None if t is None else "constant" if t.is_constant else "affine" for t in found)
    assert structure == SHIPPED[name]
    for table, function in zip(found, NAMES, strict=True):
        if table is not None:
            fields = np.random.default_rng(3).dirichlet(np.ones(len(table.slope)), 3)
            shaped = fields.reshape(-1, *mean_field_shape(game))
            values = np.stack([np.asarray(getattr(tabulate(game, jnp.asarray(field)), function)) for field in shaped])
            predicted = table.constant + np.tensordot(fields, table.slope, axes=1)
            np.testing.assert_allclose(predicted, values, atol=1e-13)


class HiddenKink(MarketEntrance):
    """Declares an affine follower's reward that bends where no test point of the declaration need lie."""

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        plain = super().follower_reward(state, follower_action, leader_action, mean_field)
        return plain + jnp.maximum(1e-6 - jnp.abs(mean_field[0] - 0.3217), 0.0)


class Looping(MarketEntrance):
    """Its leader's reward is a scan over the mean field."""

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return jax.lax.scan(lambda total, mass: (total + mass**2, None), 0.0, mean_field)[0]


def test_a_wrong_declaration_is_no_proof():
    game = checked(HiddenKink())
    assert game.follower_reward_dependence == "affine"
    assert affine_table(game, "follower_reward") is None
    assert affine_table(game, "transition") is not None


@pytest.mark.parametrize("order", [1, -1])
def test_a_proof_is_kept_for_what_a_game_does_not_for_its_name_and_traced_once(order, monkeypatch):
    traced_parts, asked = table_enclosures._affine_parts, []
    monkeypatch.setattr(table_enclosures, "_affine_parts", lambda *at: (asked.append(at[1]), traced_parts(*at))[1])
    monkeypatch.setattr(table_enclosures, "_PROVED", {})
    rewards = (lambda self, s, a, b, m: 2.0 * m[s], lambda self, s, a, b, m: m[s] ** 2)
    twice, square = (road(lambda self, s: 0.0 * s, follower_reward=reward) for reward in rewards)
    for game in (twice, square)[::order] * 2:
        assert (affine_table(checked(game), "follower_reward") is None) == (game is square)
    assert asked == ["follower_reward"] * 2


def test_a_scan_over_the_mean_field_has_no_enclosure():
    game = checked(Looping())
    assert affine_table(game, "leader_reward") is None
    for enclosed in (enclose, enclose_slopes):
        with pytest.raises(NoEnclosure, match="scan"):
            enclosed(game, "leader_reward", *whole(game))
    with pytest.raises(NoEnclosure, match="scan"):
        envelope(game, "leader_reward", num_boxes=5)


SMALL = {"dependence": "general", "num_states": 3, "num_follower_actions": 2, "num_leader_actions": 2}
GENERAL = {
    "market-log": ("market-entrance", {}, "leader_reward"),
    "shop-log": ("shop-positioning", {"crowd": "log"}, "follower_reward"),
    "pricing-follower": ("equilibrium-pricing", {}, "follower_reward"),
    "pricing-leader": ("equilibrium-pricing", {"elasticity": 2.0}, "leader_reward"),
    "random-transition": ("random-game", SMALL, "transition"),
    "random-reward": ("random-game", {"dependence": "general"}, "follower_reward"),
}


SLOW = ("market-log", "shop-log", "pricing-follower", "pricing-leader", "random-reward", "random-transition")


@pytest.mark.parametrize("case", [pytest.param(c, marks=[pytest.mark.slow] * (c in SLOW)) for c in GENERAL])
def test_enclosures_contain_all_samples_and_shrink_with_the_box(case):
    name, options, function = GENERAL[case]
    game = checked(load(name, **options))
    fields, values, slopes = sampled(game, function)
    ranges = [enclosed(game, function, *whole(game)) for enclosed in (enclose, enclose_slopes)]
    for table, found in zip((values, slopes), ranges, strict=True):
        assert not np.isnan(found.lower).any()
        assert np.all(found.lower[0] <= table.min(axis=0) + 1e-12)
        assert np.all(table.max(axis=0) <= found.upper[0] + 1e-12)
    # Boxes around a few of the samples hold those samples, and are about as narrow as they should be.
    for radius in (1e-2, 1e-4):
        lower, upper = boxes_around(fields[:8], radius)
        near = [enclosed(game, function, lower, upper) for enclosed in (enclose, enclose_slopes)]
        for table, found in zip((values, slopes), near, strict=True):
            assert np.all(found.lower <= table[:8] + 1e-12)
            assert np.all(table[:8] <= found.upper + 1e-12)
        steepest = np.abs(slopes[:8]).max(axis=1)
        reached = np.maximum(steepest, np.maximum(np.abs(near[1].lower), np.abs(near[1].upper)).max(axis=1))
        width = near[0].upper - near[0].lower
        assert np.all(width <= 2.0 * radius * fields.shape[1] * reached + 1e-9)


@pytest.mark.slow
def test_price_is_enclosed_by_its_closed_form_over_the_whole_simplex():
    game = checked(load("equilibrium-pricing"))
    found = enclose(game, "follower_reward", *whole(game))
    # E_m[q] runs over [0, Q]; the price multiplies the quantity sold, q.
    prices = [1.0 / (1.0 + game.max_production), 1.0]
    sold = np.arange(game.num_follower_actions) // (game.max_order + 1)
    width = np.broadcast_to((sold * (prices[1] - prices[0]))[None, :, None], found.lower[0].shape)
    np.testing.assert_allclose((found.upper - found.lower)[0], width, atol=1e-9)


def test_floor_of_the_logarithm_bounds_value_and_slope():
    game = checked(load("market-entrance"))
    target, floor, weight = (np.asarray(x) for x in (game.target, game.floor, game.weight))
    found = enclose(game, "leader_reward", *whole(game))
    np.testing.assert_allclose(found.upper[0, :, 0, 0], weight * np.log(target / floor), rtol=1e-9)
    np.testing.assert_allclose(found.lower[0, :, 0, 0], weight * np.log(target), atol=1e-9)
    # On either side of the floor the slope of log(target / max(m, floor)) is zero, or at most 1 / floor.
    below, above = np.array([[0.0, 0.0]]), np.array([[0.9 * floor, 1.0]])
    slopes = enclose_slopes(game, "leader_reward", below, above)
    np.testing.assert_allclose([slopes.lower[0, 0, 0], slopes.upper[0, 0, 0]], 0.0, atol=1e-12)
    across = enclose_slopes(game, "leader_reward", np.array([[0.99 * floor, 0.0]]), np.array([[1.01 * floor, 1.0]]))
    assert np.all(across.lower[0, 0, 0] <= -weight / floor)
    assert np.all(across.lower[0, 0, 0] >= -1.1 * weight / floor)
    assert np.all(np.abs(across.upper[0, 0, 0]) <= 1e-12)


@pytest.mark.slow
def test_general_random_game_is_tight_where_boxes_are_small():
    game = checked(load("random-game", **SMALL))
    fields = np.random.default_rng(3).dirichlet(np.full(game.num_states, 5.0), 4)
    excess = []
    for radius in (0.04, 0.004):
        lower, upper = boxes_around(fields, radius)
        found = enclose(game, "transition", lower, upper)
        near = np.random.default_rng(0).uniform(-radius, radius, size=(3000, fields.shape[1]))
        near -= near.mean(axis=1, keepdims=True)
        near *= radius / np.abs(near).max(axis=1, keepdims=True)
        table = jax.jit(jax.vmap(lambda m: tabulate(game, m).transition))
        true = np.stack([np.ptp(np.asarray(table(field + near)), axis=0) for field in fields])
        excess.append(np.max(found.upper - found.lower - true))
        assert np.max(true) > 0.05 * radius
    # Random points miss part of the range in proportion to the box, an enclosure exceeds it by the square.
    assert excess[1] <= 0.15 * excess[0]


@pytest.mark.parametrize("case", ["random-transition", pytest.param("pricing-leader", marks=pytest.mark.slow)])
def test_envelope_bounds_dense_samples_and_closes_in(case):
    name, options, function = GENERAL[case]
    game = checked(load(name, **options))
    shape = mean_field_shape(game)
    fields = np.random.default_rng(3).dirichlet(np.full(int(np.prod(shape)), 0.5), 4000)
    values = np.asarray(jax.jit(jax.vmap(lambda m: getattr(tabulate(game, m.reshape(shape)), function)))(fields))
    found = envelope(game, function, num_boxes=600)
    assert not found.exact
    assert found.boxes <= 600
    span = np.ptp(values, axis=0)
    assert np.all(found.lower <= values.min(axis=0) + 1e-12)
    assert np.all(found.upper >= values.max(axis=0) - 1e-12)
    first = envelope(game, function, num_boxes=1)
    assert first.boxes == 1
    assert np.all(first.lower <= found.lower + 1e-12)
    assert np.all(first.upper >= found.upper - 1e-12)
    if case == "random-transition":
        assert np.all(found.upper - found.lower <= 1.05 * span + 1e-6)
        assert np.any(first.upper - first.lower > 1.2 * span)


def test_envelope_of_an_affine_game_is_at_its_vertices():
    game, arrays, _ = pair(4, sizes=(3, 2, 2))
    found = envelope(checked(game), "transition", num_boxes=10)
    assert found.exact
    vertices = np.stack([arrays.tables(vertex)[0] for vertex in np.eye(3)])
    np.testing.assert_allclose(found.lower, vertices.min(axis=0), atol=1e-14)
    np.testing.assert_allclose(found.upper, vertices.max(axis=0), atol=1e-14)


def test_other_numbers_do_not_compile_again():
    from smfg_verify.assumptions.enclosure import table_enclosures as tables

    game = checked(load("market-entrance"))
    enclose(game, "leader_reward", *whole(game))
    traces = []
    original = tables.entry_of
    try:
        tables.entry_of = lambda *arguments: traces.append(1) or original(*arguments)
        other = enclose(checked(load("market-entrance", weight=3.0)), "leader_reward", *whole(game))
    finally:
        tables.entry_of = original
    assert not traces
    assert other.upper.max() > 2.0 * enclose(game, "leader_reward", *whole(game)).upper.max()
