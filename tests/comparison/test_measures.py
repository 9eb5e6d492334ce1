"""Measures of a run against the oracle: what a follower gains at the population that its own policy makes."""

import dataclasses

import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.comparison.measures import measures_of
from smfg_verify.interop import to_arrays
from tests.bounds.rates.test_run_residuals import random_iterates, random_pair, trace_of
from tests.helpers import oracle
from tests.helpers.array_games import ArrayGame


def made_by(arrays, phi, policy):
    """The mean field that a policy reproduces."""
    field = np.full(len(phi), 1.0 / len(phi))
    for _ in range(200):
        field = oracle.population(arrays, phi, policy, field)
    return field


def shipped_pair(name):
    """A game whose programs other tests of this folder compile, and its arrays as the oracle reads them."""
    game = games.load(name)
    given = to_arrays(game)
    given |= {"observation": given["leader_observation"], "support": given["mean_field_support"]}
    return ArrayGame(**{field.name: given[field.name] for field in dataclasses.fields(ArrayGame)}), game


@pytest.mark.parametrize("name", ["laffer-tax", pytest.param("random", marks=pytest.mark.slow)])
def test_measures_are_the_oracles_and_a_seed_that_diverged_is_lost_alone(name):
    rng = np.random.default_rng(0)
    arrays, game = random_pair(rng, "states") if name == "random" else shipped_pair(name)
    iterates = random_iterates(rng, game)
    iterates["follower_logits"][1, 1, 0, 0] = np.nan
    found = measures_of(game, trace_of(game, iterates))
    np.testing.assert_array_equal(np.isnan(found.exploitability), [[False, False], [False, True]])
    for point in [(0, 0), (0, 1), (1, 0)]:
        logits, policy = iterates["leader_logits"][point], oracle.softmax(iterates["follower_logits"][point])
        phi = oracle.leader_rows(arrays, logits)
        field = made_by(arrays, phi, policy)
        optimal, _ = oracle.best_response(arrays, phi, field)
        gain = arrays.initial_distribution @ (optimal - oracle.follower_value(arrays, phi, policy, field))
        assert found.exploitability[point] == pytest.approx(gain, rel=1e-8)
        assert found.objective[point] == pytest.approx(oracle.objective(arrays, logits), rel=1e-10)
        assert found.objective_error[point] >= 0.0
