"""Curved functions over cells: values and slopes hold those of the formulas, and bounds of them those of any sample."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.budget import tables_of
from smfg_verify.assumptions.enclosure.response.cells import Cells, edges_of
from smfg_verify.assumptions.enclosure.response.measures import growth_over, modulus_over
from smfg_verify.assumptions.enclosure.response.search import supremum_over_cells
from smfg_verify.assumptions.enclosure.response.tables.curved import curved_over, curved_tables
from smfg_verify.assumptions.enclosure.slope_forms import slope_forms
from smfg_verify.assumptions.one_sided.growth import frame_of, growths
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_norms
from smfg_verify.game import TabularGame
from smfg_verify.games import TwoRoadToll, load
from tests.assumptions.enclosure.response.test_models import form
from tests.assumptions.enclosure.response.test_slopes import a_point_of_each, assert_enclosed, small_cells
from tests.helpers.random_arrays import random_array_game


def over(tables, cells):
    """Both functions over cells."""
    return curved_over(tables, cells.vertices[:, : tables.num_states, : tables.num_states], tables.shape)


@functools.cache
def curved_game(seed=0):
    return checked(
        load(
            "random-game",
            seed=seed,
            dependence="general",
            num_states=3,
            num_follower_actions=2,
            num_leader_actions=2,
            ergodicity=0.3,
            discount=0.7,
            temperature=1.0,
        )
    )


def by_formula(game, field):
    """Rows without their last entry and rewards at a mean field, and the slopes of both along the edges."""
    arrays = {name: np.asarray(getattr(game, name)) for name in ("base_kernel", "coupled_kernel", "mixing")}
    weights, slopes = arrays["mixing"], np.asarray(game.follower_slope)
    along = [table[..., :-1] - table[..., -1:] for table in (weights, slopes)]
    share = float(game.transition_coupling) * np.sin(0.5 * np.pi * (weights @ field)) ** 2
    turning = float(game.transition_coupling) * 0.5 * np.pi * np.sin(np.pi * (weights @ field))
    moved = (1.0 - float(game.ergodicity)) * (arrays["coupled_kernel"] - arrays["base_kernel"])
    still = (1.0 - float(game.ergodicity)) * arrays["base_kernel"] + float(game.ergodicity) / game.num_states
    coupling = float(game.follower_coupling)
    rows = still + share[..., None] * moved
    rewards = np.asarray(game.follower_base) + coupling * np.sin(np.pi * (slopes @ field))
    row_slopes = np.moveaxis((turning[..., None] * along[0])[..., None] * moved[..., None, :], 3, 0)
    reward_slopes = np.moveaxis(coupling * np.pi * np.cos(np.pi * (slopes @ field))[..., None] * along[1], -1, 0)
    return (rows[..., :-1], row_slopes[..., :-1]), (rewards, reward_slopes)


@pytest.mark.slow
@pytest.mark.parametrize("halvings", [0, 6, 25])
def test_values_and_slopes_hold_those_of_the_formulas(halvings):
    game, rng = curved_game(), np.random.default_rng(halvings)
    tables = curved_tables(game)[0]
    cells = small_cells(tables, 16, halvings, rng)
    points, z = a_point_of_each(tables, cells, rng)
    for k in range(16):
        exact = by_formula(game, points[k, 0, : game.num_states])
        for function, pair in zip(over(tables, cells), exact, strict=True):
            for model, value in zip(function, pair, strict=True):
                miss = np.abs(value - form(model, z[k])[..., k])
                assert not np.any(miss > model.radius[..., k] + 1e-14)


@pytest.mark.slow
def test_radii_fall_with_the_cube_of_the_width_for_values_and_the_square_for_slopes():
    tables = curved_tables(curved_game())[0]
    cells, radii = Cells.whole(tables.shape), []
    for k in range(24):
        cells = Cells(cells.halved(edges_of(tables.shape)[k % 3][None]).vertices[k % 2 : k % 2 + 1])
        rewards = over(tables, cells)[1]
        radii.append([np.max(rewards.values.radius), np.max(rewards.slopes.radius)])
    factors = np.array(radii[10]) / np.array(radii[22])
    # Two halvings of a triangle make it half as wide.
    np.testing.assert_allclose(factors ** (1.0 / 6.0), [8.0, 4.0], rtol=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("halvings", [4, 20])
def test_the_jacobian_of_two_curved_functions_holds_that_of_automatic_differentiation(halvings):
    found = assert_enclosed(curved_game(), halvings, halvings)
    assert np.all(np.isfinite(found.jacobian.radius))


class Bent(TwoRoadToll):
    """Two roads on which a crowd is felt as the sine of it."""

    follower_reward_dependence = "general"

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -0.8 * jnp.sin(2.0 * mean_field[state]) - self.tolls[leader_action, state]


def test_values_slopes_and_the_jacobian_of_a_bent_reward_are_held():
    game, rng = checked(Bent()), np.random.default_rng(0)
    tables = tables_of(game)[0]
    for halvings in (0, 3, 12):
        assert_enclosed(game, halvings, halvings)
        cells = small_cells(tables, 16, halvings, rng)
        points, z = a_point_of_each(tables, cells, rng)
        rewards = over(tables, cells)[1]
        for k, share in enumerate(points[:, 0, 0]):
            exact = -0.8 * np.sin(2.0 * np.array([share, 1.0 - share]))
            slopes = -1.6 * np.cos(2.0 * np.array([share, 1.0 - share])) * np.array([1.0, -1.0])
            value, slope = (form(model, z[k])[..., k] for model in rewards)
            free = value[:, 0, 0] + np.asarray(game.tolls)[0]
            assert np.all(np.abs(free - exact) <= rewards.values.radius[:, 0, 0, k] + 1e-14)
            assert np.all(np.abs(slope[0, :, 0, 0] - slopes) <= rewards.slopes.radius[0, :, 0, 0, k] + 1e-14)


def test_no_sample_lies_above_the_bounds():
    game, rng = checked(Bent()), np.random.default_rng(0)
    tables = tables_of(game)[0]
    logits, fields = 3.0 * rng.normal(size=(200, 1, 2)), rng.dirichlet(np.full(2, 0.3), 200)
    exact = at_mean_fields(game, logits, fields).response
    frame = frame_of(2)
    growth = functools.partial(growth_over, left=frame[0], right=frame[1])
    for measure, values in ((growth, growths(exact, frame)), (modulus_over, tangent_norms(exact))):
        found = supremum_over_cells(tables, functools.partial(measure, tables), num_cells=600, tolerance=0.02)
        assert found.finished
        assert np.max(values) <= found.upper <= np.max(values) + 0.1


class Kinked(TwoRoadToll):
    """Two roads of which the first is dearer from half the crowd on."""

    follower_reward_dependence = "general"

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        plain = super().follower_reward(state, follower_action, leader_action, mean_field)
        return plain - jnp.where(state == 0, jnp.maximum(mean_field[0] - 0.5, 0.0), 0.0)


class Jump(TwoRoadToll):
    """The same with a jump in place of the kink."""

    follower_reward_dependence = "general"

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        plain = super().follower_reward(state, follower_action, leader_action, mean_field)
        return plain - jnp.where((state == 0) & (mean_field[0] > 0.5), 0.1, 0.0)


@pytest.mark.slow
def test_slopes_on_both_sides_of_a_kink_are_held():
    game = checked(Kinked())
    tables = tables_of(game)[0]
    slopes = over(tables, Cells.whole(tables.shape))[1].slopes
    for share in (0.2, 0.8):
        ends = [np.array([share + step, 1.0 - share - step]) for step in (-1e-6, 1e-6)]
        rewards = [float(game.follower_reward(0, 0, 0, jnp.asarray(end))) for end in ends]
        z = np.zeros(tables.shape.dimension)
        z[0] = 0.5 - share
        missed = abs((rewards[1] - rewards[0]) / 2e-6 - form(slopes, z)[0, 0, 0, 0, 0])
        assert missed <= slopes.radius[0, 0, 0, 0, 0] + 1e-8


def test_a_jump_has_no_bound():
    tables, reason = tables_of(checked(Jump()))
    assert tables is None or not np.isfinite(modulus_over(tables, Cells.whole(tables.shape)).upper[0])
    assert tables is not None or reason


def test_a_law_of_pairs_has_no_tables():
    assert curved_tables(checked(load("equilibrium-pricing")))[0] is None


class Wiggling(TwoRoadToll):
    """Rows that miss one by less than is told of rounding, and whose sum turns by a whole unit as fast."""

    transition_dependence = "general"

    def transition(self, s, a, b, m):
        likely = jnp.where(s == 0, 0.95, 0.05)
        miss = jnp.where(s == 0, 9e-10 * jnp.sin(1e9 * m[0]), 0.0)
        return jnp.array([likely, 1.0 - likely + miss])


def test_rows_whose_sums_turn_have_no_cells():
    tables, reason = curved_tables(checked(Wiggling(kappa=0.01, temperature=1.0, discount=0.5, tolls=((0.0, 0.0),))))
    assert tables is None
    assert "sum to" in reason


def test_slopes_of_an_affine_function_are_those_of_a_point_by_itself():
    """BLAS would round one point in another way than several."""
    rng = np.random.default_rng(0)
    arrays = random_array_game(rng, 3, 3, 2)
    game, points = checked(TabularGame.from_arrays(**arrays.from_arrays_arguments())), rng.dirichlet(np.ones(3), 7)
    together = slope_forms(game, "transition", points, points, points)
    for k in range(7):
        alone = slope_forms(game, "transition", *(points[k : k + 1],) * 3)
        for many, one in zip(together, alone, strict=True):
            np.testing.assert_array_equal(many[k], one[0])
