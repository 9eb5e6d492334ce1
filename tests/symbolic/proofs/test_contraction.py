"""The slope against differences of a best response that is solved by brute force, and what is claimed of it."""

import dataclasses

import numpy as np
import pytest
import sympy as sp

from smfg_verify import symbolic
from smfg_verify.symbolic.games.two_road_toll import kappa
from smfg_verify.symbolic.proofs.memoryless import choice
from tests.helpers.follower_oracle import best_response, population
from tests.symbolic.proofs.support import oracle_game


def slope_by_differences(game, phi, mass: float, step: float = 1e-6) -> tuple[float, np.ndarray]:
    """D Gamma_phi along moves of mass, and the follower's policy."""
    oracle = oracle_game(game)

    def answer(share):
        field = np.array([share, 1.0 - share])
        policy = best_response(oracle, phi, field)[1]
        return population(oracle, phi, policy, field)[0], policy

    (up, _), (down, _) = answer(mass + step), answer(mass - step)
    return (up - down) / (2 * step), answer(mass)[1]


@pytest.mark.parametrize(
    ("name", "parameters"), [("laffer-tax", {}), ("two-road-toll", {"inertia": 0.2}), ("laffer-tax", {"kappa": 2.0})]
)
def test_the_slope_is_that_of_the_best_response_at_any_mean_field(name, parameters):
    game, rng = symbolic.load(name, temperature=0.4, **parameters), np.random.default_rng(0)
    formula = symbolic.contraction_formula(game)
    numbers = {str(symbol): value for symbol, value in game.substitution.items()}
    numbers |= {"gamma": game.discount, "tau": game.temperature}
    for _ in range(5):
        phi, mass = np.tile(rng.dirichlet([1.0, 1.0]), (2, 1)), rng.uniform(0.1, 0.9)
        expected, policy = slope_by_differences(game, phi, mass)
        numbers["p"] = policy[0, 0]
        found = formula.slope.subs({symbol: numbers[str(symbol)] for symbol in formula.slope.free_symbols})
        assert float(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", symbolic.names())
def test_congestion_never_loses_one_sided_contraction_and_this_is_proved(name):
    formula = symbolic.contraction_formula(symbolic.load(name))
    assert {claim.name: claim.proved for claim in formula.claims}["one-sided"]


def test_the_market_does_not_expand_one_way_at_any_policy_tried_by_brute_force():
    game, rng = symbolic.load("market-entrance", temperature=0.1), np.random.default_rng(1)
    slopes = [
        slope_by_differences(game, rng.dirichlet(np.full(3, 0.7), 2), rng.uniform(0.05, 0.95))[0] for _ in range(20)
    ]
    assert max(slopes) <= 1e-8


def test_the_roads_lose_contraction_exactly_at_the_critical_temperature():
    base = symbolic.load("two-road-toll", kappa=[1.3, 0.9], inertia=0.1)
    formula = symbolic.contraction_formula(base)
    critical = float(formula.temperature.subs(base.substitution))
    assert critical == pytest.approx(0.9 * (1.3 + 0.9) / 4)
    even = 0.9 / 2.2  # mass of road 1 at which both cost the same without a toll
    phi = np.tile([1.0, 0.0], (2, 1))
    for scale, contracts in ((1.01, True), (0.99, False)):
        warmed = dataclasses.replace(base, temperature=critical * scale)
        grid = [slope_by_differences(warmed, phi, mass)[0] for mass in (*np.linspace(0.02, 0.98, 41), even)]
        assert (max(map(abs, grid)) < 1.0) == contracts


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [({}, 0.75), ({"kappa": [2.0, 2.0]}, 1.0), ({"inertia": 0.5}, 0.375)],
)
def test_the_critical_temperature_of_the_roads_is_a_quarter_of_their_congestion(parameters, expected):
    (computed,) = symbolic.contraction_formula(symbolic.load("two-road-toll", **parameters)).computed
    assert computed.values["critical temperature"] == pytest.approx(expected)
    assert computed.values["least advantage"] < 0.0 < computed.values["largest advantage"]


def test_herding_is_not_proved_to_be_congestion():
    """The claim is decided by the formulas: with the sign of the externality turned it is false, and not proved."""
    roads = symbolic.load("two-road-toll")
    herding = dataclasses.replace(roads, follower_reward=-roads.follower_reward)
    formula = symbolic.contraction_formula(herding)
    assert not {claim.name: claim.proved for claim in formula.claims}["one-sided"]
    phi = np.tile([1.0, 0.0], (2, 1))
    assert slope_by_differences(dataclasses.replace(herding, temperature=0.76), phi, 2 / 3)[0] > 0.95
    # Contraction is a matter of size alone: the critical temperature is the same.
    assert float(formula.temperature.subs(herding.substitution)) == pytest.approx(0.75)


def test_where_no_sign_is_proved_no_temperature_is_claimed():
    roads = symbolic.load("two-road-toll")
    mixed = dataclasses.replace(roads, follower_reward=roads.follower_reward * (kappa[0] - kappa[1]))
    formula = symbolic.contraction_formula(mixed)
    assert formula.temperature is None
    assert formula.computed == ()


def test_a_number_called_inertia_that_is_no_probability_is_not_taken_for_one():
    """With inertia 3 the moves would be no probabilities: nothing may be proved from 0 <= inertia < 1."""
    inertia, cost = sp.Symbol("inertia", nonnegative=True), sp.Symbol("cost", positive=True)
    game = symbolic.SymbolicGame(
        name="heavy",
        states=("0", "1"),
        follower_actions=("0", "1"),
        leader_actions=("0", "1"),
        transition=sp.KroneckerDelta(symbolic.follower_action, symbolic.next_state),
        follower_reward=cost * (inertia - 1) * symbolic.mean_field[symbolic.follower_action],
        leader_reward=symbolic.leader_action * cost,
        parameters={inertia: 3.0, cost: 1.0},
        discount=0.5,
        temperature=1.0,
        leader_observation=(0, 0),
    )
    one_sided = {3.0: False, 0.5: True}
    for number, proved in one_sided.items():
        claims = symbolic.contraction_formula(game.replace(inertia=number)).claims
        assert {claim.name: claim.proved for claim in claims}["one-sided"] == proved


def test_three_states_have_no_single_slope():
    found = symbolic.contraction_formula(symbolic.load("market-entrance", num_states=3))
    assert found == symbolic.NotDerived("contraction", ("two-states",))


def test_the_choice_of_the_roads_enters_by_its_spread_alone():
    slope = symbolic.contraction_formula(symbolic.load("two-road-toll")).slope
    assert sp.simplify(slope - slope.subs(choice, 1 - choice)) == 0
