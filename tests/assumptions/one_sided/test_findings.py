"""One-sided contraction where the best-response map is known, and what is never claimed."""

import numpy as np
import pytest

from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.one_sided.findings import STATEMENTS, check_one_sided
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.games import load
from tests.assumptions.crowds import QUICK, crowd


def found_of(game):
    return {finding.statement: finding for finding in check_one_sided(game, QUICK)}


@pytest.fixture(scope="module")
def herd():
    """Followers drawn to each other: three equilibria, the middle one with a slope of (1 - e) k / 2 tau = 2.25."""
    game = crowd(1.0, 0.2, inertia=0.1)
    return game, found_of(game)


@pytest.fixture(scope="module")
def shy():
    """Followers who avoid each other: the map falls steeply, so that it contracts one-sidedly alone."""
    game = crowd(-1.0, 0.2, inertia=0.1)
    return game, found_of(game)


def test_followers_who_avoid_each_other_have_a_rate_of_at_least_one(shy):
    _, found = shy
    assert found["rate"].verdict is found["euclidean"].verdict is Verdict.SUPPORTED
    # The slope -k (1 - e) / tau sech^2(k / 2 tau) / 2 is flattest at the vertices, but never positive.
    assert 1.0 <= found["rate"].constant <= 1.0 + 0.9 * 5.0 / (1.0 + np.cosh(5.0)) + 1e-6
    assert found["rate"].facts["lipschitz"] == pytest.approx(2.25, rel=0.2)


def test_followers_drawn_to_each_other_are_refuted_in_every_norm(herd):
    _, found = herd
    assert found["rate"].verdict is found["euclidean"].verdict is Verdict.REFUTED
    assert found["euclidean"].constant == pytest.approx(1.0 - 2.25, rel=1e-4)
    assert 1.0 - 2.25 - 1e-9 <= found["rate"].constant <= -1.2


@pytest.mark.parametrize("name", ["herd", "shy"])
def test_every_constant_comes_back_from_its_witness(name, request):
    game, found = request.getfixturevalue(name)
    assert tuple(found) == STATEMENTS
    for finding in found.values():
        again = Finding.from_json(finding.to_json())
        np.testing.assert_allclose(again.reproduce(game), finding.constant, rtol=1e-8)
        assert again.meaning == finding.meaning


def test_nothing_is_certified_of_a_game_with_three_equilibria(herd):
    assert all(finding.verdict is not Verdict.CERTIFIED for finding in herd[1].values())


@pytest.mark.parametrize("name", ["crowd of nobody", pytest.param("independent-leader", marks=pytest.mark.slow)])
def test_a_constant_map_has_rate_one_certified(name):
    found = found_of(crowd(0.0, 0.2, inertia=0.1) if name == "crowd of nobody" else checked(load(name)))
    assert found["certified-rate"].verdict is Verdict.CERTIFIED
    assert found["certified-rate"].constant == 1.0
    assert found["rate"].constant == pytest.approx(1.0, abs=1e-12)
