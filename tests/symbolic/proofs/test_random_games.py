"""What is proved of games drawn at random holds of the best response found by brute force, which knows no formula."""

import dataclasses
import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify import symbolic
from smfg_verify.symbolic import follower_action as a
from smfg_verify.symbolic import leader_action as b
from smfg_verify.symbolic import mean_field as m
from smfg_verify.symbolic import next_state, state
from tests.helpers.follower_oracle import best_response, population
from tests.symbolic.proofs.support import oracle_game, two_state_game

k, h = sp.Symbol("k", positive=True), sp.Symbol("h", nonnegative=True)
half = sp.Rational(1, 2)
PIECES = (
    k * m[a],
    h * m[state],
    k * m[a] ** 2,
    sp.sqrt(m[a] + h),
    sp.log(1 + k * m[a]),
    sp.Max(m[a], half),
    sp.Abs(m[0] - m[1]) * a,
    sp.Piecewise((k, m[0] > half), (0, True)) * a,
    k * sp.floor(m[0] * 3 / 2) * a,
    sp.exp(-h * m[a]),
    m[0] * m[1] * state,
    k * b * a,
    h / (1 + m[a]),
)
MOVES = (
    sp.KroneckerDelta(a, next_state),
    0.2 + 0.6 * sp.KroneckerDelta(a, next_state),
    sp.KroneckerDelta(a, next_state) / 2 + sp.KroneckerDelta(state, next_state) / 2,
    sp.KroneckerDelta(a, next_state) / 2 + sp.KroneckerDelta(b, next_state) / 2,
    h / (1 + h) * sp.KroneckerDelta(a, next_state) + sp.KroneckerDelta(state, next_state) / (1 + h),
)
GRID = np.linspace(0.0, 1.0, 41)


def answers(game: symbolic.SymbolicGame, phi: np.ndarray) -> np.ndarray:
    """Gamma(m) of state 0 at a grid of mean fields, corners included."""
    oracle = oracle_game(game)
    fields = [np.array([share, 1.0 - share]) for share in GRID]
    return np.array([population(oracle, phi, best_response(oracle, phi, f)[1], f)[0] for f in fields])


@pytest.mark.slow
@settings(max_examples=20)
@given(
    weights=st.lists(st.sampled_from([-1, 0, 0, 0, 1, 2]), min_size=len(PIECES), max_size=len(PIECES)),
    moves=st.sampled_from(MOVES),
    numbers=st.tuples(st.sampled_from([0.1, 1.0, 5.0]), st.sampled_from([0.2, 1.0, 3.0])),
    temperature=st.sampled_from([0.05, 0.5, 2.0]),
    price=st.floats(0.0, 1.0),
)
def test_proved_slopes_are_those_of_brute_force(weights, moves, numbers, temperature, price):
    compare(weights, moves, numbers, temperature, price)


@pytest.mark.parametrize("piece", range(len(PIECES)))
def test_proved_slopes_of_each_piece_are_those_of_brute_force(piece):
    weights = [0] * len(PIECES)
    weights[piece], weights[0] = (2 if piece % 2 else -2), 1
    compare(weights, MOVES[piece % 2], (1.0, 3.0), 0.1, 0.3)


def compare(weights, moves, numbers, temperature, price):
    """Every slope of the best response is as it is proved to be."""
    reward = -sum((w * piece for w, piece in zip(weights, PIECES, strict=True)), k * m[a] * 0)
    used = (reward + moves).free_symbols
    given_ = {symbol: number for symbol, number in zip((k, h), numbers, strict=True) if symbol in used}
    game = dataclasses.replace(two_state_game(reward, given_, transition=moves), temperature=temperature)
    formula = symbolic.contraction_formula(game)
    proved = {claim.name for claim in formula.claims if claim.proved}
    if not proved:
        return
    found = answers(game, np.tile([1.0 - price, price], (2, 1)))
    steps = np.diff(found) / np.diff(GRID)
    if "one-sided" in proved:
        assert steps.max() <= 1e-7
    if formula.temperature is not None:
        critical = float(formula.temperature.subs({**game.substitution, symbolic.symbols.discount: game.discount}))
        assert np.abs(steps).max() <= critical / temperature + 1e-7


def test_enough_of_these_games_have_a_proof():
    """The test above would pass if nothing were proved."""
    proofs = 0
    for piece, moves in itertools.product((PIECES[0], PIECES[4]), MOVES[:2]):
        game = two_state_game(-piece, {k: 1.0}, transition=moves)
        proofs += sum(claim.proved for claim in symbolic.contraction_formula(game).claims)
    assert proofs == 8
