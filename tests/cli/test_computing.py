"""What commands load and keep: no library before it is used, programs in the user's own folder, the same findings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from smfg_verify.assumptions import check
from smfg_verify.cli import main
from smfg_verify.cli.computing import leave, prepare, programs_folder
from smfg_verify.cli.options import ProgramOptions
from smfg_verify.game.programs import kept_programs
from smfg_verify.games import load

QUICK = ["check", "two-road-toll", "--budget", "quick", "--leaders", "8", "--starts", "2"]
FAILING = [*QUICK, "--set", "nonsense=1"]  # as far as the game: everything is loaded by then


def after(arguments):
    """Modules that a command has loaded when it ends, in a process of its own."""
    code = "import sys; from smfg_verify.cli import main; main(sys.argv[1:]); print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


NEVER_YET = {"cvxpy", "sympy", "pandas", "xarray", "h5py", "h5netcdf", "scipy.stats", "jinja2", "optax", "gymnasium"}


@pytest.mark.parametrize(
    ("arguments", "unloaded"),
    [
        (["--help"], {"jax", "numpy", "scipy", "matplotlib", "platformdirs", *NEVER_YET}),
        (["check", "--help"], {"jax", "numpy", "scipy", "matplotlib", "platformdirs", *NEVER_YET}),
        pytest.param(["show", "laffer-tax", "--set", "nonsense=1"], {"matplotlib", *NEVER_YET}, marks=pytest.mark.slow),
        (FAILING, NEVER_YET),
    ],
    ids=["help", "help of a command", "show", "check"],
)
def test_a_command_loads_no_library_before_it_is_used(arguments, unloaded):
    assert unloaded & after(arguments) == set()


def test_the_folder_is_the_one_given_or_the_users_own_or_none(monkeypatch, tmp_path):
    monkeypatch.setenv("SMFG_VERIFY_CACHE", str(tmp_path))
    assert programs_folder() == tmp_path
    for word in ("off", "OFF"):
        monkeypatch.setenv("SMFG_VERIFY_CACHE", word)
        assert programs_folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for unset in (lambda: monkeypatch.delenv("SMFG_VERIFY_CACHE"), lambda: monkeypatch.setenv("SMFG_VERIFY_CACHE", "")):
        unset()
        found = programs_folder()
        assert found.is_absolute()
        assert found.parts[-2:] == ("smfg-verify", "programs")
        assert sys.platform != "linux" or found.is_relative_to(tmp_path / "cache")


def test_where_no_home_is_known_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("SMFG_VERIFY_CACHE")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *names, **how: Path("~/.cache/smfg-verify"))
    assert programs_folder() is None


def test_programs_are_kept_while_a_command_runs_and_by_no_one_else(monkeypatch, tmp_path):
    assert kept_programs._STORE == []
    monkeypatch.setenv("SMFG_VERIFY_CACHE", str(tmp_path))
    prepare(ProgramOptions())
    assert kept_programs._STORE[0].folder == tmp_path
    prepare(ProgramOptions(no_cache=True))
    assert kept_programs._STORE == []
    prepare(ProgramOptions())
    leave()
    assert kept_programs._STORE == []


def found_by(arguments, folder, capsys):
    """What a check found and said, times apart."""
    assert main([*arguments, "--out", str(folder)]) == 0
    captured = capsys.readouterr()
    record = json.loads((folder / "report.json").read_text())
    lines = [line for line in captured.out.splitlines() if not line.startswith(("Time: ", "Written to "))]
    return {**record, "timings": None}, lines, captured.err


def same_with_and_without(arguments, monkeypatch, tmp_path, capsys):
    cache = tmp_path / "cache"
    monkeypatch.setenv("SMFG_VERIFY_CACHE", str(cache))
    plain = found_by([*arguments, "--no-cache"], tmp_path / "plain", capsys)
    assert not cache.exists()
    compiled = found_by(arguments, tmp_path / "compiled", capsys)
    programs = {path: path.read_bytes() for path in cache.iterdir()}
    assert programs
    read = found_by(arguments, tmp_path / "read", capsys)
    assert {path: path.read_bytes() for path in cache.iterdir()} == programs
    assert compiled[:2] == read[:2] == plain[:2]


@pytest.mark.slow
def test_findings_are_the_same_with_programs_compiled_kept_and_read(monkeypatch, tmp_path, without_jaxs_cache):
    def found():
        report = check(load("two-road-toll"), ["ergodicity"], budget="quick", num_leaders=8, num_starts=2)
        return report.to_json()

    plain = found()
    monkeypatch.setenv("SMFG_VERIFY_CACHE", str(tmp_path))
    try:
        prepare(ProgramOptions())
        compiled, kept = found(), len(list(tmp_path.iterdir()))
        prepare(ProgramOptions())  # what is loaded is forgotten, as in a new process
        read = found()
    finally:
        leave()
    assert kept == len(list(tmp_path.iterdir())) > 0
    assert compiled == read == plain


@pytest.mark.slow
@pytest.mark.parametrize("game", ["laffer-tax", "market-entrance"])
def test_all_that_a_check_says_and_writes_is(game, monkeypatch, tmp_path, capsys, without_jaxs_cache):
    same_with_and_without(["check", game, "--budget", "quick"], monkeypatch, tmp_path, capsys)


def test_a_folder_that_cannot_be_costs_one_line(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SMFG_VERIFY_CACHE", str(tmp_path / "file" / "programs"))
    prepare(ProgramOptions())
    for key in "ab":
        kept_programs._STORE[0].put(key, b"program")
    leave()
    (line,) = capsys.readouterr().err.splitlines()
    assert "compiled programs are not kept" in line
    assert "--no-cache" in line
