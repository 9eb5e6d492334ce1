import pytest

from smfg_verify.files import replacing, write_atomically


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path):
    path = write_atomically(tmp_path / "file", b"old")

    def fail():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_write_replaces_the_content_and_keeps_the_usual_permissions(tmp_path):
    path = write_atomically(tmp_path / "file", b"old")
    write_atomically(path, b"new")
    plain = tmp_path / "plain"
    plain.touch()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == plain.stat().st_mode
