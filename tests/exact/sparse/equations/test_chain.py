"""Laws and solves of sparse chains against subtraction-free elimination, detailed balance and differences."""

import itertools
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.sparse.equations.chain import (
    _exact_sums,
    chain_of,
    discounted,
    recurrent_classes,
    stationary_law,
)
from smfg_verify.exact.stationary import stationary_distribution

GENERATOR = np.random.default_rng(0)


def random_chain(size: int, listed: int = 6):
    """States listed twice among the successors are common in small chains."""
    targets = GENERATOR.integers(0, size, (size, 2, 1, listed // 2))
    weights = GENERATOR.dirichlet(np.ones(listed), size).reshape(targets.shape)
    return targets, weights


def birth_death(up: np.ndarray, down: np.ndarray):
    """A chain of local moves and its law by detailed balance, in logarithms."""
    states = np.arange(up.size)
    targets = np.stack([np.maximum(states - 1, 0), states, np.minimum(states + 1, up.size - 1)], axis=1)
    weights = np.stack([down, 1.0 - up - down, up], axis=1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(up[:-1]) - np.log(down[1:]))])
    law = np.exp(logs - logs.max())
    return targets[:, None, None], weights[:, None, None], law / law.sum()


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_law_is_that_of_subtraction_free_elimination(size):
    chain = chain_of(*random_chain(size))
    assert len(recurrent_classes(chain)) == 1
    found = stationary_law(chain, np.ones(size))
    expected = np.asarray(stationary_distribution(jnp.asarray(chain.matrix.toarray())))
    np.testing.assert_allclose(found.law, expected, rtol=1e-13)
    assert np.all(np.abs(found.law - expected) <= found.error + 1e-15)


def test_state_listed_twice_gets_the_sum():
    twice = chain_of(np.array([[[[1, 1, 0]]], [[[0, 1, 1]]]]), np.array([[[[0.2, 0.3, 0.5]]], [[[0.4, 0.1, 0.5]]]]))
    np.testing.assert_allclose(twice.matrix.toarray(), [[0.5, 0.5], [0.4, 0.6]])


@pytest.mark.parametrize("drift", [-0.2, 0.0, 0.2])
@pytest.mark.parametrize("held", [0, -1])
def test_law_keeps_its_digits_whichever_state_is_held(drift, held):
    up = GENERATOR.uniform(0.25, 0.26, 300) + drift
    down = GENERATOR.uniform(0.25, 0.26, 300) - drift
    targets, weights, law = birth_death(up, down)
    heavy = np.zeros(300)
    heavy[held] = 1.0
    found = stationary_law(chain_of(targets, weights), heavy)
    visible = law > 1e-280
    np.testing.assert_allclose(found.law[visible], law[visible], rtol=1e-9)


def test_law_of_a_long_diffusion_has_no_leak():
    # It mixes in 10^10 moves: a leak of one rounding a move would leave no more than five digits.
    size = 100_000
    rates = 0.3 + 0.1 * np.sin(np.arange(size) / 5000.0)
    targets, weights, law = birth_death(rates, rates)
    chain = chain_of(targets, weights)
    found = stationary_law(chain, np.ones(size))
    np.testing.assert_allclose(found.law, law, rtol=1e-10)
    assert np.sum(found.error) < 1e-10
    assert np.sum(np.abs(found.law @ chain.matrix - found.law)) < 1e-15


def test_several_recurrent_classes_have_no_law_and_transient_states_no_mass():
    targets = np.array([0, 1, 0, 1]).reshape(2, 1, 1, 2)
    assert stationary_law(chain_of(targets, np.array([1.0, 0.0, 0.0, 1.0]).reshape(targets.shape)), np.ones(2)) is None
    left = stationary_law(
        chain_of(targets, np.array([0.5, 0.5, 0.0, 1.0]).reshape(targets.shape)), np.array([1.0, 0.0])
    )
    np.testing.assert_array_equal(left.law, [0.0, 1.0])


