"""Local statements at kinks of the best-response map: neither refuted nor supported by a Jacobian that is none."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.contraction.near_equilibria import (
    local_points,
    radius_finding,
    scheme_finding,
    weighted_finding,
)
from smfg_verify.assumptions.contraction.secants import confirmed_above, secant_jacobians
from smfg_verify.assumptions.finding import Verdict
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, parameter
from tests.assumptions.crowds import QUICK

ONE = dataclasses.replace(QUICK, num_leaders=2)


class Crowd(AbstractGame):
    """Two places; the reward's slope in d = m_1 - m_0 is `kink` on one side of d = 0, `slope` on both besides.

    At the uniform leader the equilibrium is (1/2, 1/2); there the map's derivative is 0.8 (slope + kink) / (2 tau).
    """

    slope: float = parameter(default=0.0)
    kink: float = parameter(default=0.0)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.0
    temperature = 0.25
    leader_observation = np.zeros(2, dtype=int)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        d = mean_field[1] - mean_field[0]
        return follower_action * (self.slope * d + self.kink * jnp.where(d >= 0.0, d, 0.0))

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


def findings(game):
    points = local_points(checked(game), ONE)
    return radius_finding(points, ONE), scheme_finding(points), weighted_finding(points)


@pytest.mark.parametrize(("slope", "kink"), [(-1.5, 1.4), (-0.2, -1.5), (0.3, 0.3)])
def test_at_a_kink_nothing_is_refuted_supported_or_certified(slope, kink):
    for finding in findings(Crowd(slope=slope, kink=kink)):
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert np.isnan(finding.constant)


def test_points_at_a_kink_are_counted_and_named():
    for finding in findings(Crowd(slope=-0.2, kink=-1.5)):
        assert "not differentiable" in finding.meaning
    assert findings(Crowd(slope=-0.2, kink=-1.5))[0].searched["not_differentiable"] == 2


@pytest.mark.parametrize(("slope", "verdict"), [(-1.5, Verdict.REFUTED), (-0.2, Verdict.SUPPORTED)])
def test_without_a_kink_the_closed_form_decides(slope, verdict):
    radius, scheme, weighted = findings(Crowd(slope=slope))
    expected = 0.8 * abs(slope) / (2.0 * 0.25)
    for finding in (radius, scheme):
        assert finding.verdict is verdict
        assert finding.constant == pytest.approx(expected, rel=1e-8)
    if verdict is Verdict.REFUTED:
        assert radius.details["secant"] == pytest.approx(expected, rel=1e-6)
    assert (weighted.verdict is Verdict.CERTIFIED) == (verdict is Verdict.SUPPORTED)


def test_a_false_jacobian_refutes_nothing():
    """Jacobians three times too large, as a wrong rule would give them."""
    points = local_points(checked(Crowd(slope=-0.5)), ONE)
    response = points.response._replace(response=3.0 * points.response.response)
    lying = points._replace(response=response)
    finding = radius_finding(lying, ONE)
    assert finding.constant == pytest.approx(2.4)
    assert finding.verdict is Verdict.INCONCLUSIVE
    secant = secant_jacobians(points.game, response, 0).response
    assert abs(float(secant[0, 0])) == pytest.approx(0.8, rel=1e-6)
    assert not confirmed_above(2.4, 0.8)
