"""Gradients enclosed over boxes of leaders: against exact gradients at points of the boxes."""

from dataclasses import replace

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.leader.affine import affine_game
from smfg_verify.assumptions.enclosure.leader.boxes import enclose_leaders
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.helpers.random_arrays import random_array_game


def random_game(seed, **options):
    arrays = random_array_game(np.random.default_rng(seed), 3, 3, 2, reward_coupling=0.3, **options)
    return checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))


def random_pairs(num_states=3, seed=2):
    sizes = {"num_states": num_states, "num_follower_actions": 2, "num_leader_actions": 2, "leader_temperature": 0.2}
    return checked(load("random-game", mean_field_support="state_actions", seed=seed, **sizes))


GAMES = {
    "laffer": lambda: checked(load("laffer-tax")),
    "toll": lambda: checked(load("two-road-toll")),
    "independent": lambda: checked(load("independent-leader")),
    "random": lambda: random_game(0, observations=2),
    "random-entropy": lambda: random_game(1, observations=3, tau_l=0.4),
    "pairs": lambda: random_pairs(seed=2),
    "pairs-of-one-state": lambda: random_pairs(num_states=1, seed=1),
    "three-tolls": lambda: checked(load("two-road-toll", tolls=((0.0, 0.0), (0.5, 0.0), (0.1, 0.3)))),
}

QUICK = {"random-entropy", "pairs"}


def enclosed(game, tables, middle, radius, forms=None):
    size, entries = len(tables.initial), tables.num_fields
    fields, values = np.full((len(middle), entries), 1.0 / entries), np.zeros((len(middle), size - 1))
    return enclose_leaders(tables, middle - radius, middle + radius, fields, values, forms=forms)


def exact_points(game, tables, logits):
    """<g, p>, its ratio to |g|^2 and the mean field of each leader, by the exact gradient."""
    points = evaluate_leaders(game, tables.full_logits(logits))
    assert points.converged.all()
    inner, square = (np.sum(points.total * part, axis=(1, 2)) for part in (points.direct, points.total))
    return inner, inner / square, points.mean_field.reshape(len(logits), -1)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in GAMES])
def test_inner_product_of_every_leader_of_a_box_is_enclosed(name):
    game = GAMES[name]()
    tables = affine_game(game)
    rng = np.random.default_rng(5)
    middle = rng.uniform(-4.0, 4.0, size=(32, tables.num_free))
    exact = enclosed(game, tables, middle, 0.0)
    assert exact.verified.all()
    # Rows sum to one up to 1e-14 of rounding, worth 100 times the rewards at gamma = 0.9, over tau.
    assert np.max(exact.inner.rad) < 1e-6 * (1.0 + np.max(np.abs(exact.inner.mid)))
    np.testing.assert_allclose(exact.inner.mid, exact_points(game, tables, middle)[0], rtol=1e-9, atol=1e-11)
    for radius, forms in ((1e-3, True), (1e-3, False), (3e-2, True), (3e-2, False), (0.3, True)):
        found = enclosed(game, tables, middle, radius, forms)
        assert found.verified.mean() > (0.7 if radius < 0.1 else 0.3)
        for corner in (True, False):
            shift = rng.choice([-1.0, 1.0], middle.shape) if corner else rng.uniform(-1.0, 1.0, middle.shape)
            inner, ratio, fields = exact_points(game, tables, middle + radius * shift)
            near = np.abs(fields - found.field) <= found.radius[:, : fields.shape[1]] + 1e-11
            assert near[found.verified].all()
            inside = (found.inner.lower - 1e-10 <= inner) & (inner <= found.inner.upper + 1e-10)
            assert inside[found.verified].all()
            assert np.all(found.constant <= ratio + 1e-9 * np.abs(ratio))
        assert np.all(np.isinf(found.inner.rad[~found.verified]))


def test_radius_is_of_first_order_in_the_box():
    game = GAMES["random-entropy"]()
    tables = affine_game(game)
    middle = np.random.default_rng(0).uniform(-2.0, 2.0, size=(32, tables.num_free))
    radii = [np.median(enclosed(game, tables, middle, radius).inner.rad) for radius in (1e-3, 1e-4)]
    assert radii[1] < 0.12 * radii[0]


def test_forms_prove_more_than_intervals_do():
    """What a form misses is of second order, so that wider boxes have bounds, and the same boxes tighter ones."""
    game = GAMES["random-entropy"]()
    tables = affine_game(game)
    middle = np.random.default_rng(5).uniform(-2.0, 2.0, size=(32, tables.num_free))
    narrow = [enclosed(game, tables, middle, 1e-2, forms) for forms in (True, False)]
    assert np.median(narrow[0].inner.rad) < 0.2 * np.median(narrow[1].inner.rad)
    positive = [np.mean(enclosed(game, tables, middle, 0.2, forms).inner.lower > 0.0) for forms in (True, False)]
    assert positive[0] > 0.9 > 0.1 > positive[1], positive


@pytest.mark.slow
def test_the_middle_is_an_equilibrium():
    game = GAMES["laffer"]()
    tables = affine_game(game)
    middle = np.linspace(-5.0, 5.0, 8)[:, None]
    points = evaluate_leaders(game, tables.full_logits(middle))
    np.testing.assert_allclose(enclosed(game, tables, middle, 0.0).field, points.mean_field, atol=1e-11)


