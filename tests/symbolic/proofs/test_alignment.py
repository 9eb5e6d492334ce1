"""The alignment in closed form against numeric gradients, its peak against a maximiser, its claims on a grid."""

import dataclasses

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sympy as sp

from smfg_verify import leader_objective, stackelberg_gradient, symbolic
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula, leader_probability
from smfg_verify.symbolic.proofs.memoryless import choice
from tests.symbolic.proofs.support import two_state_game


@pytest.fixture(scope="module")
def formulas() -> dict[str, tuple[symbolic.SymbolicGame, AlignmentFormula]]:
    high_toll = symbolic.load("two-road-toll", inertia=0.1, tolls=[[0.0, 0.0], [3.0, 0.0]])
    loaded = {"laffer-tax": symbolic.load("laffer-tax"), "two-road-toll": high_toll}
    return {
        name: (game, symbolic.alignment_formula(symbolic.stackelberg_formula(game))) for name, game in loaded.items()
    }


def number(expression: sp.Expr, game: symbolic.SymbolicGame, **values: float) -> float:
    by_name = {str(s): v for s, v in game.substitution.items()}
    by_name |= {"gamma": game.discount, "tau": game.temperature, **values}
    return float(expression.subs({symbol: by_name[str(symbol)] for symbol in expression.free_symbols}))


def logits(x: float) -> np.ndarray:
    return np.array([[0.0, np.log(x / (1.0 - x))]])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["laffer-tax", pytest.param("two-road-toll", marks=pytest.mark.slow)])
def test_ratio_and_objective_are_the_numeric_ones(formulas, name):
    game, formula = formulas[name]
    numeric = game.to_game()
    for x in (0.05, 0.3, 0.5, 0.8, 0.95):
        exact = stackelberg_gradient(numeric, logits(x))
        p, m = float(exact.equilibrium.follower_policy[0, 0]), float(exact.equilibrium.mean_field[0])
        ratio = float(exact.total[0, 1] / exact.direct[0, 1])
        assert number(formula.ratio, game, p=p, x=x) == pytest.approx(ratio, rel=1e-9)
        assert 1 - x / number(formula.peak, game, p=p, m_0=m) == pytest.approx(ratio, rel=1e-9)
        assert number(formula.equilibrium_x, game, p=p) == pytest.approx(x, rel=1e-10)
        assert number(formula.objective, game, p=p, m_0=m, x=x) == pytest.approx(float(exact.objective), rel=1e-10)


