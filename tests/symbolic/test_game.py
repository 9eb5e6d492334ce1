"""Games by formulas: what they become, and what is refused by name."""

import copy
import dataclasses
import pickle

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp

from smfg_verify import AbstractGame, Schedule, ac_smfg, check, games, solve_equilibrium, symbolic
from smfg_verify.exact import tabulate
from smfg_verify.game import game_hash
from smfg_verify.symbolic import SymbolicGame, follower_action, leader_action, mean_field, next_state, state

kappa, toll = sp.symbols("kappa toll", positive=True)
weights = sp.IndexedBase("weights", positive=True)
MOVE = sp.KroneckerDelta(follower_action, next_state) * sp.Rational(4, 5) + sp.Rational(1, 10)


def two_roads(**changes) -> SymbolicGame:
    given = {
        "name": "two roads",
        "states": ("road 1", "road 2"),
        "follower_actions": ("take 1", "take 2"),
        "leader_actions": ("none", "toll on 2"),
        "transition": MOVE,
        "follower_reward": -kappa * mean_field[state] - toll * state * leader_action,
        "leader_reward": toll * state * leader_action,
        "parameters": {kappa: 1.0, toll: 0.5},
        "discount": 0.9,
        "temperature": 0.5,
    }
    return SymbolicGame(**{**given, **changes})


class TwoRoads(AbstractGame):
    """The same game by hand."""

    num_states, num_follower_actions, num_leader_actions = 2, 2, 2
    discount, temperature = 0.9, 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        return 0.8 * jnp.eye(2)[follower_action] + 0.1

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state] - 0.5 * state * leader_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.5 * state * leader_action


def test_its_tables_are_those_of_the_game_written_by_hand():
    ours, by_hand = (tabulate(game, jnp.array([0.3, 0.7])) for game in (two_roads().to_game(), TwoRoads()))
    for name in ("transition", "follower_reward", "leader_reward"):
        np.testing.assert_allclose(getattr(ours, name), getattr(by_hand, name), atol=1e-15)


@pytest.mark.slow
def test_its_equilibrium_is_that_of_the_game_written_by_hand():
    logits = np.array([[0.3, -0.4], [0.1, 1.2]])
    ours, by_hand = (solve_equilibrium(game, logits) for game in (two_roads().to_game(), TwoRoads()))
    np.testing.assert_allclose(ours.mean_field, by_hand.mean_field, atol=1e-13)
    np.testing.assert_allclose(ours.follower_value, by_hand.follower_value, atol=1e-12)


@pytest.mark.slow
def test_the_stochastic_side_runs_it_as_it_runs_the_class():
    schedule = Schedule()
    shipped, ours = games.load("laffer-tax"), symbolic.load("laffer-tax").to_game()
    runs = [ac_smfg(game, num_iterations=50, seeds=[0, 1], schedule=schedule) for game in (shipped, ours)]
    np.testing.assert_allclose(runs[0].leader_logits, runs[1].leader_logits, atol=1e-12)


def test_its_constants_are_certified_by_enclosures_of_its_program():
    game = two_roads().to_game()
    report = check(game, ["ergodicity", "lipschitz"], budget="quick")
    found = {f.statement: (f.verdict.value, float(f.constant)) for f in report.findings}
    assert found["dobrushin"][0] == found["follower-reward"][0] == "certified"
    assert found["dobrushin"][1] == pytest.approx(0.8, abs=1e-12)  # the moves' only memory
    assert found["follower-reward"][1] == pytest.approx(0.5, abs=1e-9)  # kappa / 2 in l1


def test_another_number_is_no_other_program():
    traces = []

    @eqx.filter_jit
    def reward(game):
        traces.append(None)
        return game.follower_reward(1, 0, 1, jnp.array([0.25, 0.75]))

    symbolic_game = two_roads()
    found = [float(reward(symbolic_game.replace(kappa=value).to_game())) for value in (1.0, 3.0)]
    assert found == pytest.approx([-0.75 - 0.5, -2.25 - 0.5])
    assert len(traces) == 1


def test_it_survives_pickling_and_gives_its_formulas_back():
    game = two_roads(parameters={kappa: 2.0, toll: 0.25}).to_game()
    again = pickle.loads(pickle.dumps(copy.copy(game)))
    assert game_hash(again) == game_hash(game)
    back = symbolic.from_game(again)
    assert (back.follower_reward, back.transition) == (two_roads().follower_reward, MOVE)
    assert back.substitution == {symbol: {"kappa": 2.0, "toll": 0.25}[str(symbol)] for symbol in back.substitution}


def test_a_game_without_formulas_has_none_to_give_back():
    with pytest.raises(ValueError, match="without formulas"):
        symbolic.from_game(games.load("epidemic"))


