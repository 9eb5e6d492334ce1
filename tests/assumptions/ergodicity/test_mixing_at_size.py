"""Ergodicity without a table: certificates against every pure policy, refutations against dense eigenvalues."""

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.ergodicity.mixing_at_size import check_ergodicity_without_table
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact import tabulate
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame
from smfg_verify.games import CongestionPricing, LasryLionsChain
from tests.support.local_games import Crossing, Ring, Steep, TwoSinks


def found(game):
    return check_ergodicity_without_table(checked(game), SearchSettings(num_starts=2))


def chain_at(game, witness):
    table = np.asarray(tabulate(game, witness["mean_field"]).transition)
    rows = np.asarray(witness["leader_policy"])[np.asarray(game.leader_observation)]
    return np.einsum("sa,sb,sabt->st", witness["follower_policy"], rows, table)


class Turning(AbstractGame):
    """A ring that is left at each step, one way or the other: an even one has period two."""

    num_states: int = eqx.field(static=True, default=6)
    least: float = eqx.field(static=True, default=0.0)
    num_follower_actions, num_leader_actions = 2, 1
    discount, temperature = 0.9, 0.5
    transition_dependence = "none"

    def successors(self, state, follower_action, leader_action):
        return jnp.stack([state, (state + 1) % self.num_states, (state - 1) % self.num_states])

    def transition(self, state, follower_action, leader_action, mean_field):
        ahead = 0.25 + 0.5 * follower_action
        return jnp.stack([self.least, ahead, 1.0 - ahead - self.least])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[state]


class Liar(Turning):
    """Declares moves that read no mean field, but at some mean field that no sample meets it cannot be left."""

    def transition(self, state, follower_action, leader_action, mean_field):
        stuck = jnp.abs(mean_field[0] - 0.41234567) < 1e-7
        return jnp.where(stuck, jnp.array([1.0, 0.0, 0.0]), jnp.array([0.5, 0.25, 0.25]))


@pytest.mark.parametrize("game", [Ring(), Steep(), CongestionPricing(side=3)])
def test_a_common_state_is_common_to_pure_policies(game):
    """Each chain has the state after so many steps, with what is said to be shared at least."""
    common, mixing = found(game)
    assert common.verdict is Verdict.CERTIFIED
    assert common.reproduce(game) == common.constant
    assert mixing.verdict is not Verdict.REFUTED
    state, steps = int(common.witness["state"]), int(common.constant)
    table = np.asarray(tabulate(game, np.full(game.num_states, 1.0 / game.num_states)).transition)
    size, actions = game.num_states, game.num_follower_actions
    generator = np.random.default_rng(0)
    choices = (
        itertools.product(range(actions), repeat=size)
        if actions**size < 100
        else generator.integers(0, actions, (99, size))
    )
    for chosen in choices:
        matrix = table[np.arange(size), list(chosen), 0]
        law = np.linalg.matrix_power(matrix, steps)
        assert np.all(law[:, state] >= 10.0 ** common.facts["log10_shared"] * (1.0 - 1e-6))
        assert np.all((law @ matrix)[:, state] > 0.0)


@pytest.mark.parametrize(
    "game", [TwoSinks(), Turning(), LasryLionsChain(num_states=9), CongestionPricing(side=3, slip=0.0)]
)
def test_a_chain_that_never_mixes_refutes(game):
    common, mixing = found(game)
    assert common.verdict is Verdict.INCONCLUSIVE
    assert mixing.verdict is Verdict.REFUTED
    assert mixing.side is Side.EXACT
    moduli = np.abs(np.linalg.eigvals(chain_at(game, mixing.witness)))
    assert np.sum(moduli > 1.0 - 1e-9) >= 2
    assert mixing.constant == pytest.approx(1.0, abs=1e-12)
    assert mixing.reproduce(game) == mixing.constant


def test_a_distance_is_below_the_coefficient_of_the_chain():
    game = Crossing()
    common, mixing = found(game)
    assert (common.verdict, mixing.verdict) == (Verdict.INCONCLUSIVE, Verdict.SUPPORTED)
    assert "not proved" in common.meaning
    power = np.linalg.matrix_power(chain_at(game, mixing.witness), int(mixing.witness["steps"]))
    coefficient = max(0.5 * np.abs(power[s] - power[t]).sum() for s, t in itertools.combinations(range(len(power)), 2))
    assert mixing.constant <= coefficient + 1e-12
    s, t = mixing.witness["starts"]
    assert mixing.constant == pytest.approx(0.5 * np.abs(power[s] - power[t]).sum(), rel=1e-9)
    assert mixing.evidence is Evidence.SEARCH


@pytest.mark.parametrize("game", [Liar(), Turning(least=1e-9)])
def test_what_is_declared_or_may_be_rounding_certifies_nothing(game):
    assert found(game)[0].verdict is Verdict.INCONCLUSIVE
