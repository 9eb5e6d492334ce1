"""The command line that a document names has the settings of the record, by the reader of command lines."""

import math
import shlex

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.cli import app
from smfg_verify.cli.config import gather
from smfg_verify.cli.options import GameOptions
from smfg_verify.errors import InputError
from smfg_verify.jobs.settings import CheckSettings, GameSettings, RunSettings
from smfg_verify.records.codec import plain
from smfg_verify.report.formats.command_line import command_line

NUMBERS = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
VALUES = NUMBERS | st.booleans() | TEXTS | st.lists(NUMBERS | TEXTS, min_size=1, max_size=3)
NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True)
# Arguments of settings, which are made in the test: where annotations are checked, no strategy may make them.
GAMES = st.tuples(st.from_regex(r"[a-z][\w .:/]{0,12}", fullmatch=True), st.dictionaries(NAMES, VALUES))
CONSTANTS = st.fixed_dictionaries(
    {name: st.floats(0.0, 1e3) for name in ("leader", "mean_field", "follower", "critic")}
)
RUNS = st.tuples(st.integers(1, 999), st.integers(1, 10**7), st.sampled_from(["markov", "iid"]), CONSTANTS)
PROPERTIES = st.lists(st.sampled_from(["coverage", "step-sizes"]), min_size=1, max_size=2).map(tuple)
CHECKS = st.fixed_dictionaries(
    {
        "properties": st.none() | PROPERTIES,
        "budget": st.sampled_from(["quick", "normal", "thorough"]),
        "leaders": st.none() | st.integers(1, 99),
        "starts": st.none() | st.integers(1, 99),
        "seed": st.integers(0, 99),
        "time_limit": st.none() | st.floats(0.5, 1e6),
    }
)


def record(command, game, run, check):
    asked = {"name": game.name, "parameters": plain(game.parameters)}
    return {
        "command": command,
        "settings": {"game": asked, "run": plain(run), "check": plain(check)},
        "assumptions": {"settings": {"step_sizes": {"leader": 0.25}}},
    }


def settings_of(line):
    """What the command line's own reader makes of a line."""
    words = shlex.split(line)
    assert words[0] == "smfg-verify"
    _, bound, _ = app.app.parse_args(words[1:])
    found = {"parameters": GameOptions(), **bound.arguments}
    groups = [found.get(name) for name in ("length", "steps", "hardness")]
    return gather(found["game"], found["parameters"], *groups, command=words[1])


@settings(max_examples=20)  # each is a line parsed, a tenth of a second
@given(GAMES, RUNS, CHECKS)
def test_a_validation_is_asked_for_again(game, run, check):
    game, run, check = GameSettings(*game), RunSettings(*run), CheckSettings(**check)
    found = settings_of(command_line(record("validate", game, run, check)))
    assert (found.game, found.run, found.check) == (game, run, check)


def test_a_run_has_no_options_of_a_check_and_a_check_has_step_constants():
    game = GameSettings("my games.py:Game", {"kappa": np.array([1.0, 3.0]), "deep": [[1, 2], [3, 4]]})
    run = settings_of(command_line(record("run", game, RunSettings(3, 5, "iid", {"leader": 0.125}), None)))
    assert run.run == RunSettings(3, 5, "iid", {"leader": 0.125})
    assert run.game.parameters == {"kappa": [1.0, 3.0], "deep": [[1, 2], [3, 4]]}
    check = settings_of(command_line(record("check", game, None, CheckSettings(("coverage",)))))
    assert check.check == CheckSettings(("coverage",))
    assert check.given_run["schedule"] == {"leader": 0.25}


def test_numbers_that_are_not_finite_are_written_as_they_are_read():
    line = command_line(record("check", GameSettings("g", {"a": math.inf, "b": -math.inf, "c": math.nan}), None, None))
    found = settings_of(line).game.parameters
    assert (found["a"], found["b"], math.isnan(found["c"])) == (math.inf, -math.inf, True)


def test_a_parameter_that_no_command_line_takes_is_named():
    with pytest.raises(InputError, match="expected a number, a text"):
        command_line(record("check", GameSettings("g", {"a": {"b": 1}}), None, None))
