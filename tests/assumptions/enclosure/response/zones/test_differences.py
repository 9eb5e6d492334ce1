"""Zones hold the solutions of every chain that they are about, and rows cost no less than the best plan."""

import numpy as np
import pytest
import scipy.optimize

from smfg_verify.assumptions.enclosure.response.zones.differences import carried, narrowed


def zone_around(points):
    """The least zone of vectors, (1, n, n)."""
    return np.max(points[:, :, None] - points[:, None], axis=0)[None]


def the_most(row, zone):
    """Largest value of a row over a zone, by a linear program."""
    first, second = np.nonzero(~np.eye(len(row), dtype=bool))
    differences = np.eye(len(row))[first] - np.eye(len(row))[second]
    bounds = [(0, 0)] + [(None, None)] * (len(row) - 1)
    return -scipy.optimize.linprog(-row, A_ub=differences, b_ub=zone[first, second], bounds=bounds).fun


@pytest.mark.parametrize("size", [2, 3, 5])
def test_rows_cost_no_less_than_the_linear_program_says(size):
    rng = np.random.default_rng(3)
    zone = zone_around(rng.normal(size=(4, size)))
    rows = rng.dirichlet(np.ones(size), 8) - rng.dirichlet(np.ones(size), 8)
    found = carried(rows, zone, 0.0)[0]
    exact = np.array([the_most(row, zone[0]) for row in rows])
    assert np.all(found >= exact - 1e-9)
    assert np.all(found <= exact + 0.5 * np.sum(np.abs(rows), axis=1) * np.max(zone))
    # From one place to one place there is one plan.
    single = np.eye(size)[0] - np.eye(size)[1]
    np.testing.assert_allclose(carried(single[None], zone, 0.0)[0], zone[0, 0, 1], rtol=1e-11)


def test_what_rows_are_off_by_is_paid_for():
    rng = np.random.default_rng(3)
    zone = zone_around(rng.normal(size=(4, 3)))
    row, other = rng.dirichlet(np.ones(3), 2)
    found = carried(np.zeros((1, 3)), zone, 0.5 * np.sum(np.abs(row - other)))
    assert found[0, 0] >= the_most(row - other, zone[0]) - 1e-9


@pytest.mark.parametrize("discount", [0.7, 1.0])
def test_solutions_of_all_chains_are_in_the_zone(discount):
    rng = np.random.default_rng(3)
    size, corners, choices, draws = 4, 2, 3, 200
    rows = 0.4 / size + 0.6 * rng.dirichlet(np.ones(size), (corners, size, choices))
    given = rng.uniform(-1, 1, (corners, size, choices))
    weights = rng.dirichlet(np.ones(choices), (size, 5))
    options = {"discount": discount, "off": 0.0}
    zones = [
        narrowed(None, given[None], given[None], rows, weights, **options, rounds=rounds)[0] for rounds in (1, 4, 20)
    ]
    picked = np.einsum("dsl,slk->dsk", rng.dirichlet(np.full(5, 0.1), (draws, size)), weights)
    fields = rng.dirichlet(np.full(corners, 0.3), draws)
    chains, gains = (np.einsum("dx,dsk,xsk...->ds...", fields, picked, part) for part in (rows, given))
    if discount == 1.0:
        laws = np.array([np.linalg.matrix_power(chain, 200)[0] for chain in chains])
        gains = gains - np.sum(laws * gains, axis=1, keepdims=True)
    solved = np.array(
        [
            sum(np.linalg.matrix_power(discount * c, t) @ g for t in range(100))
            for c, g in zip(chains, gains, strict=True)
        ]
    )
    for zone in zones:
        assert np.all(solved[:, :, None] - solved[:, None] <= zone + 1e-9)
    assert np.all(zones[2] <= zones[1])
    assert np.all(zones[1] <= zones[0])
    assert np.max(zones[2]) < 0.8 * np.max(zones[0])


def test_of_one_chain_the_zone_is_the_solution():
    rng = np.random.default_rng(3)
    rows, given = rng.dirichlet(np.ones(3), (1, 3, 1)), rng.uniform(-1, 1, (1, 1, 3, 1))
    found = narrowed(None, given, given, rows, np.ones((3, 1, 1)), discount=0.5, off=0.0, rounds=100)[0]
    exact = np.linalg.solve(np.eye(3) - 0.5 * rows[0, :, 0], given[0, 0, :, 0])
    np.testing.assert_allclose(found, exact[:, None] - exact, atol=1e-9)


def test_of_chains_that_may_never_meet_nothing_is_known():
    rows, given = np.eye(2)[None, :, None], np.zeros((1, 1, 2, 1))
    with np.errstate(all="ignore"):
        found = narrowed(None, given, given, rows, np.ones((2, 1, 1)), discount=1.0, off=0.0, rounds=3)
    assert not np.any(np.isfinite(found[:, [0, 1], [1, 0]]))
