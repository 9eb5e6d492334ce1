"""The word that is missing comes after two seconds, then less and less often; where a bar moves none is missing."""

import itertools
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.watching import Watch, doing, duration, far, watched


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def said(watch, clock, times):
    """When something was due, of the times at which it was looked."""
    found = []
    for clock.now in times:
        line = watch.due()
        if line is not None:
            found.append((clock.now, line))
    return found


@given(st.lists(st.floats(0.05, 1.0), min_size=1, max_size=200))
def test_no_silence_is_longer_than_ten_seconds_and_no_two_words_are_nearer_than_two(pauses):
    clock = Clock()
    watch = Watch("work", clock)
    times = [sum(pauses[: k + 1]) for k in range(len(pauses))]
    words = [0.0, *(time for time, _ in said(watch, clock, times))]
    gaps = [after - before for before, after in itertools.pairwise(words)]
    assert all(2.0 <= gap <= 11.0 for gap in gaps)
    assert times[-1] - words[-1] <= 11.0
    assert not gaps or gaps[0] <= 3.0


def test_a_word_of_someone_else_counts_and_the_wait_begins_again():
    clock = Clock()
    watch = Watch("work", clock)
    assert [time for time, _ in said(watch, clock, [1.0, 2.0, 3.0, 6.0, 13.0, 14.0, 24.0])] == [2.0, 6.0, 14.0, 24.0]
    watch.heard()
    assert said(watch, clock, [25.9, 26.0]) == [(26.0, "  work: 26 s so far")]


def test_what_is_done_innermost_is_said_with_how_far_it_is():
    clock = Clock()
    watch = Watch("whole", clock)
    with watch.doing("part"):
        watch.far(3, 4)
        assert said(watch, clock, [3.0]) == [(3.0, "  part: 3 s so far, 3 of 4, 75%")]
        watch.turn_to("other part")
        assert said(watch, clock, [8.0]) == [(8.0, "  other part: 5 s so far")]
        with watch.doing("drawn", shown=True):
            assert said(watch, clock, [100.0]) == []
        assert said(watch, clock, [101.9]) == []
        watch.far(4, 4)
        assert said(watch, clock, [200.0]) == [(200.0, "  other part: 3 min so far")]
    watch.heard()
    assert said(watch, clock, [203.0]) == [(203.0, "  whole: 3 s so far")]


def test_without_a_watch_nothing_is_said(capsys):
    with doing("work"):
        far(1, 2)
    assert capsys.readouterr().err == ""


def test_a_process_that_is_silent_says_what_it_does():
    code = (
        "from smfg_verify import watching; import threading\n"
        "watching._FIRST, watching._LOOK = 0.02, 0.005\n"
        "with watching.watched('loading'), watching.doing('the work'):\n"
        "    watching.far(1, 2)\n"
        "    while not any('work' in line for line in said): threading.Event().wait(0.01)\n"
    )
    listening = (
        "import sys; said = []; write = sys.stderr.write\n"
        "sys.stderr.write = lambda line: (said.append(line), write(line))\n"
    )
    done = subprocess.run([sys.executable, "-c", listening + code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1].startswith("  the work")


def test_a_watch_ends_with_its_block():
    with watched("work"):
        pass
    with doing("later"):
        assert duration(3.0) == "3 s"
