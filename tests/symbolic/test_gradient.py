"""The closed form against the numeric adjoint gradient at 100 random points, differences, and other evaluators."""

import dataclasses

import numpy as np
import pytest
import sympy as sp

from smfg_verify import leader_objective, stackelberg_gradient, symbolic
from smfg_verify.game import leader_logits_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.symbolic.gradient import PARTS

QUADRATIC = {"scarcity": "quadratic", "leader_temperature": 0.2}
CASES = [
    ("laffer-tax", {}, 10),
    pytest.param("laffer-tax", {}, 100, marks=pytest.mark.slow),
    pytest.param("market-entrance", {}, 10, marks=pytest.mark.slow),
    *(
        pytest.param(*case, 100, marks=pytest.mark.slow)
        for case in (
            ("two-road-toll", {"inertia": 0.1}),
            ("market-entrance", {}),
            ("market-entrance", QUADRATIC),
            ("market-entrance", {"num_states": 3}),
        )
    ),
]


def random_game(game: symbolic.SymbolicGame, rng: np.random.Generator) -> symbolic.SymbolicGame:
    """The same formulas with every number drawn around its own, within what the game allows."""
    numbers = {name: value * rng.uniform(0.6, 1.4, value.shape) + 0.05 for name, value in game.numbers.items()}
    for name in numbers.keys() & {"inertia", "target", "floor"}:
        numbers[name] = game.numbers[name] * rng.uniform(0.5, 1.0, numbers[name].shape)
    start = rng.dirichlet([3.0] * game.num_states).tolist()
    scales = {"discount": rng.uniform(0.5, 0.95), "temperature": game.temperature * rng.uniform(0.8, 2.0)}
    return dataclasses.replace(game.replace(**numbers), initial_distribution=start, **scales)


@pytest.mark.parametrize(("name", "parameters", "points"), CASES)
def test_every_part_is_the_numeric_one_at_random_leaders_and_parameters(name, parameters, points):
    base, rng = symbolic.load(name, **parameters), np.random.default_rng(0)
    exact, values = [], []
    for _ in range(points):
        game = random_game(base, rng)
        numeric = game.to_game()
        logits = 1.5 * rng.normal(size=leader_logits_shape(numeric))
        exact.append(stackelberg_gradient(numeric, logits))
        values.append(symbolic.equilibrium_values(game, exact[-1].equilibrium, softmax_policy(logits)))
    batch = {symbol: np.array([point[symbol] for point in values]) for symbol in values[0]}
    found = symbolic.stackelberg_formula(base).at(batch)
    for part in ("total", *PARTS):
        expected = np.stack([np.asarray(getattr(gradient, part)) for gradient in exact], axis=-1)
        scale = np.maximum(1.0, np.max(np.abs(expected), axis=(0, 1)))
        assert np.max(np.abs(found[part] - expected) / scale) < 1e-10


def test_it_is_the_slope_of_the_objective():
    """An oracle that knows no derivative at all."""
    game = symbolic.load("laffer-tax", temperature=0.3)
    formula, numeric, logits, step = symbolic.stackelberg_formula(game), game.to_game(), np.array([[0.2, 0.7]]), 1e-5
    equilibrium = stackelberg_gradient(numeric, logits).equilibrium
    found = formula.at(symbolic.equilibrium_values(game, equilibrium, softmax_policy(logits)))["total"]
    up, down = (leader_objective(numeric, logits + np.array([[0.0, sign * step]])) for sign in (1, -1))
    assert found[0, 1] == pytest.approx(float(up - down) / (2 * step), rel=1e-8)


@pytest.mark.slow
def test_the_expanded_formula_in_sympys_own_arithmetic_has_the_same_value():
    """The printed formula itself, put together and evaluated in 30 digits, not the program made from it."""
    game = symbolic.load("two-road-toll", inertia=0.1)
    formula, logits = symbolic.stackelberg_formula(game), np.array([[0.4, -0.3]])
    exact = stackelberg_gradient(game.to_game(), logits)
    values = symbolic.equilibrium_values(game, exact.equilibrium, softmax_policy(logits))
    for part in PARTS:
        entry = formula.expanded(formula.in_logits(getattr(formula, part))[0, 1])
        assert not entry.free_symbols - values.keys()
        number = entry.subs({symbol: sp.Float(value, 30) for symbol, value in values.items()})
        assert float(number) == pytest.approx(float(getattr(exact, part)[0, 1]), rel=1e-10, abs=1e-12)


def test_a_batch_of_points_gives_what_single_points_give():
    game = symbolic.load("laffer-tax")
    formula, numeric = symbolic.stackelberg_formula(game), game.to_game()
    logits = [np.array([[0.0, shift]]) for shift in (-1.0, 0.5)]
    points = [
        symbolic.equilibrium_values(game, stackelberg_gradient(numeric, omega).equilibrium, softmax_policy(omega))
        for omega in logits
    ]
    batch = formula.at({symbol: np.array([point[symbol] for point in points]) for symbol in points[0]})
    for index, point in enumerate(points):
        np.testing.assert_array_equal(batch["total"][..., index], formula.at(point)["total"])


def test_values_of_a_leader_with_an_entropy_weight_are_refused_by_a_formula_without():
    game = symbolic.load("laffer-tax")
    formula, weighted = symbolic.stackelberg_formula(game), dataclasses.replace(game, leader_temperature=0.1)
    equilibrium = stackelberg_gradient(weighted.to_game(), np.zeros((1, 2))).equilibrium
    with pytest.raises(ValueError, match=r"tau_l = 0\.1, expected 0"):
        formula.at(symbolic.equilibrium_values(weighted, equilibrium, [[0.5, 0.5]]))


def test_what_has_no_readable_closed_form_is_refused():
    with pytest.raises(ValueError, match="got 4 states"):
        symbolic.stackelberg_formula(symbolic.load("market-entrance", num_states=4))


def test_the_gradient_vanishes_in_logits_where_every_action_of_the_leader_is_alike():
    tolls = [[0.3, 0.1], [0.3, 0.1]]
    formula = symbolic.stackelberg_formula(symbolic.load("two-road-toll", tolls=tolls))
    by_name = {str(symbol): symbol for symbol in formula.game.names.parameter_symbols}
    same = {by_name[f"tolls_1_{road}"]: by_name[f"tolls_0_{road}"] for road in (0, 1)}
    logits = formula.in_logits(formula.direct)
    assert all(sp.simplify(formula.expanded(entry).subs(same)) == 0 for entry in logits)