def test_two_equilibria_are_not_merged_into_one():
    """A coordination game: from different guesses different equilibria are verified, each alone in its enclosure."""
    shape = (2, 2, 2)
    kernel = np.zeros((*shape, 2))
    kernel[:, 0, :, :], kernel[:, 1, :, :] = [0.95, 0.05], [0.05, 0.95]
    attraction = np.zeros((2, *shape))
    for action in range(2):
        attraction[action, :, action, :] = 3.0
    game = checked(
        TabularGame.from_arrays(
            kernel=kernel,
            follower_rewards=np.zeros(shape),
            leader_rewards=np.broadcast_to([0.0, 1.0], shape),
            follower_rewards_mean_field=attraction,
            discount=0.5,
            temperature=0.3,
            leader_observation=[0, 0],
        )
    )
    tables = affine_game(game)
    guesses = np.array([[0.9, 0.1], [0.1, 0.9]])
    box = np.full((2, 1), 0.01)
    found = enclose_leaders(tables, -box, box, guesses, np.zeros((2, 1)))
    assert found.verified.all()
    assert found.field[0, 0] > 0.8
    assert found.field[1, 0] < 0.2
    wide = enclose_leaders(
        tables, -6.0 * np.ones((1, 1)), 6.0 * np.ones((1, 1)), guesses[:1] * 0 + 0.5, np.zeros((1, 1))
    )
    assert wide.inner.rad.shape == (1,)


@pytest.mark.slow
def test_only_games_proved_affine_are_taken():
    assert affine_game(checked(load("market-entrance"))) is None
    assert affine_game(checked(load("equilibrium-pricing"))) is None
    assert affine_game(checked(load("laffer-tax"))) is not None


def test_rows_that_miss_one_by_more_than_rounding_have_no_tables():
    """A level that rows of different sums carry on makes a gradient, which values relative to a state do not see."""
    kernel = np.full((2, 2, 2, 2), 0.5)
    options = {"follower_rewards": np.zeros((2, 2, 2)), "leader_rewards": np.full((2, 2, 2), 1e9)}
    options |= {"discount": 0.9, "temperature": 0.3, "leader_observation": [0, 0]}
    assert affine_game(checked(TabularGame.from_arrays(kernel=kernel, **options))) is not None
    kernel[:, :, 1, 0] += 1e-11
    assert affine_game(checked(TabularGame.from_arrays(kernel=kernel, **options))) is None


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_points_that_are_no_mean_fields_are_no_equilibria_however_the_kernel_is_written(share):
    """P_0 + sum_j m_j K_j is sum_j m_j (P_0 + K_j) at mean fields; at others its rows sum to sum_j m_j."""
    arrays = random_array_game(np.random.default_rng(1), 3, 3, 2, reward_coupling=0.3, observations=3, tau_l=0.4)
    moved = (1.0 - share) * arrays.kernel
    arrays = replace(arrays, kernel=share * arrays.kernel, kernel_mean_field=arrays.kernel_mean_field + moved)
    game = checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))
    tables, middle = affine_game(game), np.random.default_rng(5).uniform(-2.0, 2.0, size=(32, 3))
    inner, _, fields = exact_points(game, tables, middle)
    # As written with a share of 1/2 points of sum two are stationary, too.
    for total in (1.0, 2.0):
        guess = np.full((32, 3), total / 3), np.zeros((32, 2))
        for forms in (True, False):
            found = enclose_leaders(tables, middle - 1e-4, middle + 1e-4, *guess, forms=forms)
            assert found.verified.all()
            np.testing.assert_allclose(found.field, fields, atol=1e-11)
            assert np.all((found.inner.lower <= inner) & (inner <= found.inner.upper))


def test_a_first_law_that_was_typed_with_six_digits_counts_as_it_is():
    """Visits add up to its sum over 1 - gamma, which may miss one by 1e-6."""
    arrays = random_array_game(np.random.default_rng(1), 3, 3, 2, reward_coupling=0.3, observations=3, tau_l=0.4)
    arrays = replace(arrays, initial_distribution=np.full(3, 0.3333335))
    game = checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))
    tables, middle = affine_game(game), np.random.default_rng(5).uniform(-2.0, 2.0, size=(32, 3))
    inner = exact_points(game, tables, middle)[0]
    for forms in (True, False):
        found = enclosed(game, tables, middle, 0.0, forms)
        assert np.all((found.inner.lower <= inner) & (inner <= found.inner.upper))
        assert np.max(found.inner.rad / np.abs(inner)) < 1e-7


def test_what_rows_of_rounded_sums_make_of_a_reward_widens_it():
    rows = np.broadcast_to([0.1, 0.2, 0.7], (3, 2, 2, 3))
    options = {"follower_rewards": np.zeros((3, 2, 2)), "leader_rewards": np.full((3, 2, 2), 1e9)}
    game = affine_game(checked(TabularGame.from_arrays(kernel=rows, **options, discount=0.99, temperature=0.3)))
    # gamma e r / (1 - gamma)^2 with e of rounding.
    assert np.all(game.leader[0].rad >= 0.99 * 2.0**-52 * 1e9 / 1e-4)