def test_the_laffer_peak_is_where_a_maximiser_finds_it(formulas):
    game, formula = formulas["laffer-tax"]
    (peak,) = [found for found in formula.computed if found.name == "peak"]
    numeric = game.to_game()
    best = scipy.optimize.minimize_scalar(
        lambda x: -float(leader_objective(numeric, logits(x))),
        bounds=(0.3, 0.7),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert peak.values["x"] == pytest.approx(best.x, abs=1e-7)
    assert peak.values["Phi"] == pytest.approx(-best.fun, abs=1e-12)
    assert peak.values["Phi"] == pytest.approx(3.73, abs=0.005)
    assert np.abs(stackelberg_gradient(numeric, logits(peak.values["x"])).total).max() < 1e-9


@pytest.mark.parametrize(
    ("name", "p"),
    [
        *(("laffer-tax", p) for p in (0.4, 0.7, 0.85)),
        *(pytest.param("two-road-toll", p, marks=pytest.mark.slow) for p in (0.27, 0.3, 0.33)),
    ],
)
def test_at_the_temperature_of_a_choice_the_gradient_vanishes_there(formulas, name, p):
    """The zero of the alignment as a function of the temperature, in closed form by the choice p."""
    game, formula = formulas[name]
    tau = number(formula.peak_temperature, game, p=p)
    x = number(formula.equilibrium_x, game, p=p, tau=tau)
    assert tau > 0.0
    assert 0.0 < x < 1.0
    warmed = dataclasses.replace(game, temperature=tau).to_game()
    exact = stackelberg_gradient(warmed, logits(x))
    assert float(exact.equilibrium.follower_policy[0, 0]) == pytest.approx(p, abs=1e-9)
    assert np.abs(exact.total).max() < 1e-9 * np.abs(exact.direct).max()


@pytest.mark.slow
def test_without_congestion_and_inertia_the_laffer_peak_is_lamberts():
    tau, gamma = 0.2, 0.8
    game = symbolic.load("laffer-tax", kappa=0.0, inertia=0.0, temperature=tau, discount=gamma, outside=0.1)
    formula = symbolic.alignment_formula(symbolic.stackelberg_formula(game))
    w = float(scipy.special.lambertw(np.exp(gamma * 0.9 / tau - 1.0)).real)
    x = number(formula.plain_peak["x"], game)
    assert x == pytest.approx(tau * (1 + w) / gamma, rel=1e-12)
    assert number(formula.plain_peak["p"], game) == pytest.approx(w / (1 + w), rel=1e-12)
    assert np.abs(stackelberg_gradient(game.to_game(), logits(x)).total).max() < 1e-10


@pytest.mark.parametrize("name", ["laffer-tax", "two-road-toll"])
def test_every_claim_is_proved_and_none_is_contradicted_on_a_grid(formulas, name):
    game, formula = formulas[name]
    assert {claim.name: claim.proved for claim in formula.claims} == dict.fromkeys(
        ("ratio", "direct-positive", "peak-positive", "choice-falls", "one-turn"), True
    )
    grid = np.linspace(0.06, 0.99, 60)  # above half the inertia
    gaps = [number(formula.peak_x - formula.equilibrium_x, game, p=p) for p in grid]
    falls = [number(formula.equilibrium_x, game, p=p) for p in grid]
    assert np.all(np.diff(gaps) > 0.0)
    assert np.all(np.diff(falls) < 0.0)


def test_with_inertia_the_laffer_ratio_turns_again_where_hardly_anyone_chooses_the_formal_sector(formulas):
    """Why the claim stops at half the inertia: below it the tax base no longer shrinks, and more tax pays again."""
    game, formula = formulas["laffer-tax"]
    gaps = [number(formula.peak_x - formula.equilibrium_x, game, p=p) for p in (1e-4, 1e-3, 0.04)]
    assert gaps[0] > gaps[1] > gaps[2]


def test_where_both_actions_take_something_the_numbers_are_those_of_the_gradient_and_no_sign_is_claimed():
    game = symbolic.load("laffer-tax", taxes=[0.9, 0.1], temperature=0.1)
    formula, numeric = symbolic.alignment_formula(symbolic.stackelberg_formula(game)), game.to_game()
    assert formula.claims == ()
    (zero, ends) = formula.computed
    assert np.abs(stackelberg_gradient(numeric, logits(zero.values["x"])).total).max() < 1e-9
    for x, key in ((1e-9, "at x = 0"), (1.0 - 1e-9, "at x = 1")):
        exact = stackelberg_gradient(numeric, logits(x))
        assert ends.values[key] == pytest.approx(float(exact.total[0, 1] / exact.direct[0, 1]), rel=1e-6)


@pytest.mark.slow
def test_where_the_leaders_reward_depends_on_the_state_the_numbers_are_those_of_the_law_of_the_first_state():
    paid = sp.IndexedBase("tolls", real=True)[symbolic.leader_action, symbolic.state]
    game = symbolic.load("two-road-toll", inertia=0.1)
    game = dataclasses.replace(game, leader_reward=paid, initial_distribution=(0.7, 0.3))
    formula, numeric = symbolic.alignment_formula(symbolic.stackelberg_formula(game)), game.to_game()
    for x, key in ((1e-9, "at x = 0"), (1.0 - 1e-9, "at x = 1")):
        exact = stackelberg_gradient(numeric, logits(x))
        ends = formula.computed[-1].values
        assert ends[key] == pytest.approx(float(exact.total[0, 1] / exact.direct[0, 1]), rel=1e-6)


@pytest.mark.parametrize(
    "parameters",
    [
        {"taxes": [0.2, 0.2]},
        pytest.param({"discount": 0.0}, marks=pytest.mark.slow),
        pytest.param({"inertia": 1.0}, marks=pytest.mark.slow),
    ],
    ids=lambda given: next(iter(given)),
)
def test_where_a_formula_has_no_finite_value_nothing_is_computed(parameters):
    formula = symbolic.alignment_formula(symbolic.stackelberg_formula(symbolic.load("laffer-tax", **parameters)))
    assert [found.name for found in formula.computed] == ["no-values"]


@pytest.mark.parametrize(
    ("name", "parameters", "missing"),
    [
        ("market-entrance", {}, ("one-observation", "two-prices", "memoryless")),
        ("laffer-tax", {"taxes": [0.0, 0.5, 1.0]}, ("two-prices",)),
        ("laffer-tax", {"observation": [0, 1]}, ("one-observation", "memoryless")),
        ("two-road-toll", {"tolls": [[0.0, 0.0], [0.0, 0.0]]}, ("no-direct",)),
        ("two-road-toll", {"leader_temperature": 0.1}, ("no-entropy",)),
    ],
)
def test_a_game_of_another_kind_has_no_such_formula_and_what_it_lacks_is_said(name, parameters, missing):
    found = symbolic.alignment_formula(symbolic.stackelberg_formula(symbolic.load(name, **parameters)))
    assert found == symbolic.NotDerived("alignment", missing)


def test_where_the_leader_moves_the_population_itself_nothing_is_derived():
    """The mass then depends on x beside the choice: a formula that held it fixed would be wrong."""
    wage = sp.Symbol("wage", positive=True)
    moves = sp.KroneckerDelta(symbolic.follower_action, symbolic.next_state) * sp.Rational(4, 5)
    moves += sp.KroneckerDelta(symbolic.leader_action, symbolic.next_state) / 5
    pays = sp.Piecewise((wage * (1 - symbolic.leader_action), sp.Eq(symbolic.state, 0)), (0, True))
    game = two_state_game(pays, {wage: 1.0}, transition=moves)
    assert symbolic.alignment_formula(symbolic.stackelberg_formula(game)).missing == ("own-moves",)


def subsidy(size: float) -> symbolic.SymbolicGame:
    """The leader pays for what it drives away: Phi falls to a trough in x and rises again."""
    wage = sp.Symbol("wage", positive=True)
    pays = sp.Piecewise((wage * (1 - symbolic.leader_action), sp.Eq(symbolic.state, 0)), (wage / 2, True))
    cost = -symbolic.leader_action * symbolic.mean_field[0] * wage
    return dataclasses.replace(two_state_game(pays, {wage: size}, leader_reward=cost), temperature=0.1)


@pytest.mark.parametrize(
    ("game", "turn", "found"),
    [
        (subsidy(1.0), "trough", ["trough"]),
        pytest.param(
            symbolic.load("two-road-toll", tolls=[[0.0, 0.0], [-0.5, 0.0]]), "none", [], marks=pytest.mark.slow
        ),
        pytest.param(
            symbolic.load("two-road-toll", tolls=[[0.0, 0.0], [0.0, 3.0]]), "peak", ["peak"], marks=pytest.mark.slow
        ),
        pytest.param(
            symbolic.load("two-road-toll", tolls=[[0.0, 0.0], [1.0, 0.5]]), "unknown", [], marks=pytest.mark.slow
        ),
    ],
    ids=["trough", "subsidy", "other road", "both roads"],
)
def test_a_stationary_point_is_called_what_the_objective_makes_of_it(game, turn, found):
    formula, numeric = symbolic.alignment_formula(symbolic.stackelberg_formula(game)), game.to_game()
    assert formula.turn == turn
    grid = np.linspace(0.005, 0.995, 34)
    steps = np.sign(np.diff([float(leader_objective(numeric, logits(x))) for x in grid]))
    turns = ["peak" if steps[i] > 0 else "trough" for i in np.flatnonzero(np.diff(steps))]
    assert turns == found == [point.name for point in formula.computed if point.name != "ratio-at-ends"]
    ratio = stackelberg_gradient(numeric, logits(0.9))
    aligned = float(ratio.total[0, 1] / ratio.direct[0, 1])
    x_of = number(formula.peak_x, game, p=float(ratio.equilibrium.follower_policy[0, 0]))
    assert (aligned < 0) == (0 < x_of < 0.9)


@pytest.mark.slow
def test_a_jump_in_the_mean_field_withdraws_every_claim_of_the_alignment():
    laffer = symbolic.load("laffer-tax")
    bonus = sp.Piecewise((1, symbolic.mean_field[0] > sp.Rational(1, 2)), (0, True)) * symbolic.leader_action
    game = dataclasses.replace(laffer, leader_reward=laffer.leader_reward + bonus)
    found = symbolic.alignment_formula(symbolic.stackelberg_formula(game))
    assert isinstance(found, symbolic.NotDerived) or not any(claim.proved for claim in found.claims)


def test_the_ratio_starts_at_one_and_is_affine_in_x(formulas):
    for _, formula in formulas.values():
        assert sp.simplify(formula.ratio.subs(leader_probability, 0) - 1) == 0
        assert sp.simplify(sp.diff(formula.ratio, leader_probability, 2)) == 0
        assert choice in formula.ratio.free_symbols
