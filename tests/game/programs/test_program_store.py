"""Files of compiled programs: all of a program or nothing, bounded, and trouble is told once and stops nothing."""

import os
import time
from pathlib import Path

import pytest

from smfg_verify.game.programs.program_store import ProgramStore

CONTENT = bytes(range(256)) * 5


def test_what_was_kept_comes_back_in_another_process_and_nothing_else_does(tmp_path):
    folder = tmp_path / "new" / "folder"
    store = ProgramStore(folder)
    assert store.get("one") is None
    store.put("one", CONTENT)
    store.put("none", b"")
    other = ProgramStore(folder)
    assert other.get("one") == CONTENT
    assert other.get("none") == b""
    assert other.get("two") is None
    assert folder.stat().st_mode & 0o077 == 0  # what is read there is run
    other.drop("one")
    assert store.get("one") is None


@pytest.mark.parametrize("harm", ["cut", "emptied", "flipped", "longer"])
def test_a_file_that_is_not_whole_is_never_read_and_is_written_anew(harm, tmp_path):
    store = ProgramStore(tmp_path)
    store.put("one", CONTENT)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    flipped = bytes([*whole[:-1], whole[-1] ^ 1])
    path.write_bytes({"cut": whole[:-1], "emptied": b"", "flipped": flipped, "longer": whole + b"x"}[harm])
    assert store.get("one") is None
    assert not path.exists()
    store.put("one", CONTENT)
    assert store.get("one") == CONTENT


def test_the_folder_stays_within_its_limit_and_loses_what_was_not_used_for_longest(tmp_path):
    limit = 20_000
    for index in range(40):
        store = ProgramStore(tmp_path, limit)  # of as many processes
        store.put(f"program{index}", os.urandom(2000))
        path = tmp_path / f"program{index}.program"
        os.utime(path, (index, index))
        assert store.get("program0") is not None  # used again and again
        assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= limit
    left = {file.stem for file in tmp_path.iterdir()}
    assert {"program0", "program39"} <= left
    assert "program1" not in left
    assert len(left) >= 5


def test_one_that_is_larger_than_the_limit_leaves_no_room_taken(tmp_path):
    store = ProgramStore(tmp_path, limit=100)
    store.put("large", os.urandom(1000))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_when_room_is_made_and_a_living_one_keeps_its_file(tmp_path):
    dead, living = tmp_path / "a-1-00000000.partial", tmp_path / "b-2-00000000.partial"
    dead.write_bytes(b"part")
    living.write_bytes(b"part")
    an_hour_ago = time.time() - 3700.0
    os.utime(dead, (an_hour_ago, an_hour_ago))
    store = ProgramStore(tmp_path, limit=3000)
    store.put("one", os.urandom(2000))
    store.put("two", os.urandom(2000))
    assert not dead.exists()
    assert living.exists()


def test_a_folder_that_cannot_be_is_told_of_once(tmp_path):
    blocked, said = tmp_path / "file", []
    blocked.write_text("")
    store = ProgramStore(blocked / "programs", trouble=said.append)
    for key in "abc":
        assert store.get(key) is None
        store.put(key, CONTENT)
    (line,) = said
    assert str(blocked) in line
    assert "not kept" in line


def test_a_full_disk_is_told_of_once_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    said = []
    store = ProgramStore(tmp_path, trouble=said.append)
    monkeypatch.setattr(Path, "write_bytes", full)
    for key in "abc":
        store.put(key, CONTENT)
    assert len(said) == 1
    assert "No space left" in said[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are told otherwise there")
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_folder_that_others_may_write_to_is_not_used(mode, tmp_path):
    ProgramStore(tmp_path).put("one", CONTENT)
    tmp_path.chmod(mode)
    said = []
    store = ProgramStore(tmp_path, trouble=said.append)
    assert store.get("one") is None
    store.put("two", CONTENT)
    assert {path.stem for path in tmp_path.iterdir()} == {"one"}
    assert len(said) == 1
    assert "others" in said[0]
