"""Ticks of logarithmic axes: several, none at one place with another, and labels that say what they mark."""

import math
import re
import unicodedata
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.report.figures.drawing import finish_axes
from smfg_verify.report.figures.layout import new_figure
from smfg_verify.report.figures.ticks import LogLabels, LogTicks, logarithmic


@given(st.floats(-100.0, 100.0), st.floats(1e-3, 8.0), st.integers(3, 6))
def test_there_are_some_ticks_and_never_too_many_all_in_view(start, decades, most):
    low, high = 10.0**start, 10.0 ** (start + decades)
    ticks = np.asarray(LogTicks(most).tick_values(low, high))
    assert 1 <= len(ticks) <= most + 1
    assert (np.diff(ticks) > 0.0).all()
    assert ticks[0] >= low * (1.0 - 1e-8)
    assert ticks[-1] <= high * (1.0 + 1e-8)
    if decades > 0.5:
        assert len(ticks) >= 2


NAMES = ("MINUS", "ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
RAISED = "".join(unicodedata.lookup(f"SUPERSCRIPT {name}") for name in NAMES)


def number_of(label):
    """What a label says, read as a reader does."""
    found = re.fullmatch(rf"(?:(?P<factor>[\d.]+)\u00d7)?10(?P<power>[{RAISED}]+)", label)
    if found is None:
        return float(label)
    power = "".join("-0123456789"[RAISED.index(letter)] for letter in found["power"])
    return float(found["factor"] or 1) * 10.0 ** int(power)


@given(st.floats(-12.0, 12.0), st.floats(0.3, 9.0))
def test_labels_are_the_numbers_they_stand_at(start, decades):
    ticks = LogTicks().tick_values(10.0**start, 10.0 ** (start + decades))
    labels = LogLabels().format_ticks(ticks)
    assert len(set(labels)) == len(labels)
    for tick, label in zip(ticks, labels, strict=True):
        assert math.isclose(number_of(label), tick, rel_tol=1e-4), (label, tick)
    raised = {any(letter in label for letter in RAISED) for label in labels}
    assert len(raised) == 1  # one way of writing for a whole axis


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-3.0, 40.0), (2e-9, 7e-9), (1e7, 3e7)])
def test_ticks_are_letters_that_say_their_numbers_and_a_shared_power_is_kept(ends):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a letter that the font has not
        axes = new_figure("one").subplots()
        axes.set_xlim(*ends)
        finish_axes(axes, "", "", "")
        axes.figure.draw_without_rendering()
    offset = axes.xaxis.get_offset_text().get_text()
    shared = float(re.sub(r"\\times|[${}]|\\mathdefault", "", offset).replace("10^", "1e").replace("\u2212", "-") or 1)
    labels = [label.get_text().replace("\u2212", "-") for label in axes.get_xticklabels()]
    assert not any("$" in label for label in labels)
    for tick, label in zip(axes.get_xticks(), labels, strict=True):
        assert math.isclose(float(label) * shared, tick, rel_tol=1e-9, abs_tol=1e-9 * shared), (tick, label, offset)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (0.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_axes_without_a_range_have_no_ticks(ends):
    assert list(LogTicks().tick_values(*ends)) == []


@pytest.mark.parametrize("ends", [(0.9, 1.4), (0.011, 0.4), (1e-9, 1e3), (1.0, 2e4)])
def test_only_major_ticks_are_labelled(ends):
    axes = new_figure("one").subplots()
    axes.set_yscale("log")
    axes.set_ylim(*ends)
    logarithmic(axes.yaxis)
    axes.figure.draw_without_rendering()
    assert not any(tick.label1.get_text() for tick in axes.yaxis.get_minor_ticks())
    assert sum(bool(label.get_text()) for label in axes.get_yticklabels()) >= 2