@pytest.mark.parametrize(
    ("reward", "kind"),
    [
        (toll * state + kappa, "none"),
        (kappa * mean_field[state] / toll, "affine"),
        (kappa * (mean_field[0] + 1) ** 2 - kappa * mean_field[0] ** 2 + toll, "affine"),
        (kappa * mean_field[0] * mean_field[1] + toll, "general"),
        (toll * sp.log(kappa + mean_field[0]), "general"),
        (kappa * sp.Max(mean_field[0], sp.Rational(1, 2)) + toll, "general"),
    ],
    ids=str,
)
def test_the_dependence_on_the_mean_field_is_read_off_the_formula(reward, kind):
    game = two_roads(follower_reward=reward, leader_reward=kappa * toll).to_game()
    assert game.follower_reward_dependence == kind
    assert game.leader_reward_dependence == "none"


def test_a_sum_over_states_is_that_sum():
    k = sp.Symbol("k", integer=True)
    spread = -kappa * sp.Sum((mean_field[k] - weights[k]) ** 2, (k, 0, 1)) - toll
    game = two_roads(follower_reward=spread, parameters={kappa: 2.0, toll: 0.5, weights: [0.3, 0.7]})
    value = game.to_game().follower_reward(0, 0, 0, jnp.array([0.6, 0.4]))
    assert float(value) == pytest.approx(-2.0 * (0.3**2 + 0.3**2) - 0.5)


def test_a_mean_field_on_state_action_pairs_is_indexed_by_both():
    demand = mean_field[0, 1] + mean_field[1, 1]
    game = two_roads(
        follower_reward=-kappa * demand * follower_action,
        leader_reward=toll * leader_action * demand,
        mean_field_support="state_actions",
    ).to_game()
    point = jnp.array([[0.1, 0.2], [0.3, 0.4]])
    assert float(game.follower_reward(0, 1, 0, point)) == pytest.approx(-0.6)
    equilibrium = solve_equilibrium(game, np.zeros((2, 2)))
    assert bool(equilibrium.converged)
    # By hand: the reward is that of the action alone, so action 1 has the odds exp(-demand / tau) at every state.
    share = float(equilibrium.mean_field[:, 1].sum())
    assert share == pytest.approx(1.0 / (1.0 + np.exp(share / 0.5)), abs=1e-12)


def test_a_game_on_the_simplex_alone_may_use_that_masses_sum_to_one():
    stay = mean_field[0] + mean_field[1]
    game = two_roads(transition=MOVE * stay)
    assert game.to_game().transition_dependence == "affine"


WRONG_TYPES = pytest.mark.wrong_types
REFUSED = [
    ({"follower_reward": -kappa * mean_field[state] - toll * sp.Symbol("beta")}, "free symbol beta"),
    ({"follower_reward": -sp.Symbol("kapa") * mean_field[state] - toll}, "did you mean 'kappa'"),
    ({"follower_reward": -kappa * sp.Symbol("s") - toll}, "a symbol s that is not"),
    ({"follower_reward": -sp.Symbol("kappa") * mean_field[0] - toll * kappa}, "kappa that is declared otherwise"),
    ({"follower_reward": -kappa * sp.Symbol("tau") - toll}, "tau, which is the follower's temperature"),
    ({"follower_reward": -kappa * mean_field[next_state] - toll}, r"m\[s_next\]"),
    ({"follower_reward": -kappa * mean_field[state + 1] - toll}, r"m\[2\].*within the shape"),
    ({"follower_reward": -kappa * mean_field[state, 0] - toll}, "with 2 indices, expected 1"),
    ({"follower_reward": -kappa * sp.IndexedBase("q")[state] - toll}, r"q\[0\], whose array is no parameter"),
    ({"follower_reward": -kappa / state - toll}, "a finite real value"),
    ({"leader_reward": toll * sp.gamma(mean_field[0] + 1)}, "leader_reward: got gamma"),
    pytest.param({"leader_reward": (toll, toll)}, "one formula", marks=WRONG_TYPES),
    ({"transition": MOVE + sp.Rational(1, 10)}, "s = 0, a = 0, b = 0 sums to 1.2"),
    ({"transition": MOVE * (1 + mean_field[0])}, "sums to 2 at some mean field"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("spare"): 1.0}}, "spare, which no formula"),
    ({"parameters": {kappa: -1.0, toll: 0.5}}, "kappa: got -1.0, expected positive"),
    ({"parameters": {kappa: np.nan, toll: 0.5}}, "kappa: got nan, expected finite"),
    ({"parameters": {kappa: [1.0, 2.0], toll: 0.5}}, "kappa: got numbers of shape"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("m"): 1.0}}, "'m', which is taken by the mean field"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("pi_0_1"): 1.0}}, "'pi_0_1', which is taken by"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("V"): 1.0}}, "'V', which is taken by"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("p", positive=True): 1.0}}, "'p', which is taken by"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("dVphi01_0"): 1.0}}, "'dVphi01_0', which is taken by"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.IndexedBase("Pbar"): [1.0]}}, "'Pbar', which is taken by"),
    ({"parameters": {kappa: 1.0, toll: 0.5, sp.Symbol("toll"): 1.0}}, "'toll' and 'toll', which both"),
    pytest.param(
        *({"parameters": {kappa: 1.0, toll: 0.5, "price": 1.0}}, "expected symbols"), marks=pytest.mark.wrong_types
    ),
    ({"states": ("road", "road")}, "none twice"),
    ({"states": "ab"}, "a label for each"),
    pytest.param(
        *({"mean_field_support": "actions"}, "mean_field_support: got 'actions'"), marks=pytest.mark.wrong_types
    ),
    ({"discount": 1.5}, "discount: got 1.5"),
]


