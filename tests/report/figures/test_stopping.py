"""The figure of where a run stops draws the means it is given, the prediction and both levels."""

import numpy as np
import pytest

from smfg_verify.bounds import ExpectedStationarity
from smfg_verify.report.figures.stopping import Stopping, stopping_figure
from tests.bounds.rates.test_decay import noisy_power_law
from tests.bounds.rates.test_validate_bounds import residuals_of


def test_each_panel_draws_its_own_mean_and_prediction():
    residuals = residuals_of(noisy_power_law(np.random.default_rng(0), -0.5))
    steps = np.array([1, 10, 100])
    predicted = ExpectedStationarity(*(factor * np.ones(3) for factor in (2.0, 3.0, 4.0)))
    figure = stopping_figure(Stopping(residuals, steps, predicted, best_objective=5.0, limit_gap=0.25), game="g")
    panels = figure.axes
    for axes, name, level in zip(panels, ("objective", "e_omega", "policy_gap"), (4.0, 2.0, 3.0), strict=True):
        lines = {line.get_label(): line.get_ydata() for line in axes.lines}
        np.testing.assert_allclose(lines["mean of seeds"], getattr(residuals, name).mean(axis=0))
        np.testing.assert_allclose(lines["predicted mean"], level)
    assert {line.get_label(): line.get_ydata()[0] for line in panels[0].lines}["where exact ascent ends"] == 5.0
    assert {line.get_label(): line.get_ydata()[0] for line in panels[2].lines}["limit of the mean dynamics"] == 0.25


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_checkpoint_at_which_no_seed_has_a_number_is_left_out_of_the_band():
    values = noisy_power_law(np.random.default_rng(0), -0.5)
    values[:, -1] = np.nan
    predicted = ExpectedStationarity(*(np.ones(1) for _ in range(3)))
    figure = stopping_figure(Stopping(residuals_of(values), np.array([1]), predicted, 5.0, 0.25), game="g")
    (band,) = figure.axes[1].collections
    assert band.get_paths()[0].vertices[:, 0].max() == residuals_of(values).iterations[-2] + 1
