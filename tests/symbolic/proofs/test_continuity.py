"""What a derivative does not see: jumps, poles, several stationary laws. Nothing is proved of games that have them."""

import numpy as np
import pytest
import sympy as sp

from smfg_verify import symbolic
from smfg_verify.symbolic import follower_action as a
from smfg_verify.symbolic import mean_field as m
from smfg_verify.symbolic import next_state, state
from smfg_verify.symbolic.proofs.continuity import signs_on_edge
from smfg_verify.symbolic.proofs.signs import Domain
from tests.helpers.follower_oracle import best_response, population
from tests.symbolic.proofs.support import oracle_game, two_state_game

k, stay = sp.Symbol("k", positive=True), sp.Symbol("stay", nonnegative=True)
half = sp.Rational(1, 2)


def claims(game: symbolic.SymbolicGame) -> dict[str, bool]:
    return {claim.name: claim.proved for claim in symbolic.contraction_formula(game).claims}


def fixed_points(game: symbolic.SymbolicGame) -> int:
    """Sign changes of Gamma(m) - m from plus to minus, by brute force."""
    oracle, phi = oracle_game(game), np.tile([0.5, 0.5], (2, 1))

    def answer(share: float) -> float:
        field = np.array([share, 1.0 - share])
        return population(oracle, phi, best_response(oracle, phi, field)[1], field)[0]

    signs = np.sign([answer(share) - share for share in np.linspace(0.003, 0.998, 60)])
    return int(np.sum((signs[:-1] > 0) & (signs[1:] < 0)))


HERDS = sp.Piecewise((k, (m[0] > half) & sp.Eq(a, 0)), (0, True))


def test_a_jump_that_herds_makes_two_equilibria_and_nothing_is_proved():
    game = two_state_game(HERDS - k / 2 * sp.KroneckerDelta(a, 0), {k: 4.0})
    assert fixed_points(game) == 2
    assert not any(claims(game).values())
    assert symbolic.contraction_formula(game).temperature is None
    gap = symbolic.contraction_formula(game).claims[0].gap
    assert (gap.kind, gap.where) == ("jump", "follower_reward")


@pytest.mark.parametrize(
    "reward",
    [
        HERDS - k * m[a],  # congestion between the steps
        sp.Piecewise((-k * m[a], sp.Eq(m[0], half)), (-k * m[a], m[1] > 2), (k - k * m[a], True)),
        -k * sp.log(m[a] - half),  # no value on half of the simplex, and a negative slope by its formula
        -k * sp.log(m[a]),  # no value at a corner
        -k * sp.floor(m[a]) - k * m[a],
    ],
    ids=["jump", "point", "no value", "pole", "floor"],
)
def test_what_jumps_or_has_no_value_somewhere_is_not_proved(reward):
    assert not any(claims(two_state_game(reward, {k: 1.0})).values())


@pytest.mark.parametrize(
    "reward",
    [-k * sp.sqrt(m[a]), -k * sp.log(1 + m[a]), -k / (2 - m[a]), sp.Piecewise((-k * m[a], k > 2), (-m[a], True))],
    ids=str,
)
def test_what_is_continuous_still_is(reward):
    assert claims(two_state_game(reward, {k: 1.0}))["one-sided"]


@pytest.mark.parametrize("reward", [-k * m[a], -k * m[state], -2 * k * m[a] + m[0]], ids=str)
def test_a_chain_that_may_stand_still_has_no_one_equilibrium(reward):
    """At move = 0 every law is stationary; its factor cancels from the slope, the claim would be false there."""
    for symbol, proved in ((stay, False), (sp.Symbol("move", positive=True), True)):
        moves = symbol * sp.KroneckerDelta(a, next_state) + (1 - symbol) * sp.KroneckerDelta(state, next_state)
        game = two_state_game(reward, {k: 1.0, symbol: 0.5}, transition=moves)
        (claim,) = symbolic.contraction_formula(game).claims
        assert claim.proved == proved
        assert proved or claim.gap.kind == "laws"
        assert str(symbol) in " ".join(map(str, claim.conditions))


def test_signs_are_taken_at_the_corners_of_the_simplex_too():
    first, second = (sp.Symbol(f"m_{i}", nonnegative=True) for i in (0, 1))
    on_edge = {
        first * second: {"nonnegative", "zero"},
        1 + first * second: {"positive"},
        first: {"nonnegative", "positive"},
    }
    for expression, signs in on_edge.items():
        assert signs_on_edge(expression, (first, second), Domain(simplices=[[first, second]])) == signs


@pytest.mark.slow
def test_a_chain_that_stands_still_at_a_corner_of_the_simplex_alone_is_found_too():
    share = m[0] * m[1]
    moves = share * sp.KroneckerDelta(a, next_state) + (1 - share) * sp.KroneckerDelta(state, next_state)
    assert not any(claims(two_state_game(-k * m[a], {k: 1.0}, transition=moves)).values())
