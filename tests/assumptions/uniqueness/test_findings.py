"""Uniqueness of the equilibrium where it is known, and folds where they are known."""

import numpy as np
import pytest
import scipy.optimize

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of, smaller_bound
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.findings import STATEMENTS, check_uniqueness
from smfg_verify.assumptions.uniqueness.several_equilibria import (
    find_equilibria,
    starting_fields,
)
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
    assert found["index"].facts["unasked"] == ("contraction" if name == "hot" else "multi-start")
    asked = (finding for finding in found.values() if not finding.facts.get("unasked"))
    for finding in asked:
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


def test_cells_prove_contraction_where_formulas_do_not():
    r"""$|D\Gamma| \le (1 - \text{inertia}) k / 2 \tau$: .9 in closed form, where spans and sup norms prove nothing."""
    game = crowd(-0.9, 0.5)
    finding = check(game)["contraction"]
    assert smaller_bound(inputs_of(game, game_constants(game, QUICK)), 0.5) > 1.0
    assert finding.verdict is Verdict.CERTIFIED
    assert 0.9 - 1e-9 <= finding.constant <= 0.92
    assert roots(-0.9, 0.5) == pytest.approx([0.5])
