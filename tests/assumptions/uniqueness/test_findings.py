"""Uniqueness of the equilibrium where it is known, and folds where they are known."""

import numpy as np
import pytest
import scipy.optimize

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of, smaller_bound
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.findings import STATEMENTS, check_uniqueness
from smfg_verify.assumptions.uniqueness.several_equilibria import (
    distinct_of,
    find_equilibria,
    follow_down,
    starting_fields,
)
from smfg_verify.exact.response_jacobian import LocalResponse
from tests.assumptions.crowds import QUICK, crowd


def check(game):
    return {finding.statement: finding for finding in check_uniqueness(game, QUICK)}


def roots(attraction, temperature, inertia=0.0, bias=0.0, copies=1):
    """Masses of state 0 at the equilibria: zeros of a function of one variable, bracketed on a fine grid."""

    def excess(m):
        pull = (attraction * (2.0 * m - 1.0) + bias) / temperature - np.log(copies)
        return (1.0 - inertia) / (1.0 + np.exp(-pull)) + 0.5 * inertia - m

    grid = np.linspace(-1e-3, 1.0 + 1e-3, 20001) + 1.234e-7
    values = excess(grid)
    return [
        scipy.optimize.brentq(excess, a, b, xtol=1e-15)
        for a, b, x, y in zip(grid, grid[1:], values, values[1:], strict=False)
        if x * y < 0.0
    ]


@pytest.fixture(scope="module")
def cold():
    game = crowd(1.0, 0.2, inertia=0.1)
    return game, check(game)


@pytest.fixture(scope="module")
def hot():
    game = crowd(1.0, 8.0, inertia=0.5)
    return game, check(game)


@pytest.mark.parametrize("name", ["cold", "hot"])
def test_every_constant_comes_back_from_its_witness(name, request):
    game, found = request.getfixturevalue(name)
    assert tuple(found) == STATEMENTS
    for finding in found.values():
        assert finding.witness
        again = Finding.from_json(finding.to_json()).reproduce(game)
        np.testing.assert_allclose(again, finding.constant, rtol=1e-8)


def test_a_cold_crowd_has_three_equilibria(cold):
    _, found = cold
    expected = roots(1.0, 0.2, inertia=0.1)
    assert len(expected) == 3
    finding = found["multi-start"]
    assert finding.verdict is Verdict.REFUTED
    assert np.max(finding.details["num_equilibria"]) == 3
    assert finding.constant == pytest.approx(2.0 * (expected[-1] - expected[0]), rel=1e-9)
    np.testing.assert_allclose(np.sort(finding.witness["mean_fields"][:, 0]), [expected[0], expected[-1]], atol=1e-9)
    assert found["contraction"].verdict is Verdict.INCONCLUSIVE


def test_a_hot_crowd_has_one(hot):
    _, found = hot
    assert found["contraction"].verdict is Verdict.CERTIFIED
    assert found["multi-start"].verdict is Verdict.SUPPORTED
    assert found["multi-start"].constant == 0.0
    assert np.all(found["multi-start"].details["num_equilibria"] == 1)
    assert found["temperature-path"].verdict is Verdict.SUPPORTED
    assert found["temperature-path"].details["folds"] == 0


def test_branches_appear_where_the_slope_passes_one(cold):
    """(1 - e) k / (2 tau) = 1 at tau = 0.45: one equilibrium above, three below."""
    _, found = cold
    details = found["temperature-path"].details
    below = (details["temperature"] < 0.45) & (details["temperature"] > 0.1)
    assert np.all(details["num_equilibria"][details["temperature"] > 0.45] == 1)
    assert np.all(details["num_equilibria"][below] == 3)


@pytest.mark.parametrize(("temperature", "folds"), [(0.2, 0), (0.03, 2)])
def test_the_path_counts_folds(temperature, folds):
    """Fifty copies of an action hold a hot crowd at state 1 until that branch folds; then state 0 is left."""
    options = {"bias": 1.05, "copies": 50}
    game = crowd(1.0, temperature, **options)
    end = follow_down(game, np.zeros((2, 2)), max_steps=2000)
    assert end.reached
    assert end.folds == folds
    expected = roots(1.0, temperature, **options)
    assert len(expected) == (1 if folds else 3)
    assert end.mean_field[0] == pytest.approx(expected[0], abs=1e-9)


def test_all_equilibria_of_several_temperatures_are_found():
    taus = np.array([0.15, 0.3, 0.6])
    game = crowd(1.0, 0.3, bias=0.02)
    starts = starting_fields(game, 16, np.random.default_rng(0))
    np.testing.assert_allclose(starts.sum(axis=1), 1.0)
    for tau, found in zip(taus, find_equilibria(game, np.zeros((3, 2, 2)), starts, taus), strict=True):
        np.testing.assert_allclose(np.sort(found.distinct[:, 0]), roots(1.0, tau, bias=0.02), atol=1e-8)


def local(fields, errors):
    """Points with the map's derivative zero there, and bounds on their errors."""
    first = np.asarray(fields, dtype=float)
    empty = np.zeros((len(fields), 2, 2))
    return LocalResponse(
        logits=empty,
        temperature=np.ones(len(fields)),
        mean_field=np.stack([first, 1.0 - first], axis=1),
        residual=np.zeros(len(fields)),
        image=empty[:, 0],
        response=empty,
        frozen=empty,
        error=np.array(errors),
    )


def test_points_within_their_own_errors_are_one_equilibrium():
    assert len(distinct_of(local([0.5, 0.6], [1e-12, 1e-12])).distinct) == 2
    assert len(distinct_of(local([0.5, 0.5 + 1e-7], [1e-12, 1e-12])).distinct) == 1
    none = distinct_of(local([0.5, 0.6], [1e-3, np.inf]))
    assert none.unconverged == 2
    assert np.isnan(none.distance)


def test_all_equilibria_found_are_listed_with_their_stability(cold):
    """Of the three of a crowd that likes company the middle one is unstable: there its equation has slope above 1."""
    details = cold[1]["multi-start"].details
    fields, radii = details["mean_fields"], details["spectral_radius"]
    assert len(fields) == len(radii) == 3
    assert np.array_equal(radii > 1.0, np.arange(3) == np.argsort(fields[:, 0])[1])


def test_a_certificate_never_stands_beside_two_equilibria():
    """Over temperatures of one game: where the bound is below 1, one equilibrium is found."""
    game = crowd(1.0, 1.0, inertia=0.5)
    inputs = inputs_of(game, game_constants(game, QUICK))
    taus = np.geomspace(0.05, 5.0, 12)
    starts = starting_fields(game, 8, np.random.default_rng(0))
    counts = np.array([len(e.distinct) for e in find_equilibria(game, np.zeros((12, 2, 2)), starts, taus)])
    certified = np.array([smaller_bound(inputs, tau) < 1.0 for tau in taus])
    assert certified.any()
    assert (counts > 1).any()
    assert np.all(counts[certified] == 1)
