"""A local prediction held against the residuals of a run."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.bounds import RESIDUAL_NAMES, compare_local, local_prediction
from tests.bounds.local.test_predicted_errors import GAMES, SLOW_LEADER, limit_of
from tests.bounds.rates.test_validate_bounds import residuals_of


def test_a_comparison_needs_the_predictions_and_finds_itself():
    game, point = GAMES["laffer-tax"], limit_of("laffer-tax")
    iterations = np.arange(0, 101, 5)
    residuals = residuals_of(np.ones((2, len(iterations))), iterations)
    prediction = local_prediction(game, point, SLOW_LEADER, iterations)
    twice = {name: 2.0 * np.stack([prediction.means[name]] * 2) for name in RESIDUAL_NAMES}
    found = compare_local(prediction, dataclasses.replace(residuals, **twice))
    assert found.window == (10, 100)
    for name in RESIDUAL_NAMES:
        np.testing.assert_allclose([found.ratio[name], found.standard_error[name]], [2.0, 0.0], atol=1e-12)
    nothing = dataclasses.replace(prediction, means={**prediction.means, "e_mu": np.zeros(len(iterations))})
    without = compare_local(nothing, residuals)
    assert without.ratio["e_mu"] == np.inf
    assert np.isnan(without.standard_error["e_mu"])
    with pytest.raises(ValueError, match="not predicted"):
        compare_local(local_prediction(game, point, SLOW_LEADER, [7]), residuals)
    with pytest.raises(ValueError, match="got 0 checkpoints"):
        compare_local(prediction, residuals, window=(1000, 2000))
