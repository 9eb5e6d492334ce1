"""Drift inequalities: their constants at every row, planted ones, and rows without a number."""

import numpy as np
import pytest

from smfg_verify.bounds.drift.inequalities import (
    features,
    fit_inequality,
    left_side,
)
from tests.bounds.drift.planted import planted


def test_every_inequality_holds_at_every_row_and_binds_at_one(report):
    for name, inequality in report.inequalities.items():
        assert inequality.solved, name
        assert np.all(inequality.constants >= 0.0)
        excess = left_side(report.data, name) - features(report.data, name) @ inequality.constants
        size = np.max(np.abs(left_side(report.data, name)))
        assert np.max(excess) <= 1e-9 * size
        assert np.max(excess) >= -1e-3 * size, "not the smallest constants: no row is tight"
        assert np.max(inequality.slack) == pytest.approx(1.0, rel=1e-3)
        seed, iteration = report.binding[name]
        assert seed in report.data.seeds
        assert iteration in report.data.iterations


def test_planted_constants_are_found():
    constants = np.array([0.7, 0.3, 0.0, 0.2, 0.0, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.0])
    found = fit_inequality(planted(np.random.default_rng(0), constants), "e_theta")
    np.testing.assert_allclose(found.constants, constants, atol=1e-5)


def test_a_nan_row_is_left_out_and_all_nan_is_said():
    data = planted(np.random.default_rng(1), np.array([0.7, *[0.1] * 12]))
    data.before["e_mu"][3] = np.nan
    assert fit_inequality(data, "e_theta").solved
    data.before["e_mu"][:] = np.nan
    empty = fit_inequality(data, "e_theta")
    assert not empty.solved
    assert "no iterate" in empty.status
    assert np.isnan(empty.contraction)
