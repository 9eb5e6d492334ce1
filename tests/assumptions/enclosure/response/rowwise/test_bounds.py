"""Bounds by rows hold what automatic differentiation finds at leaders and mean fields of the cells."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.budget import tables_of
from smfg_verify.assumptions.enclosure.response.cells import Cells, centre_of
from smfg_verify.assumptions.enclosure.response.measures import modulus_over
from smfg_verify.assumptions.enclosure.response.rowwise.bounds import rowwise_bounds
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_norms
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.assumptions.enclosure.response.tables.test_curved import curved_game
from tests.assumptions.enclosure.response.test_slopes import a_point_of_each, random_game, small_cells
from tests.helpers.random_arrays import random_array_game

# Such a leader is as good as pure, and its logits are finite.
_LEAST = 1e-300


def exact_at(game, policies, fields):
    """The Jacobian along e_j - e_last, first axis j, and its tangent l1 norm."""
    exact = at_mean_fields(game, np.log(np.maximum(policies, _LEAST)), np.asarray(fields))
    jacobian = exact.response[:, :-1, :-1] - exact.response[:, :-1, -1:]
    return np.moveaxis(jacobian, (0, 1, 2), (2, 1, 0)), tangent_norms(exact.response)


def assert_holds(game, halvings, seed, number=16, draws=2):
    tables, rng = tables_of(game)[0], np.random.default_rng(seed)
    cells = small_cells(tables, number, halvings, rng)
    with np.errstate(all="ignore"):
        found = rowwise_bounds(tables, cells, 2)
    for _ in range(draws):
        points = a_point_of_each(tables, cells, rng)[0]
        policies, fields = zip(*(centre_of(tables, point) for point in points), strict=True)
        jacobian, norms = exact_at(game, np.array(policies), fields)
        assert np.all(norms <= found.modulus + 1e-13)
        assert not np.any((jacobian < found.low - 1e-13) | (jacobian > found.high + 1e-13))
    return found


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((2, 2, 2), {}),
        pytest.param((3, 3, 2), {"tau": 0.5, "reward_coupling": 1.0}, marks=pytest.mark.slow),
        pytest.param((3, 1, 2), {"kernel_coupling": 0.9}, marks=pytest.mark.slow),
        pytest.param((4, 2, 1), {"gamma": 0.0}, marks=pytest.mark.slow),
        pytest.param((7, 2, 2), {"gamma": 0.5}, marks=pytest.mark.slow),
    ],
)
def test_random_games(sizes, options):
    game = random_game(sizes, sum(sizes), **options)
    for halvings in (0, 8, 25):
        found = assert_holds(game, halvings, halvings)
    assert np.all(np.isfinite(found.modulus))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["market-entrance", "laffer-tax", "epidemic", "advertising"])
def test_shipped_games(name):
    for halvings in (0, 10, 30):
        assert_holds(checked(load(name)), halvings, halvings)


@pytest.mark.slow
def test_curved_games():
    for halvings in (0, 12):
        assert_holds(curved_game(), halvings, halvings)


def a_mild_game(seed=1):
    return random_game((3, 3, 2), seed, tau=3.0, reward_coupling=0.3, kernel_coupling=0.2, gamma=0.5)


def at_one_mean_field(tables):
    """All leaders at the mean field at the centre."""
    n = tables.num_states
    vertices = Cells.whole(tables.shape).vertices
    vertices[0, :n, :n] = 1.0 / n
    return Cells(vertices)


def test_all_leaders_at_one_mean_field_are_bounded_nearly_as_well_as_pure_ones_attain():
    game = a_mild_game()
    tables = tables_of(game)[0]
    with np.errstate(all="ignore"):
        bound = rowwise_bounds(tables, at_one_mean_field(tables), 4).modulus[0]
    pure = np.eye(2)[np.stack(np.meshgrid(*[[0, 1]] * 3), axis=-1).reshape(-1, 3)]
    largest = exact_at(game, pure, np.full((len(pure), 3), 1.0 / 3.0))[1].max()
    assert largest <= bound <= 1.5 * largest


def test_pieces_of_rows_make_bounds_no_worse_than_the_whole_rows():
    tables = tables_of(a_mild_game(2))[0]
    cells = at_one_mean_field(tables)
    with np.errstate(all="ignore"):
        few, some, many = (rowwise_bounds(tables, cells, number).modulus[0] for number in (0, 2, 4))
    assert many <= some <= few


def test_laws_move_by_less_than_the_mixing_factor_where_rows_move():
    """Followers without a choice, two leaders at one mean field: the chains' rows, and their laws."""
    arrays = random_array_game(np.random.default_rng(4), 3, 1, 2)
    game = checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))
    tables = tables_of(game)[0]
    with np.errstate(all="ignore"):
        mixing = rowwise_bounds(tables, Cells.whole(tables.shape), 2).mixing[0]
    policies = np.random.default_rng(0).dirichlet(np.ones(2), (40, 3))
    vertices = np.einsum("jsabt->sbt", tables.transition) / 3.0
    rows = np.einsum("ksb,sbt->kst", policies, np.concatenate([vertices, 1.0 - vertices.sum(2, keepdims=True)], axis=2))
    laws = np.linalg.solve(np.eye(3) - np.swapaxes(rows, 1, 2) + 1.0, np.ones((40, 3, 1)))[..., 0]
    moved = np.abs(rows[1:] - rows[:-1]).sum(axis=2).max(axis=1)
    ratios = np.abs(laws[1:] - laws[:-1]).sum(axis=1) / moved
    assert 0.5 < np.max(ratios) <= mixing < 3.0


def test_cells_of_wide_leaders_are_bounded_by_rows():
    """Breaking the join of both bounds shows here: models alone are worse."""
    tables = tables_of(a_mild_game())[0]
    cells = at_one_mean_field(tables)
    with np.errstate(all="ignore"):
        by_rows = rowwise_bounds(tables, cells, 2).modulus[0]
    assert modulus_over(tables, cells).upper[0] <= by_rows
