"""The verdict on a record: one rule, every kind and every way it can turn out."""

import math

import pytest

from smfg_verify.cases import CaseRecord, CaseVerdict, Kind, judge

HOLDS, FAILS, UNCLEAR = CaseVerdict.HOLDS, CaseVerdict.FAILS, CaseVerdict.INCONCLUSIVE


def record(kind, measured, *, interval=None, error=0.1, **options):
    return CaseRecord(
        measured=measured,
        predicted=1.0,
        kind=kind,
        error=error,
        error_source="a test",
        looked_at="nothing",
        interval=interval,
        **options,
    )


@pytest.mark.parametrize(
    ("kind", "measured", "interval", "verdict"),
    [
        ("equality", 1.05, None, HOLDS),
        ("equality", 1.15, None, FAILS),
        ("equality", 0.85, None, FAILS),
        ("equality", 1.0, (0.95, 1.05), HOLDS),
        ("equality", 1.0, (0.85, 1.05), UNCLEAR),
        ("equality", 1.5, (1.2, 1.8), FAILS),
        ("rate", 1.0, (0.95, 1.05), HOLDS),
        ("rate", 0.5, (0.4, 0.6), FAILS),
        ("upper-bound", 0.2, None, HOLDS),
        ("upper-bound", 1.05, None, HOLDS),
        ("upper-bound", 1.15, None, FAILS),
        ("upper-bound", 1.0, (0.5, 1.2), UNCLEAR),
        ("lower-bound", 5.0, None, HOLDS),
        ("lower-bound", 0.95, None, HOLDS),
        ("lower-bound", 0.85, None, FAILS),
        ("lower-bound", 1.0, (0.8, 1.2), UNCLEAR),
    ],
)
def test_verdict(kind, measured, interval, verdict):
    assert record(Kind(kind), measured, interval=interval).verdict is verdict


def test_a_faster_rate_does_not_contradict_a_rate_of_at_most():
    assert record(Kind.RATE, 0.2, interval=(0.1, 0.3), at_most=True).verdict is HOLDS
    assert record(Kind.RATE, 0.2, interval=(0.1, 0.3)).verdict is FAILS
    assert record(Kind.RATE, 1.5, interval=(1.3, 1.7), at_most=True).verdict is FAILS


@pytest.mark.parametrize(("holds", "verdict"), [(False, HOLDS), (True, UNCLEAR), (None, UNCLEAR)])
def test_a_failure_needs_a_hypothesis_that_fails(holds, verdict):
    assert record(Kind.FAILURE, 1.0, hypothesis_holds=holds).verdict is verdict


def test_a_failure_that_is_not_seen_fails():
    assert record(Kind.FAILURE, 3.0, hypothesis_holds=False).verdict is FAILS


@pytest.mark.parametrize("spoiled", ["measured", "error", "interval"])
@pytest.mark.parametrize("kind", Kind)
def test_what_is_not_a_number_is_inconclusive(kind, spoiled):
    values = {"measured": 1.0, "error": 0.1, "interval": None}
    values[spoiled] = (math.nan, math.nan) if spoiled == "interval" else math.nan
    options = {"hypothesis_holds": False} if kind is Kind.FAILURE else {}
    verdict, reason = judge(
        record(kind, values["measured"], interval=values["interval"], error=values["error"], **options)
    )
    assert verdict is UNCLEAR
    assert "NaN" in reason


def test_reason_is_empty_only_where_it_holds():
    assert record(Kind.EQUALITY, 1.0).reason == ""
    assert "1.5" in record(Kind.EQUALITY, 1.5).reason
    assert "wide" in record(Kind.EQUALITY, 1.0, interval=(0.0, 2.0)).reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": Kind.EQUALITY, "measured": 1.0, "error": -0.1}, "error"),
        ({"kind": Kind.EQUALITY, "measured": 1.0, "interval": (2.0, 3.0)}, "interval"),
        ({"kind": Kind.EQUALITY, "measured": 1.0, "at_most": True}, "at_most"),
        ({"kind": Kind.RATE, "measured": 1.0, "hypothesis_holds": True}, "hypothesis_holds"),
        pytest.param({"kind": "equalty", "measured": 1.0}, "equalty", marks=pytest.mark.wrong_types),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        record(**options)
