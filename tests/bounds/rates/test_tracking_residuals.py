"""Residuals of follower and critics at one iterate: their digits near zero, and far out."""

import numpy as np
import pytest

from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.exact import solve_equilibrium
from tests.bounds.rates.test_run_residuals import random_iterates, random_pair, trace_of
from tests.helpers import oracle


def test_follower_gap_keeps_its_digits_near_zero():
    # The gap of theta* + t d is quadratic in t; values of order 10 differ by it only down to 1e-15.
    rng = np.random.default_rng(2)
    _, game = random_pair(rng, "states")
    iterates = random_iterates(rng, game, 1, 4)
    direction = iterates["follower_logits"][0, 0]
    equilibrium = solve_equilibrium(game, iterates["leader_logits"][0, 0])
    steps = np.array([1e-2, 1e-4, 1e-6, 1e-8])
    iterates["leader_logits"][:] = iterates["leader_logits"][0, 0]
    iterates["mean_field"][:] = equilibrium.mean_field
    iterates["follower_logits"] = np.log(equilibrium.follower_policy) + steps[None, :, None, None] * direction
    gap = exact_residuals(game, trace_of(game, iterates)).e_theta[0]
    curvature = gap / steps**2
    np.testing.assert_allclose(curvature[1:3], curvature[2], rtol=1e-3)
    np.testing.assert_allclose(curvature[3], curvature[2], rtol=1e-5)


def test_follower_gap_of_a_saturated_policy_is_finite_and_right():
    rng = np.random.default_rng(3)
    reference, game = random_pair(rng, "states")
    iterates = random_iterates(rng, game, 1, 1)
    iterates["follower_logits"][0, 0] = 0.0
    iterates["follower_logits"][0, 0, :, 0] = 2000.0
    found = exact_residuals(game, trace_of(game, iterates))
    pure = np.eye(3)[np.zeros(4, int)] * (1.0 - 3e-300) + 1e-300
    gap = oracle.follower_gap(reference, iterates["leader_logits"][0, 0], pure, iterates["mean_field"][0, 0])
    assert found.e_theta[0, 0] == pytest.approx(float(gap), rel=1e-10)
