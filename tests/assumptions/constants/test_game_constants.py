"""Certified constants dominate what is sampled, meet brute force where exact, and do not depend on labels."""

import dataclasses
import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.assumptions.constants import row_distances, variations
from smfg_verify.assumptions.constants.game_constants import GameConstants, game_constants
from smfg_verify.assumptions.constants.row_distances import variation_work
from smfg_verify.assumptions.constants.sampled_constants import LIPSCHITZ
from smfg_verify.assumptions.constants.suprema import lipschitz_at
from smfg_verify.assumptions.constants.variations import variation_at
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced
from smfg_verify.games import load
from tests.assumptions.chain_games import (
    array_pair,
    kernel_game,
    packaged,
    relabelled_states,
    reordered_actions,
    split_follower_action,
    split_leader_action,
)

QUICK = SearchSettings(num_leaders=60, num_boxes=64)
NUMBERS = ("transition_lipschitz", "follower_lipschitz", "leader_lipschitz", "one_step", "action_spread")
REWARD_RANGE = ("follower_reward_low", "follower_reward_high")
SCALARS = (*NUMBERS, "mixing_steps", "mixing_coefficient", "mixing_factor", *REWARD_RANGE)


def assert_dominated(constants: GameConstants, arrays, rng, probes: int) -> None:
    """Every certified number holds at random mean fields and policies of a game given by functions of the field."""
    n, num_actions, num_leader_actions = arrays.sizes
    size = n if arrays.support == "states" else n * num_actions
    for _ in range(probes):
        fields = rng.dirichlet(np.full(size, rng.choice([0.1, 1.0])), 2)
        first, second = (arrays.tables(field) for field in fields)
        distance = np.abs(fields[0] - fields[1]).sum()
        changes = [np.abs(one - two) for one, two in zip(first, second, strict=True)]
        ratios = np.array([changes[0].sum(axis=-1).max(), changes[1].max(), changes[2].max()]) / distance
        assert np.all(ratios <= np.array([getattr(constants, name) for name in NUMBERS[:3]]) + 1e-9)
        pi = rng.dirichlet(np.full(num_actions, 0.1), n)
        phi = rng.dirichlet(np.full(num_leader_actions, 0.1), n)[arrays.observation]
        chain = np.einsum("sa,sb,sabt->st", pi, phi, first[0])
        assert coefficient(chain) <= constants.one_step + 1e-9
        power = np.linalg.matrix_power(chain, constants.mixing_steps)
        assert coefficient(power) <= constants.mixing_coefficient + 1e-9
        assert np.all(power >= constants.doeblin_mass - 1e-9)
        spread = 0.5 * np.abs(first[0][:, :, None] - first[0][:, None]).sum(axis=-1).max()
        assert spread <= constants.action_spread + 1e-9
        assert constants.follower_reward_low - 1e-9 <= first[1].min()
        assert first[1].max() <= constants.follower_reward_high + 1e-9


def coefficient(chain: np.ndarray) -> float:
    return 0.5 * np.abs(chain[:, None] - chain).sum(axis=-1).max()


def assert_same(first: GameConstants, second: GameConstants, rtol=1e-9) -> None:
    for name in SCALARS:
        np.testing.assert_allclose(getattr(second, name), getattr(first, name), rtol=rtol, err_msg=name)


def assert_reproduce(game, constants: GameConstants) -> None:
    game = traced(game)
    for name, constant in LIPSCHITZ.items():
        for witness, value in (
            (constants.bounds[constant].witness, constants.bounds[constant].upper),
            (constants.sampled.witnesses[constant], constants.measured[constant]),
        ):
            assert lipschitz_at(game, name, witness) == pytest.approx(value, rel=1e-8, abs=1e-14)
    for name in ("one_step", "action_spread"):
        bound = constants.bounds[name]
        assert variation_at(game, name, bound.witness) == pytest.approx(bound.upper, rel=1e-8)
        sampled = constants.sampled.witnesses[name]
        assert variation_at(game, name, sampled) == pytest.approx(constants.measured[name], rel=1e-8)


@settings(max_examples=2)
@given(seed=st.integers(0, 10**6), coupling=st.sampled_from([0.3, 1.0]))
def test_affine_constants_dominate_probes(seed, coupling):
    game, arrays = array_pair(seed, kernel_coupling=coupling, floor=0.02)
    constants = game_constants(game, QUICK)
    assert constants.proved
    assert_dominated(constants, arrays, np.random.default_rng(seed), 500)
    for name in NUMBERS:
        assert constants.bounds[name].exact
        assert constants.measured[name] <= getattr(constants, name) + 1e-9
    assert_reproduce(game, constants)


def test_labels_do_not_matter_and_a_copied_action_adds_nothing():
    game, arrays = array_pair(7, observations=2)
    constants = game_constants(game, QUICK)
    order = np.array([2, 0, 1])
    relabelled = game_constants(packaged(relabelled_states(arrays, order)), QUICK)
    assert_same(constants, relabelled)
    np.testing.assert_allclose(relabelled.doeblin_mass, constants.doeblin_mass[order], rtol=1e-9)
    assert_same(constants, game_constants(packaged(reordered_actions(arrays)), QUICK))
    assert_same(constants, game_constants(packaged(split_follower_action(arrays)), QUICK))


@pytest.mark.slow
def test_a_copied_leader_action_adds_nothing():
    game, arrays = array_pair(7, observations=2)
    assert_same(game_constants(game, QUICK), game_constants(packaged(split_leader_action(arrays)), QUICK))


