"""`verify FILE`: what it says of certificates, of tampered ones, and of other files, and its exit codes."""

import json

import pytest

from smfg_verify.cli import main
from tests.certificates.test_verifier import rate_certificate, variation_certificate
from tests.support.certificates import sealed


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(variation_certificate()))
    return path


def test_a_certificate_is_verified(file, capsys):
    assert main(["verify", str(file)]) == 0
    assert capsys.readouterr().out.startswith("verified: ergodicity/dobrushin of the tables in the file")


def test_one_that_was_tampered_with_is_not(file, capsys):
    found = rate_certificate(0.5)
    found["content"]["claim"]["constant"] = (0.999).hex()
    for written in (found, sealed(found["content"])):
        file.write_text(json.dumps(written))
        assert main(["verify", str(file)]) == 1
        out = capsys.readouterr().out
        assert out.startswith("not verified: ")
        assert out.count("\n") == 1


def test_other_files_are_bad_input_in_one_line(file, tmp_path, capsys):
    file.write_text("{}")
    for path in (file, tmp_path / "missing.json", tmp_path):
        assert main(["verify", str(path)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1


def test_the_tables_are_held_against_a_game(file, capsys):
    assert main(["verify", str(file), "--game", "laffer-tax", "--no-cache"]) == 1
    assert "of another game than laffer-tax" in capsys.readouterr().out
