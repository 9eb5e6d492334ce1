"""Paired differences: what swapping, shifting and scaling both methods does, and that errors only ever widen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.comparison import paired_difference
from smfg_verify.comparison.paired import PairedVerdict

# Numbers of few bits, so that shifts and scales by powers of two round nothing.
SEEDS = st.lists(st.integers(-256, 256), min_size=6, max_size=6).map(lambda n: np.array(n) / 2.0**6)
UNDECIDED = PairedVerdict.UNDECIDED
NO_CONTRADICTION = ({PairedVerdict.BETTER, PairedVerdict.WORSE}, *({UNDECIDED, other} for other in PairedVerdict))


@given(SEEDS, SEEDS, SEEDS, st.integers(-6, 6))
def test_what_both_methods_share_cancels_and_units_scale_everything(values, reference, common, power):
    plain = paired_difference(values, reference)
    assert plain.difference == np.mean(values - reference)
    assert plain.lower <= plain.upper
    shifted = paired_difference(values + common, reference + common)
    assert shifted == plain
    scaled = paired_difference(values * 2.0**power, reference * 2.0**power)
    assert scaled.verdict is plain.verdict
    assert (scaled.lower, scaled.difference, scaled.upper) == tuple(
        number * 2.0**power for number in (plain.lower, plain.difference, plain.upper)
    )


@given(SEEDS, SEEDS, st.floats(0.0, 2.0))
def test_swapped_methods_swap_the_verdict_and_errors_only_widen_it(values, reference, error):
    plain, swapped = paired_difference(values, reference), paired_difference(reference, values)
    assert swapped.difference == -plain.difference
    # Seeds are sorted before they are resampled, so that the other way round is another draw of the same law.
    assert {plain.verdict, swapped.verdict} in NO_CONTRADICTION
    wide = paired_difference(values, reference, errors=np.full(6, error))
    assert (wide.lower, wide.upper) == pytest.approx((plain.lower - error, plain.upper + error), rel=1e-12, abs=1e-12)
    assert wide.verdict in (plain.verdict, UNDECIDED)
    excludes_zero = wide.lower > 0.0 or wide.upper < 0.0
    assert (wide.verdict is not UNDECIDED) == excludes_zero


@given(SEEDS, SEEDS, st.integers(0, 5), st.sampled_from([np.nan, np.inf, -np.inf]), st.booleans())
def test_a_seed_without_a_number_is_never_left_out(values, reference, place, what, in_reference):
    (reference if in_reference else values)[place] = what
    found = paired_difference(values, reference)
    assert found.verdict is PairedVerdict.NOT_TESTED
    assert np.isnan([found.difference, found.lower, found.upper]).all()
    assert f"{int(not in_reference)} seeds of the method and {int(in_reference)} of the reference" in found.reason