@pytest.mark.parametrize(("changes", "named"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_no_game_is_refused_by_name(changes, named):
    with pytest.raises(ValueError, match=named):
        two_roads(**changes).to_game()


def test_entries_of_an_array_clash_with_symbols_of_their_names():
    clashing = sp.Symbol("weights_1")
    with pytest.raises(ValueError, match="'weights_1'"):
        two_roads(parameters={kappa: 1.0, toll: 0.5, weights: [1.0, 2.0], clashing: 1.0})


def test_decimals_of_a_formula_are_the_fractions_that_they_are_written_as():
    """Proofs in floats are proofs up to rounding: 0.1 + 0.2 - 0.3 would be a sign."""
    move = sp.KroneckerDelta(follower_action, next_state)
    game = two_roads(
        transition=0.8 * move + 0.1, follower_reward=-0.3 * kappa * mean_field[state] - toll * 1e-3 * state
    )
    entries = [entry for table in game.tables.values() for entry in table.values()]
    assert not any(entry.has(sp.Float) for entry in entries)
    assert game.tables["transition"][0, 0, 0, 0] == sp.Rational(9, 10)
    assert (
        game.tables["follower_reward"][1, 0, 0]
        == -sp.Rational(3, 10) * kappa * sp.Symbol("m_1", nonnegative=True) - toll / 1000
    )
    rows = game.to_game().transition(0, 0, 0, jnp.array([0.5, 0.5]))
    assert rows.tolist() == [0.9, 0.1]
    claims = symbolic.contraction_formula(game).claims
    assert [(claim.name, claim.proved) for claim in claims] == [("one-sided", True)]


@pytest.mark.parametrize("word", ["even", "odd", "prime", "zero", "irrational"])
def test_an_assumption_that_no_number_is_held_against_is_refused(word):
    """Sympy writes (-1)**n as 1 for an even n: the number 3 for it would be another game than the formula's."""
    n = sp.Symbol("n", **{word: True})
    with pytest.raises(ValueError, match=f"n: got a symbol declared.*{word}"):
        two_roads(follower_reward=-kappa * mean_field[state] - toll * n, parameters={kappa: 1.0, toll: 0.5, n: 3.0})


@pytest.mark.parametrize("function", [sp.Mod, sp.besselj, lambda x, y: sp.frac(x * y), sp.DiracDelta])
def test_a_function_without_a_counterpart_is_named_before_anything_is_derived(function):
    part = function(mean_field[0]) if function is sp.DiracDelta else function(mean_field[0], kappa)
    with pytest.raises(ValueError, match=r"follower_reward: got .*a function without a counterpart"):
        two_roads(follower_reward=-kappa * part * mean_field[state] - toll)


@pytest.mark.parametrize(
    "name", ["lambda", "jnp", "E", *(pytest.param(name, marks=pytest.mark.slow) for name in ("Symbol", "class"))]
)
def test_a_parameter_may_be_called_like_a_word_of_python_sympy_or_jax(name):
    odd = sp.Symbol(name, positive=True)
    game = two_roads(follower_reward=-odd * mean_field[state] - toll * state, parameters={odd: 2.0, toll: 0.5})
    again = symbolic.from_game(game.to_game())
    assert again.tables == game.tables
    assert symbolic.contraction_formula(again).claims[0].proved


def test_a_misspelt_parameter_of_a_replacement_is_refused_by_name():
    with pytest.raises(ValueError, match="did you mean 'kappa'"):
        two_roads().replace(kapa=1.0)


def test_replacing_a_field_keeps_the_formulas():
    warmer = dataclasses.replace(two_roads(), temperature=2.0)
    assert float(warmer.to_game().temperature) == 2.0
    assert jax.tree.structure(warmer.to_game().parameters) == jax.tree.structure(two_roads().to_game().parameters)
