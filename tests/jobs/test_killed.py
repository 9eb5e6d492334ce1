"""Commands that are killed (SIGKILL) at any moment: whole files only, and --resume comes to the same result."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.results import COMMANDS, assert_same_results, assert_whole, files_under

# Kills itself as its n-th file of results is complete and about to take its place.
SUICIDAL = (
    "import os, signal, sys\nfrom smfg_verify import files\nfrom smfg_verify.cli import main\n"
    "left, write = int(sys.argv[1]), files._complete\n"
    "def counted(path, content):\n"
    "    global left\n    left -= path.suffix in ('.json', '.nc')\n"
    "    if left <= 0:\n        files.Path.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)\n"
    "    return write(path, content)\n"
    "files._complete = counted\nsys.exit(main(sys.argv[2:]))\n"
)


def ended(kept, *command):
    """Exit code of a process that keeps its programs in a folder, and what it said."""
    words = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    environment = {**os.environ, "SMFG_VERIFY_CACHE": str(kept)}
    done = subprocess.run([sys.executable, *command], env=environment, **words)
    return done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "deaths"),
    [
        ("plan", (4,)),
        ("validate", (3, 4)),
        ("drift", (3, 5)),
    ],
)
def test_a_command_that_dies_with_a_file_in_its_hands_is_resumed_to_the_same_result(name, deaths, tmp_path):
    """The worst moments: the content of a file is complete and its name is not yet given; again and again."""
    reference, out, kept = (tmp_path / name for name in ("reference", "out", "kept"))
    assert ended(kept, "-m", "smfg_verify", *COMMANDS[name], "--out", str(reference))[0] == 0
    for death in deaths:
        more = ["--resume"] if death != deaths[0] else []
        code, said = ended(kept, "-c", SUICIDAL, str(death), *COMMANDS[name], "--out", str(out), *more)
        assert code == -9, said
        assert [path.suffix for path in files_under(out)].count(".partial") == 1
        assert_whole(out)
    code, said = ended(kept, "-m", "smfg_verify", *COMMANDS[name], "--out", str(out), "--resume")
    assert code == 0, said
    assert "Taking up" in said
    assert_same_results(out, reference)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_random_moments_is_resumed_to_the_same_result(name, tmp_path):
    kills = os.environ.get("SMFG_VERIFY_KILLS", "20")
    command = [sys.executable, "-m", "tests.support.killing", name, kills, str(tmp_path)]
    cache = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache")}  # killed processes may cut what JAX keeps
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **cache})
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    print(f"\n{name}: {counts}")
    assert counts["killed"] == int(kills)
