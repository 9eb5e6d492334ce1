"""Sentences of contraction in the cases in which they used to be false: what they say is what was computed."""

import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.findings import certified_finding
from smfg_verify.assumptions.contraction.near_equilibria import local_points, radius_finding
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.settings import SearchSettings
from tests.assumptions.crowds import QUICK, crowd

TINY = SearchSettings(num_leaders=3, num_starts=8, num_steps=2, num_boxes=20)


@pytest.fixture(scope="module")
def game():
    return crowd(-1.0, 0.5)


def test_an_infinite_bound_without_a_reason_gets_its_cause(game):
    inputs = inputs_of(game, game_constants(game, QUICK))._replace(follower_lipschitz=np.inf, mixing_factor=2.0)
    finding = certified_finding(game, inputs, "")
    said = finding.meaning
    assert np.isinf(finding.constant)
    assert "()" not in said
    assert "unbounded" in said


def test_radii_are_counted_and_not_equilibria(game):
    """Of converged equilibria one without a slope: it is not among those that the largest radius was taken of."""
    found = local_points(game, TINY)
    agrees = found.agrees.copy()
    agrees[1] = False
    finding = radius_finding(found._replace(agrees=agrees), TINY)
    assert np.isnan(finding.details["radii"][1])
    assert f"at {int(np.sum(found.agrees)) - 1} equilibria" in finding.meaning
