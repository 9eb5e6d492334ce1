"""Covers of all mean fields: never a contraction that is none, and no looser with more cells."""

import numpy as np
import pytest

import smfg_verify as sv
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.assumptions.enclosure.response.zones.bounds import zone_bound
from smfg_verify.assumptions.enclosure.response.zones.proof import proof_by_zones, zones_over
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.enclosure.response.rowwise.test_bounds import random_game


def hot_game():
    return random_game((3, 3, 2), 8, tau=1.0, gamma=0.5)


def test_more_cells_are_no_looser():
    tables = vertex_tables(hot_game())
    found = [zones_over(tables, number) for number in (1, 3, 9)]
    assert found[0][:2] == zone_bound(tables, np.eye(3))
    assert [proof.cells for proof in found] == [1, 3, 9]
    assert found[0].modulus >= found[1].modulus >= found[2].modulus
    assert found[2].modulus < 0.95 * found[0].modulus


@pytest.mark.parametrize("name", ["shop-positioning", pytest.param("random-game", marks=pytest.mark.slow)])
def test_what_has_no_zones_has_no_bound(name):
    """Too many states, and functions that are not affine."""
    curved = {"num_states": 2, "dependence": "general"} if name == "random-game" else {}
    assert proof_by_zones(checked(sv.games.load(name, **curved)), 200).modulus == np.inf


@pytest.mark.slow
def test_zones_reach_games_that_have_too_many_dimensions():
    game = random_game((5, 2, 3), 1, tau=3.0, gamma=0.5)
    report = sv.check(game, "contraction", budget="quick", num_leaders=16, num_starts=2)
    found = report.finding("contraction", "cell-bound")
    assert found.verdict is sv.Verdict.CERTIFIED
    assert found.facts["by_zones"]
    assert found.reproduce(game)