def test_scaling_rewards_scales_their_constants_only():
    game, arrays = array_pair(8)
    names = ("follower_rewards", "leader_rewards", "follower_rewards_mean_field", "leader_rewards_mean_field")
    scaled = dataclasses.replace(arrays, **{name: 3.0 * getattr(arrays, name) for name in names})
    first, second = game_constants(game, QUICK), game_constants(packaged(scaled), QUICK)
    for name in SCALARS:
        factor = 3.0 if "follower" in name or "leader" in name else 1.0
        assert getattr(second, name) == pytest.approx(factor * getattr(first, name), rel=1e-9)


class FunctionGame:
    """The tables of any game as the probes of `assert_dominated` read them."""

    support = "states"

    def __init__(self, game):
        self.sizes = (game.num_states, game.num_follower_actions, game.num_leader_actions)
        self.observation = np.asarray(game.leader_observation)
        self._game = game
        self._tables = eqx.filter_jit(lambda game, field: table_functions(game, field))

    def tables(self, field):
        return tuple(np.asarray(table) for table in self._tables(self._game, jnp.asarray(field)))


def table_functions(game, field):
    indices = list(itertools.product(*(range(size) for size in (game.num_states, game.num_follower_actions, 2))))
    shape = (game.num_states, game.num_follower_actions, 2)
    functions = (game.transition, game.follower_reward, game.leader_reward)
    tables = [jnp.stack([f(*index, field) for index in indices]) for f in functions]
    return tables[0].reshape(*shape, -1), tables[1].reshape(shape), tables[2].reshape(shape)


def general_game(seed):
    sizes = {"num_states": 3, "num_follower_actions": 2, "num_leader_actions": 2}
    return load("random-game", dependence="general", seed=seed, **sizes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_general_constants_dominate_probes_and_are_not_far_above(seed):
    game = general_game(seed)
    constants = game_constants(game, QUICK)
    assert constants.proved
    assert_dominated(constants, FunctionGame(game), np.random.default_rng(seed), 500)
    for name in NUMBERS:
        certified, measured = getattr(constants, name), constants.measured[name]
        assert measured <= certified + 1e-9
        assert certified <= 2.5 * measured
    assert_reproduce(game, constants)


class BrokenGame(AbstractGame):
    """Two states, two actions; the law of the next state is not a number where much of the mass is in state 0."""

    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.9
    temperature = 0.3
    threshold: float = 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        law = jnp.where(follower_action == 0, jnp.array([0.6, 0.4]), jnp.array([0.2, 0.8]))
        return jnp.where(mean_field[0] > self.threshold, jnp.nan, law)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0] * follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1] * leader_action


def test_mean_fields_without_a_number_are_counted_and_certify_nothing():
    constants = game_constants(BrokenGame(), QUICK)
    assert 0 < constants.searched["sampled_nan"] < constants.searched["sampled_pairs"]
    assert constants.transition_lipschitz == np.inf
    assert constants.one_step == 1.0
    assert constants.mixing_factor == np.inf
    assert np.isfinite(constants.measured["one_step"])
    assert constants.follower_lipschitz == pytest.approx(0.5)


def test_constants_are_computed_once_for_a_content_and_again_for_another():
    game, arrays = array_pair(9)
    constants = game_constants(game, QUICK)
    assert game_constants(packaged(arrays), QUICK) is constants
    changed = eqx.tree_at(lambda g: g.kernel, game, game.kernel[:, ::-1])
    assert game_constants(changed, QUICK) is not constants
    assert game_constants(game, dataclasses.replace(QUICK, seed=1)) is not constants


def test_classes_that_differ_in_what_they_close_over_are_told_apart():
    def closing_over(scale):
        class Closing(BrokenGame):
            def transition(self, state, follower_action, leader_action, mean_field):
                return jnp.array([0.5, 0.5]) + scale * (follower_action - 0.5) * jnp.array([1.0, -1.0])

        return Closing()

    spreads = [game_constants(closing_over(scale), QUICK).action_spread for scale in (0.2, 0.6)]
    np.testing.assert_allclose(spreads, [0.2, 0.6], rtol=1e-12)


@pytest.mark.parametrize("kernel", [np.ones((1, 2, 2, 1)), np.full((2, 1, 1, 2), 0.5)])
def test_one_state_or_one_action_has_nothing_to_differ(kernel):
    constants = game_constants(kernel_game(kernel), QUICK)
    assert constants.one_step == 0.0
    assert constants.mixing_factor == 1.0
    assert constants.action_spread == 0.0
    assert constants.transition_lipschitz == 0.0


def test_out_of_work_the_bounds_are_coarser_and_say_so(monkeypatch):
    game, _ = array_pair(11)
    exact = game_constants(game, QUICK)
    entries = variation_work(variations.PAIRS["one_step"](game), 3)
    monkeypatch.setattr(variations, "MAX_WORK", entries)
    monkeypatch.setattr(row_distances, "_MAX_WORK", 0)
    coarse = game_constants(game, dataclasses.replace(QUICK, seed=11))  # another seed: not the one in memory
    assert coarse.proved
    for name in ("transition_lipschitz", "one_step"):
        assert not coarse.bounds[name].exact
        assert getattr(exact, name) <= getattr(coarse, name) < 3.0 * getattr(exact, name)
    assert coarse.one_step < 1.0
    assert variation_at(traced(game), "one_step", coarse.bounds["one_step"].witness) == coarse.one_step
    witness = coarse.bounds["transition_lipschitz"].witness
    assert lipschitz_at(traced(game), "transition", witness) == coarse.transition_lipschitz


@pytest.mark.slow
def test_sixty_states_and_their_mean_fields():
    game, _ = array_pair(1, sizes=(60, 2, 2))
    constants = game_constants(game, QUICK)
    assert constants.measured["one_step"] <= constants.one_step <= 1.0
    assert constants.measured["transition_lipschitz"] <= constants.transition_lipschitz + 1e-9
