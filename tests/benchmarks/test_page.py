"""The page of benchmarks says what was measured, and nothing else."""

import json

from benchmarks.page.__main__ import KEPT, PAGE, page
from benchmarks.page.recorded import duration


def test_the_page_is_written_of_the_numbers_that_are_kept():
    assert PAGE.read_text() == page(json.loads(KEPT.read_text()))


def test_what_was_not_measured_is_said_and_breaks_nothing():
    record = json.loads(KEPT.read_text())
    failed = {name: {**part, "result": None, "trouble": "exit code 1"} for name, part in record["parts"].items()}
    for parts in ({}, failed):
        text = page({**record, "parts": parts})
        assert "not measured" in text
    assert text.count("exit code 1") == len(failed)


def test_durations_have_their_unit():
    times = [2.5, 0.9999, 0.9991, 0.0316, 1e-3, 4.2e-5, 3e-8]
    assert [duration(time) for time in times] == ["2.5 s", "1 s", "999 ms", "31.6 ms", "1 ms", "42 us", "30 ns"]
