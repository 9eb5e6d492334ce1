"""Scales of colours: a few extreme numbers flatten nothing, and what is clipped is counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.report.figures.scales import robust_log_scale


def numbers(seed, size=49):
    return 10.0 ** np.random.default_rng(seed).uniform(-2.0, 0.0, size)


@given(st.integers(0, 10**6), st.sampled_from([1e-12, 1e-6, 1e6, 0.0]))
def test_one_extreme_number_moves_the_colours_of_no_other(seed, extreme):
    """The metamorphic relation: one number goes far away, and the others keep nine tenths of their contrast."""
    values = numbers(seed)
    before = robust_log_scale(values)
    lucky = values.copy()
    lucky[7] = extreme
    after = robust_log_scale(lucky)
    others = np.delete(values, 7)
    contrast = [float(np.ptp(scale.norm(others))) for scale in (before, after)]
    assert contrast[1] >= 0.9 * contrast[0]
    assert (after.below, after.above) == ((0, 1) if extreme > 1.0 else (1, 0))
    assert after.clipped == f"clipped: 1 {'above' if extreme > 1.0 else 'below'} the scale"


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=80))
def test_what_is_said_to_be_clipped_is_all_that_is_and_it_is_little(values):
    values = np.array(values)
    scale = robust_log_scale(values)
    beyond = (values < scale.norm.vmin).sum(), (values > scale.norm.vmax).sum()
    assert (scale.below, scale.above) == beyond
    assert max(beyond) <= max(1, 0.02 * values.size)
    assert (scale.extend == "neither") == (scale.clipped == "") == (sum(beyond) == 0)
    assert scale.norm.vmin < scale.norm.vmax


@pytest.mark.parametrize("size", [1, 2, 3])
def test_of_three_numbers_none_is_extreme(size):
    values = np.array([1e-9, 1.0, 1e9])[:size]
    assert robust_log_scale(values).extend == "neither"


def test_many_small_numbers_are_no_luck_and_are_shown():
    """A whole region of good choices is what a sweep is for."""
    values = np.concatenate([numbers(0), np.full(6, 1e-7)])
    scale = robust_log_scale(values)
    assert scale.norm.vmin == 1e-7
    assert scale.clipped == ""


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_without_a_positive_number_there_is_no_scale(value):
    assert robust_log_scale(np.full(5, value)).norm is None


def test_numbers_that_are_equal_but_for_rounding_have_one_colour():
    values = 0.25 * (1.0 + 1e-15 * np.arange(20))
    scale = robust_log_scale(values)
    assert np.ptp(scale.norm(values)) < 1e-9
    assert scale.clipped == ""
