"""What a tuner draws is within a decade of the defaults, a function of its seed, and changes nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.comparison.contenders import contender_names, find_contender


def flat(options):
    inner = {f"schedule.{name}": value for name, value in options.get("schedule", {}).items()}
    return {name: value for name, value in options.items() if name != "schedule"} | inner


@settings(max_examples=25)
@given(st.sampled_from(contender_names()), st.integers(0, 10**6))
def test_constants_are_scaled_by_a_decade_at_most_and_choices_are_among_those_declared(name, seed):
    contender = find_contender(name)
    before = flat(contender.default().options())
    drawn = flat(contender.drawn(np.random.default_rng(seed)).options())
    again = flat(contender.drawn(np.random.default_rng(seed)).options())
    assert drawn == again
    assert set(drawn) == set(before)
    for option, value in drawn.items():
        if option in contender.scaled:
            assert 0.1 * (1.0 - 1e-12) <= value / before[option] <= 10.0 * (1.0 + 1e-12)
            assert value != before[option]
        elif option in contender.chosen:
            assert value in contender.chosen[option]
        else:
            assert value == before[option]
    assert flat(contender.default().options()) == before


@pytest.mark.parametrize("name", contender_names())
def test_the_largest_draws_at_least_as_much_as_any_other(name):
    contender = find_contender(name)
    largest = contender.largest().options()
    for option, values in contender.chosen.items():
        assert largest[option] == max(values)
    assert flat(contender.options) == pytest.approx(flat(contender.default().options()))
