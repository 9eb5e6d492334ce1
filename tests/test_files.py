"""Files are written completely or not at all, whatever the disk, a signal or another process does."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smfg_verify import files
from smfg_verify.files import remove_leftovers, replacing_folder, results_folder, write_atomically, write_together
from smfg_verify.games import load
from smfg_verify.stochastic import ac_smfg
from tests.support.disks import small_files

ROOT = os.geteuid() == 0


@pytest.fixture
def full_disk():
    with small_files():
        yield


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def test_a_write_replaces_the_content_and_keeps_the_usual_permissions(tmp_path):
    path = write_atomically(tmp_path / "file", b"old")
    write_atomically(path, b"new")
    plain = tmp_path / "plain"
    plain.touch()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_full_disk_leaves_the_old_content_and_nothing_else(tmp_path, full_disk):
    path = write_atomically(tmp_path / "file", b"old")
    with pytest.raises(OSError, match=r"cannot write .*file: File too large") as caught:
        write_atomically(path, bytes(20_000))
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_of_several_files_all_are_written_or_none(tmp_path, full_disk):
    first, second = tmp_path / "first", tmp_path / "second"
    write_atomically(first, b"old")
    with pytest.raises(OSError, match="second"):
        write_together({first: b"new", second: bytes(20_000)})
    assert first.read_bytes() == b"old"
    write_together({first: b"new", second: b"whole"})
    assert (first.read_bytes(), second.read_bytes()) == (b"new", b"whole")
    assert names(tmp_path) == ["first", "second"]


def test_a_trace_meets_a_full_disk_without_hdf5(tmp_path, full_disk):
    """HDF5 ends the process, in its clean-up, where a write of its own fails."""
    trace = ac_smfg(load("laffer-tax"), num_iterations=20, seeds=range(2), checkpoints=2)
    trace_path = write_atomically(tmp_path / "trace.nc", b"old")
    with pytest.raises(OSError, match=r"trace\.nc: File too large"):
        trace.save(trace_path)
    with pytest.raises(OSError, match=r"run\.nc: File too large"):
        ac_smfg(
            load("laffer-tax"), num_iterations=20, seeds=range(2), checkpoints=2, checkpoint_file=tmp_path / "run.nc"
        )
    assert trace_path.read_bytes() == b"old"
    assert names(tmp_path) == ["trace.nc"]


def test_a_device_or_a_folder_is_no_file(tmp_path):
    """A pipe of our own stands for a device: where this fails, root would put a file in the place of a real one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, words in ((pipe, "device"), (tmp_path, "folder"), (tmp_path / "no" / "file", "does not ex")):
        with pytest.raises(ValueError, match=words):
            write_atomically(path, b"new")
    assert names(tmp_path) == ["pipe"]
    assert pipe.is_fifo()


@pytest.mark.skipif(ROOT, reason="root writes everywhere")
def test_a_read_only_folder_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"cannot write .*file"):
        write_atomically(tmp_path / "file", b"new")
    with pytest.raises(PermissionError, match="cannot write"), results_folder(tmp_path):
        pass
    tmp_path.chmod(0o700)


def test_an_error_of_the_system_is_said_once_and_its_kind_is_kept(tmp_path, monkeypatch):
    """ENOSPC in the middle of a write, and EROFS as the file takes its place."""

    def full(handle, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def read_only(path, target):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for owner, name, fault, words in ((os, "write", full, "No space left"), (Path, "replace", read_only, "Read-only")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fault)
            with pytest.raises(OSError, match=words) as caught:
                write_atomically(tmp_path / "file", b"new")
        assert str(caught.value).count("cannot write") == 1
        assert "\n" not in str(caught.value)
        assert names(tmp_path) == []


def test_leftovers_of_killed_writers_go_and_those_of_living_ones_stay(tmp_path):
    """A real process, killed while it writes; and a file whose writer still lives."""
    program = (
        "import os, signal, sys\nfrom smfg_verify import files\n"
        "files.os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.write_atomically(sys.argv[1], b'half')\n"
    )
    target = tmp_path / "file"
    killed = subprocess.run([sys.executable, "-c", program, str(target)])
    assert killed.returncode == -9
    assert len(names(tmp_path)) == 1
    assert not target.exists()
    (tmp_path / ".other.99999999.partial").touch()
    (tmp_path / ".video.partial").touch()  # of another program
    with files._complete(tmp_path / "live", b"whole") as living:
        write_atomically(target, b"whole")
        assert names(tmp_path) == sorted([living.name, ".other.99999999.partial", ".video.partial", "file"])
        remove_leftovers(tmp_path)
        assert names(tmp_path) == sorted([living.name, ".video.partial", "file"])


def test_a_folder_takes_the_place_of_another_or_nothing_changes(tmp_path):
    store = tmp_path / "store"

    def full(folder):
        (folder / "part").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    for content in ("old", "new"):
        with replacing_folder(store) as temporary:
            (temporary / "part").write_text(content)
    assert names(tmp_path) == ["store"]
    with pytest.raises(OSError, match="No space"), replacing_folder(store) as temporary:
        full(temporary)
    assert (store / "part").read_text() == "new"
    assert names(tmp_path) == ["store"]

    # Killed between its two renames: the old folder stands aside, and is put back.
    store.rename(tmp_path / ".store.replaced")
    remove_leftovers(tmp_path)
    assert (store / "part").read_text() == "new"


def test_a_folder_of_results_is_removed_again_where_nothing_was_written(tmp_path):
    with pytest.raises(ValueError, match="later"), results_folder(tmp_path / "a" / "b"):
        raise ValueError("later")
    assert names(tmp_path) == []
    with pytest.raises(FileExistsError), results_folder(tmp_path / "a" / "b") as folder:
        write_atomically(folder / "kept", b"").touch(exist_ok=False)
    assert names(tmp_path / "a" / "b") == ["kept"]
    with pytest.raises(ValueError, match="kept' is a file"), results_folder(tmp_path / "a" / "b" / "kept" / "c"):
        pass


@pytest.mark.skipif(shutil.which("unshare") is None or not ROOT, reason="needs root to mount a small disk")
def test_a_small_disk_that_is_full(tmp_path):
    """A file system of 64 KiB, in a mount namespace of its own."""
    program = (
        "from smfg_verify.files import write_atomically\nimport os, sys\n"
        "write_atomically(sys.argv[1], b'old')\n"
        "try:\n    write_atomically(sys.argv[1], bytes(200_000))\n"
        "except OSError as error:\n    print(error.errno, os.listdir(os.path.dirname(sys.argv[1])))\n"
    )
    shell = ["sh", "-c", f'mount -t tmpfs -o size=64k none {tmp_path} && exec "$@"', "sh"]
    command = ["unshare", "--mount", *shell, sys.executable, "-c", program, str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True)
    if "permitted" in done.stderr or "denied" in done.stderr:
        pytest.skip("mounts are not permitted here")
    assert done.stdout == f"{errno.ENOSPC} ['file']\n", done.stderr


def test_the_netcdf_of_a_trace_holds_every_bit(tmp_path):
    trace = ac_smfg(load("laffer-tax"), num_iterations=20, seeds=range(2), checkpoints=2)
    trace.save(tmp_path / "trace.nc")
    again = type(trace).load(tmp_path / "trace.nc")
    np.testing.assert_array_equal(again.leader_logits, trace.leader_logits)
