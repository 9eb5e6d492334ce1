"""Measures of a run against the oracle: what a follower gains at the population that its own policy makes."""

import numpy as np
import pytest

from smfg_verify.comparison.measures import measures_of
from tests.bounds.rates.test_run_residuals import random_iterates, random_pair, trace_of
from tests.helpers import oracle


def made_by(arrays, phi, policy):
    """The mean field that a policy reproduces."""
    field = np.full(4, 0.25)
    for _ in range(200):
        field = oracle.population(arrays, phi, policy, field)
    return field


def test_measures_are_the_oracles_and_a_seed_that_diverged_is_lost_alone():
    rng = np.random.default_rng(0)
    arrays, game = random_pair(rng, "states")
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