def test_slopes_of_the_law_are_differences_and_their_transpose():
    targets, weights = random_chain(30)
    law = stationary_law(chain_of(targets, weights), np.ones(30))
    turn = 1e-6 * (GENERATOR.dirichlet(np.ones(6), 30).reshape(weights.shape) - weights)
    sides = [stationary_law(chain_of(targets, weights + sign * turn), np.ones(30)).law for sign in (1.0, -1.0)]
    flows = np.bincount(targets.ravel(), (law.law[:, None, None, None] * turn).ravel(), minlength=30)
    np.testing.assert_allclose(law.along(flows), 0.5 * (sides[0] - sides[1]), atol=1e-15)
    dual = GENERATOR.normal(size=30)
    assert np.isclose(dual @ law.along(flows), law.pulled(dual) @ flows, rtol=1e-12)


def test_discounted_solves_are_those_of_the_full_matrix():
    chain = chain_of(*random_chain(25))
    full = np.eye(25) - 0.97 * chain.matrix.toarray()
    right = GENERATOR.normal(size=25)
    np.testing.assert_allclose(discounted(chain, 0.97).solve(right), np.linalg.solve(full, right), rtol=1e-11)
    transposed = discounted(chain, 0.97).solve(right, transposed=True)
    np.testing.assert_allclose(transposed, np.linalg.solve(full.T, right), rtol=1e-11)


@pytest.mark.parametrize("rate", [1e-10, 1e-18, 1e-24, 1e-27, 1e-30])
def test_wells_left_more_rarely_than_their_own_moves_are_rounded_have_no_law_or_a_right_one(rate):
    """Pivots of such wells are noise, and refinement by it moves so little that it looked as if it had converged."""
    generator = np.random.default_rng(int(-np.log10(rate)))
    for size in (6, 8, 9):
        wells = np.arange(size) // (size // 2 if size % 2 == 0 else 3)
        rates = generator.uniform(0.02, 0.1, (size, size))
        rates[wells[:, None] != wells] *= rate
        np.fill_diagonal(rates, 0.0)
        np.fill_diagonal(rates, 1.0 - rates.sum(axis=1))
        targets = np.broadcast_to(np.arange(size), (size, size))[:, None, None]
        found = stationary_law(chain_of(targets, rates[:, None, None]), np.ones(size))
        expected = np.asarray(stationary_distribution(jnp.asarray(rates)))
        assert found is None or np.sum(np.abs(found.law - expected)) <= np.sum(found.error) + 1e-15
        assert found is not None or rate < 1e-15
        # Flows summed with the rounding of extended precision would leave 1e-9 of it.
        assert found is None or np.sum(found.error) < 1e-13


@pytest.mark.parametrize("longest", [1, 2, 7, 300])
def test_sums_of_rows_lose_nothing(longest):
    """Rows of numbers of many sizes that nearly cancel, against fractions."""
    generator = np.random.default_rng(longest)
    lengths = generator.integers(0, longest + 1, 20)
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    values = (generator.normal(size=pointers[-1]) * 10.0 ** generator.uniform(-12, 0, pointers[-1])).astype(
        np.longdouble
    )
    for begin, end in itertools.pairwise(pointers):
        half = (end - begin) // 2
        values[begin : begin + half] = -values[begin + half : begin + 2 * half] * (1.0 + 1e-15)
    exact = [
        sum((Fraction(*x.as_integer_ratio()) for x in values[b:e]), Fraction(0))
        for b, e in itertools.pairwise(pointers)
    ]
    sizes = np.array([float(np.sum(np.abs(values[b:e]))) for b, e in itertools.pairwise(pointers)])
    found = _exact_sums(values, pointers)
    errors = [abs(float(Fraction(*x.as_integer_ratio()) - y)) for x, y in zip(found, exact, strict=True)]
    relative = np.array([abs(float(y)) for y in exact]) * np.finfo(np.longdouble).eps
    assert np.all(errors <= relative + 1e-34 * longest * sizes)
