"""Branch and bound over leaders and mean fields: bounds that hold, and meet what is attained, in closed forms."""

import functools

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.measures import growth_over, modulus_over
from smfg_verify.assumptions.enclosure.response.search import supremum_over_cells
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.assumptions.one_sided.growth import frame_of, growths
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_norms
from smfg_verify.games import load
from tests.assumptions.crowds import crowd
from tests.assumptions.enclosure.response.test_slopes import random_game


def supremum(game, **options):
    tables = vertex_tables(game)
    left, right = frame_of(game.num_states)
    return supremum_over_cells(tables, functools.partial(growth_over, tables, left=left, right=right), **options)


@pytest.mark.parametrize("attraction", [0.8, -0.8])
def test_two_states_in_closed_form(attraction):
    r"""$D\Gamma = (1 - e) k / 2 \tau\, sech^2(k (2m - 1) / 2 \tau)$, largest at the middle or at the vertices."""
    found = supremum(crowd(attraction, 0.4, inertia=0.2), num_cells=2000, tolerance=1e-3)
    at = 0.0 if attraction > 0.0 else attraction / 0.8
    expected = 0.8 * attraction / 0.8 / np.cosh(at) ** 2
    assert found.finished
    assert expected - 1e-9 <= found.upper <= expected + 1.1e-3
    assert found.lower <= expected + 1e-9


@pytest.mark.slow
def test_no_sample_lies_above_the_bound_at_any_budget():
    game = random_game((3, 2, 1), 5, tau=0.6, reward_coupling=1.0)
    rng = np.random.default_rng(0)
    fields = np.concatenate([rng.dirichlet(np.full(3, 0.3), 300), np.eye(3)])
    exact = at_mean_fields(game, np.zeros((len(fields), 3, 1)), fields)
    largest = np.max(growths(exact.response, frame_of(3)))
    bounds = [supremum(game, num_cells=number, tolerance=1e-3).upper for number in (1, 30, 300, 3000)]
    assert bounds == sorted(bounds, reverse=True)
    assert largest <= bounds[-1] <= largest + 0.1


@pytest.mark.parametrize("sizes", [(2, 2, 2), pytest.param((4, 2, 1), marks=pytest.mark.slow)])
def test_no_sample_has_a_larger_modulus(sizes):
    game = random_game(sizes, 6, tau=0.6)
    tables = vertex_tables(game)
    found = supremum_over_cells(tables, functools.partial(modulus_over, tables), num_cells=4000, tolerance=0.02)
    rng, n = np.random.default_rng(1), sizes[0]
    logits = 3.0 * rng.normal(size=(300, len(tables.row_actions), sizes[2]))
    exact = at_mean_fields(game, logits, rng.dirichlet(np.full(n, 0.3), 300))
    assert np.max(tangent_norms(exact.response)) <= found.upper
    assert found.lower <= found.upper <= 2.0 * found.lower


def test_a_bound_of_few_cells_is_no_finished_one_and_a_hopeless_search_ends():
    game = crowd(1.0, 0.2, inertia=0.1)
    assert not supremum(game, num_cells=3, tolerance=1e-3).finished
    found = supremum(game, num_cells=100_000, tolerance=1e-9, hopeless=1.0)
    assert found.lower >= 1.0
    assert found.cells < 100
    assert found.upper >= 2.25


def test_what_was_found_of_cells_serves_the_next_measure_and_changes_nothing():
    game = random_game((3, 2, 1), 5, tau=0.6)
    shared, left_right = vertex_tables(game), frame_of(3)
    growth = functools.partial(growth_over, left=left_right[0], right=left_right[1])

    def searched(measure, tables):
        return supremum_over_cells(tables, functools.partial(measure, tables), num_cells=200, tolerance=1e-3)

    first = searched(growth, shared)
    assert len(shared.seen) == first.cells
    again, alone = searched(modulus_over, shared), searched(modulus_over, vertex_tables(game))
    assert first.cells < len(shared.seen) < first.cells + again.cells
    assert (again.upper, again.lower) == (alone.upper, alone.lower)


def test_cells_that_are_known_by_ranges_alone_are_cut_along_what_they_depend_on():
    """Of a laffer-tax, where policies are nearly pure and the chain of a large cell may have two classes."""
    tables = vertex_tables(checked(load("laffer-tax")))
    found = supremum_over_cells(tables, functools.partial(modulus_over, tables), num_cells=2000, tolerance=0.01)
    assert found.finished
    assert found.upper < 1.12
