"""Whoever counts tells the caller's callback every number; what is shown says how far it is and how long it takes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from smfg_verify.progress import duration, items, lines, told


@pytest.fixture
def terminal(monkeypatch):
    """Standard error as a terminal."""
    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))


@pytest.mark.parametrize("bar", [True, False])
def test_every_number_reaches_the_callback_in_order(bar, terminal, capsys):
    seen = []
    with told("runs", 3, bar=bar, callback=seen.append) as tell:
        for done in range(1, 4):
            tell(done)
    assert seen == [1, 2, 3]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(words in captured.err for words in ("runs", "3/3", "100%")) == bar


def test_without_anyone_to_tell_nothing_is_said_and_an_error_passes_through(terminal, capsys):
    with told("runs", 1, bar=False) as tell:
        tell(1)

    def interrupted():
        with told("runs", 2, bar=True) as tell:
            tell(1)
            raise RuntimeError("of the work")

    with pytest.raises(RuntimeError, match="of the work"):
        interrupted()
    assert "1/2" in capsys.readouterr().err


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


@given(st.integers(1, 50), st.integers(0, 10**6), st.floats(0.3, 30.0))
def test_lines_come_ten_seconds_apart_and_foresee_an_even_pace(steps, before, pace):
    """What was done before the clock started, as when a run goes on, is no part of the pace."""
    clock, said, step = Clock(), [], 100
    total = before + steps * step
    report = lines(lambda line: said.append((clock.now, line)), total, "runs", clock=clock)
    report(before)
    for number in range(1, steps + 1):
        clock.now += pace
        report(before + number * step)
    times = [0.0, *(now for now, _ in said)]
    assert all(later - sooner >= 10.0 for sooner, later in itertools.pairwise(times))
    for now, line in said:
        done = before + round(now / pace) * step
        assert line.startswith(f"  {done:,} of {total:,} runs, {done / total:.0%}")
        if before > 0:
            assert line.endswith(f", about {duration((total - done) / step * pace)} left")


def test_things_of_a_list_are_counted_as_they_begin():
    clock, said = Clock(), []
    begins = items(said.append, 4, clock=clock)
    for name in ("first", "second"):
        begins(name)
        clock.now += 30.0
    begins("third")
    assert said == [
        "  first (1 of 4; 0% done)",
        "  second (2 of 4; 25% done, about 90 s left)",
        "  third (3 of 4; 50% done, about 60 s left)",
    ]


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (99.0, "99 s"), (100.0, "2 min"), (9000.0, "2 h 30 min")])
def test_times_are_told_in_the_units_of_people(seconds, words):
    assert duration(seconds) == words
