"""Whoever counts tells the caller's callback every number, with a bar on standard error or without."""

import pytest

from smfg_verify.progress import told


@pytest.mark.parametrize("bar", [True, False])
def test_every_number_reaches_the_callback_in_order(bar, capsys):
    seen = []
    with told("runs", 3, bar=bar, callback=seen.append) as tell:
        for done in range(1, 4):
            tell(done)
    assert seen == [1, 2, 3]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert ("runs" in captured.err and "3/3" in captured.err) == bar


def test_without_anyone_to_tell_nothing_is_said_and_an_error_passes_through(capsys):
    with told("runs", 1, bar=False) as tell:
        tell(1)

    def interrupted():
        with told("runs", 2, bar=True) as tell:
            tell(1)
            raise RuntimeError("of the work")

    with pytest.raises(RuntimeError, match="of the work"):
        interrupted()
    assert "1/2" in capsys.readouterr().err
