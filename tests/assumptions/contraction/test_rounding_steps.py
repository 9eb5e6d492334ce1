"""Roundings of a game's own functions, magnified by a cold temperature or a chain that hardly mixes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.findings import certified_finding
from smfg_verify.assumptions.contraction.proved_bounds import (
    inputs_from,
    inputs_of,
    rounding_step,
    smaller_bound,
    witness_of,
)
from smfg_verify.assumptions.finding import Verdict
from smfg_verify.assumptions.lipschitz.findings import check_lipschitz
from smfg_verify.assumptions.settings import SearchSettings, budget_settings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, parameter

QUICK = SearchSettings(**budget_settings("quick"))


class _Rough(AbstractGame):
    """Two states, two actions, no discount: the image of m is a formula of one row and one reward."""

    offset: jax.Array = parameter()
    num_states = num_follower_actions = num_leader_actions = 2
    discount, temperature = 0.0, 1e-11

    def noise(self, m):
        """Zero in real arithmetic, a sawtooth as tall as the spacing of floats at the offset as it runs."""
        return (m[0] + self.offset) - self.offset - m[0]

    def transition(self, state, action, leader_action, m):
        return jnp.array([[0.8, 0.2], [0.3, 0.7]])[action]

    def follower_reward(self, state, action, leader_action, m):
        return 1.0 + action * self.noise(m)

    def leader_reward(self, state, action, leader_action, m):
        return m[0]


class _RoughCurve(_Rough):
    """Not affine: the noise under a logarithm."""

    def follower_reward(self, state, action, leader_action, m):
        return 1.0 + action * jnp.log(1.0 + self.noise(m))


class _RoughRows(_Rough):
    """A chain that leaves its states at rates of 2e-8, of which the noise is a share that shows."""

    temperature = 1.0

    def transition(self, state, action, leader_action, m):
        leave = 2e-8 + jnp.where(state == 0, 1.0, 0.0) * self.noise(m)
        row = jnp.stack([1.0 - leave, leave])
        return jnp.where(state == 0, row, row[::-1])

    def follower_reward(self, state, action, leader_action, m):
        return 0.1 * action


ROUGH = {
    "cold": _Rough(1e5),
    "curve": _RoughCurve(1e5),
    "rows": _RoughRows(3e4),
}


def images_of(game, masses):
    """Gamma at (mass, 1 - mass) under any leader, by hand: without discount the follower looks at one reward."""
    # The game is traced, as in the package: a constant offset the compiler would fold away.
    rows, reward = (np.asarray(part) for part in jax.jit(jax.vmap(_tables, in_axes=(None, 0)))(game, masses))
    scores = (reward - reward.max(axis=2, keepdims=True)) / float(game.temperature)
    policy = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    chain = np.einsum("ksa,ksat->kst", policy, rows)
    leave, back = chain[:, 0, 1], chain[:, 1, 0]
    return np.stack([back, leave], axis=1) / (leave + back)[:, None]


def _tables(game, mass):
    field = jnp.stack([mass, 1.0 - mass])
    rows = [[game.transition(s, a, 0, field) for a in range(2)] for s in range(2)]
    reward = [[jnp.asarray(game.follower_reward(s, a, 0, field)) for a in range(2)] for s in range(2)]
    return jnp.array(rows), jnp.array(reward)


@pytest.mark.parametrize("kind", ["cold", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("curve", "rows"))])
def test_a_map_that_jumps_by_roundings_is_not_certified_to_contract(kind):
    game = checked(ROUGH[kind])
    masses = 0.4 + 1e-13 * np.arange(400)
    images = images_of(game, masses)
    steepest = np.max(np.sum(np.abs(np.diff(images, axis=0)), axis=1) / (2.0 * np.diff(masses)))
    assert steepest > 1e3  # what is to be refused: neighbouring mean fields, images far apart
    constants = game_constants(game, QUICK)
    inputs = inputs_of(game, constants)
    finding = certified_finding(game, inputs, constants.reason)
    assert finding.verdict is not Verdict.CERTIFIED
    jump = np.max(np.sum(np.abs(images[:, None] - images[None]), axis=2))
    assert rounding_step(inputs, float(game.temperature)) >= jump
    assert inputs_from(game, witness_of(inputs)) == inputs


@pytest.mark.parametrize("unit", [1e-9, pytest.param(1e9, marks=pytest.mark.slow)])
def test_the_step_of_roundings_has_no_unit(unit):
    """Rewards and temperature in another unit: the same map, so the same step and the same bound."""

    class InUnit(_Rough):
        temperature = unit

        def follower_reward(self, state, action, leader_action, m):
            return unit * (0.7 * m[action] + 0.1 * leader_action)

    game = checked(InUnit(1.0))
    inputs = inputs_of(game, game_constants(game, QUICK))
    assert smaller_bound(inputs, unit) == pytest.approx(0.35 * 0.5 / 0.5, rel=1e-9)
    assert 0.0 < rounding_step(inputs, unit) < 1e-13


@pytest.mark.parametrize("kind", ["cold", pytest.param("rows", marks=pytest.mark.slow)])
def test_a_lipschitz_constant_says_the_roundings_beside_it(kind):
    game = checked(ROUGH[kind])
    statement = {"cold": "follower-reward", "rows": "transition"}[kind]
    finding = next(f for f in check_lipschitz(game, QUICK) if f.statement == statement)
    assert "does not depend" not in finding.meaning
    assert "roundings of up to" in finding.meaning
    spacing = np.spacing(float(ROUGH[kind].offset))
    assert finding.details["rounding"] >= 0.5 * spacing
