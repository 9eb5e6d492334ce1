"""Groups of options: their names and defaults, what wins over what, what is refused, and what --help shows."""

import dataclasses
import inspect
import json
import re
import shlex
import string
import subprocess
import sys
from importlib import metadata

import pytest
from cyclopts.completion.detect import ShellDetectionError
from hypothesis import given as drawn
from hypothesis import strategies as st

from smfg_verify.bounds import plan_power
from smfg_verify.cli import app as parser
from smfg_verify.cli import main
from smfg_verify.cli.commands import study
from smfg_verify.cli.config import gather
from smfg_verify.cli.options import CheckOptions, GameOptions, PlannedOptions, RunOptions, StepOptions
from smfg_verify.comparison import contender_names
from smfg_verify.errors import InputError
from smfg_verify.jobs import pipeline
from smfg_verify.jobs import plan as plan_job
from smfg_verify.jobs.settings import CheckSettings, RunSettings
from smfg_verify.stochastic import Schedule

GAME = ("--set", "--config")
RUN = ("--seeds", "--iterations", "--sampling")
STEPS = ("--leader-step", "--mean-field-step", "--follower-step", "--critic-step")
CHECK = ("--property", "--budget", "--leaders", "--starts", "--check-seed", "--time-limit")
OPTIONS = {
    "games": (),
    "show": (*GAME, "--no-cache"),
    "check": (
        *GAME,
        *STEPS,
        *CHECK,
        "--along",
        "--out",
        "--resume",
        "--strict",
        "--full",
        "--format",
        "--certificates",
        "--width",
        "--no-cache",
    ),
    "verify": ("--game", *GAME, "--no-cache"),
    "atlas": (*CHECK, "--out", "--resume", "--strict", "--no-cache"),
    "run": (*GAME, *RUN, *STEPS, "--out", "--resume", "--strict", "--overwrite", "--format", "--width", "--no-cache"),
    "validate": (
        *GAME,
        *RUN,
        *STEPS,
        *CHECK,
        "--out",
        "--resume",
        "--strict",
        "--overwrite",
        "--full",
        "--format",
        "--width",
        "--no-cache",
    ),
    "cases": ("--full", "--quick", "--out", "--resume", "--no-cache"),
    "plan": (*GAME, *RUN, "--pilot-seeds", "--pilot-iterations", *STEPS, "--out", "--resume", "--no-cache"),
    "drift": (*GAME, *RUN, *STEPS, "--out", "--resume", "--no-cache"),
    "bound": (*GAME, *RUN, *STEPS, "--budget", "--out", "--resume", "--width", "--no-cache"),
    "theorems": (*GAME, *STEPS, *CHECK, "--exponent", "--report", "--out", "--resume", "--no-cache"),
    "lab": (*GAME, *RUN, *STEPS, "--out", "--resume", "--width", "--no-cache"),
    "compare": (*GAME, "--method", "--samples", "--seeds", "--trials", "--out", "--resume", "--width", "--no-cache"),
}
COUNTS = ("--seeds", "--iterations", "--leaders", "--starts", "--check-seed", "--pilot-seeds", "--samples", "--trials")


def asked(arguments):
    """What a run, a check or a validation is asked for; it is not carried out."""
    found = {}

    def carry_out(command, game, directory, **how):
        found.update(how, game=game)
        raise InputError("far enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "carry_out", carry_out)
        assert main(arguments) == 2
    return found


def shown(command, capsys):
    assert main([*command.split(), "--help"]) == 0
    return capsys.readouterr().out


def refused(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("command", OPTIONS)
def test_a_command_takes_its_options_and_no_others(command, capsys):
    listed = re.findall(r"^│ (--.*?)  ", shown(command, capsys), re.MULTILINE)
    names = [name for labels in listed for name in re.findall(r"--[a-z-]+", labels)]
    assert sorted(names) == sorted(OPTIONS[command])


def test_the_groups_name_the_fields_they_stand_for():
    def names(group):
        return {field.name for field in dataclasses.fields(group)}

    assert names(CheckOptions) == names(CheckSettings)
    assert names(RunOptions) | {"schedule"} == names(RunSettings)
    assert names(StepOptions) <= set(Schedule().constants())
    assert names(PlannedOptions) <= set(inspect.signature(plan_power).parameters)


def test_a_default_in_brackets_is_the_settings_own(capsys):
    said = " ".join(shown("validate", capsys).replace("│", " ").split())
    run, check = RunSettings(), CheckSettings()
    for words, value in (
        ("Number of seeds of the run", run.seeds),
        ("Iterations of the run", run.iterations),
        ("markov or iid", run.sampling),
    ):
        assert f"{words} [{value}]" in said
    assert f"quick, normal or thorough [{check.budget}]" in said
    assert f"random draws [{check.seed}]" in said
    for unset, words in ((check.properties, "[all]"), (check.time_limit, "[never]"), (check.leaders, "[the budget's]")):
        assert unset is None
        assert words in said


keys = {"seeds": st.integers(1, 9), "iterations": st.integers(1, 99), "sampling": st.sampled_from(["markov", "iid"])}
constants = {field.name: st.integers(0, 64).map(lambda n: n / 16) for field in dataclasses.fields(StepOptions)}
searches = {"leaders": st.integers(1, 9), "seed": st.integers(0, 9), "budget": st.sampled_from(["quick", "normal"])}
texts = st.text(string.ascii_letters + string.digits + "[]=\"' ", min_size=1)


@drawn(*(st.fixed_dictionaries({}, optional=table) for table in (keys, keys, constants, constants, searches, searches)))
def test_a_value_of_the_command_line_wins_over_one_of_the_file_wins_over_the_default(
    tmp_path_factory, filed, typed, filed_steps, typed_steps, filed_check, typed_check
):
    tables = {"run": filed, "schedule": filed_steps, "check": filed_check}
    path = tmp_path_factory.getbasetemp() / "merged.toml"
    path.write_text(
        "\n".join(
            "\n".join((f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())))
            for table, values in tables.items()
        )
    )
    merged = gather(
        "any", GameOptions(config=path), RunOptions(**typed), StepOptions(**typed_steps), CheckOptions(**typed_check)
    )
    assert merged.run == RunSettings(**{**filed, **typed, "schedule": {**filed_steps, **typed_steps}})
    assert merged.check == CheckSettings(**{**filed_check, **typed_check})
    assert set(merged.given_check) == {*filed_check, *typed_check}


@drawn(texts.filter(lambda text: not text.startswith("-")), st.integers(1, 99), st.integers(1, 99))
def test_words_are_taken_as_they_are_in_any_order(tmp_path_factory, text, first, last):
    """No word is read as JSON, brackets or quotes, and the last of several values wins."""
    words = ("--property", text, "--property=other", "--seeds", str(first), "a:game", f"--seeds={last}")
    found = asked(["validate", *words, "--out", str(tmp_path_factory.getbasetemp() / "words")])
    assert found["game"].name == "a:game"
    assert found["check_settings"].properties == (text, "other")
    assert found["run"].seeds == last


@pytest.mark.parametrize("option", COUNTS)
@pytest.mark.parametrize("text", ["5.7", "0.5", "1e-1", "0x10", "five", "1e400", "nan", "inf"])
def test_a_count_that_is_no_whole_number_is_refused_not_rounded(option, text, capsys):
    command = next(name for name in ("validate", "plan", "compare") if option in OPTIONS[name])
    assert option in refused([command, "laffer-tax", option, text], capsys)
    assert option in refused([command, "laffer-tax", f"{option}={text}"], capsys)


@pytest.mark.parametrize("text", ["5", "5.0", "005", "+5", " 5", "5.", "5e0", "0.5e1", "50e-1"])
def test_a_whole_number_is_a_count_however_it_is_written(text, tmp_path):
    found = asked(["check", "laffer-tax", "--leaders", text, "--out", str(tmp_path)])
    assert found["check_settings"].leaders == 5


def test_counts_to_plan_for_are_repeated_and_a_pilot_has_its_own(monkeypatch):
    found = {}

    def make_plan(game, pilot, store, **choices):
        found.update(choices, pilot=pilot)
        raise InputError("far enough")

    monkeypatch.setattr(plan_job, "make_plan", make_plan)
    assert main(["plan", "--seeds", "8", "laffer-tax", "--pilot-seeds", "3", "--seeds", "16", "--iterations", "9"]) == 2
    assert (found["seeds"], found["planned_iterations"], found["pilot"].seeds) == ((8, 16), (9,), 3)
    found.clear()
    assert main(["plan", "laffer-tax"]) == 2
    assert set(found) == {"pilot"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["validate", "laffer-tax", "--no-resume"], "--no-resume"),
        (["check", "laffer-tax", "--empty-property"], "--empty-property"),
        (["check", "laffer-tax", "two-road-toll"], "two-road-toll"),
        (["check", "--game", "laffer-tax"], "--game"),
        (["run", "laffer-tax", "--seeds"], "--seeds"),
        (["run", "laffer-tax", "--out", "--resume"], "--out"),
        (["run", "laffer-tax", "--leader-step", "fast"], "--leader-step"),
        (["drift", "laffer-tax", "--strict"], "--strict"),
        (["check", "laffer-tax", "--overwrite"], "--overwrite"),
        (["compare", "laffer-tax", "--leader-step", "1"], "--leader-step"),
        (["--verison"], "--verison"),
    ],
)
def test_a_misused_option_is_one_line_and_exit_code_two(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in refused(arguments, capsys)
    assert list(tmp_path.iterdir()) == []


def test_help_shows_brackets_and_examples_that_parse(capsys):
    for command in OPTIONS:
        said = shown(command, capsys).splitlines()
        examples = said[said.index("Examples:") + 1 :]
        assert examples
        for example in examples:
            program, *words = shlex.split(example)
            assert (program, words[0]) == ("smfg-verify", command)
            parser.app.parse_args(words)
    bound = parser.app.parse_args(shlex.split(parser._EXAMPLES[study.compare][0]))[1]
    assert set(bound.arguments["budget"].methods) <= set(contender_names())
    assert "A property to check; repeatable [all]." in shown("check", capsys)


def test_help_of_every_command_imports_no_solver():
    program = (
        "import sys; from smfg_verify.cli import main\n"
        f"for command in {list(OPTIONS)!r}: assert main([command, '--help']) == 0\n"
        "assert main(['--version']) == 0; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *_, version, modules = done.stdout.splitlines()
    assert version == metadata.version("smfg-verify")
    assert {"jax", "numpy", "matplotlib", "xarray"}.isdisjoint(modules.split())


def test_completion_is_installed_for_the_shell_that_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["--install-completion", "--shell", "bash"]) == 0
    (script,) = [path for path in tmp_path.rglob("*smfg-verify*") if path.is_file()]
    assert str(script) in capsys.readouterr().err
    assert all(word in script.read_text() for word in ("validate", "--mean-field-step", "--install-completion"))
    assert "csh" in refused(["--install-completion", "--shell", "csh"], capsys)


def test_a_shell_that_cannot_be_told_is_asked_for_in_one_line(monkeypatch, capsys):
    def unknown():
        raise ShellDetectionError

    monkeypatch.setattr("cyclopts.completion.detect.detect_shell", unknown)
    assert "--shell bash" in refused(["--install-completion"], capsys)


SHARED = {
    "run": {"seeds": 7, "iterations": 70, "sampling": '"iid"'},
    "schedule": {"leader": 0.25, "critic": 2.0},
    "check": {"budget": '"quick"', "leaders": 3},
}
CARRIED_OUT = {
    "show": "one_game.load_game",
    "check": "pipeline.carry_out",
    "run": "pipeline.carry_out",
    "validate": "pipeline.carry_out",
    "plan": "plan.make_plan",
    "drift": "drift.find_drift",
    "bound": "bound.find_bound",
    "theorems": "theorems.find_theorems",
    "lab": "lab.run_laboratory",
    "compare": "compare.make_comparison",
}
UNUSED = {
    "show": "run.seeds, run.iterations, run.sampling, schedule.leader, schedule.critic, check.budget, check.leaders",
    "check": "run.seeds, run.iterations, run.sampling",
    "run": "check.budget, check.leaders",
    "plan": "run.seeds, run.iterations, check.budget, check.leaders",
    "drift": "run.seeds, run.iterations, check.budget, check.leaders",
    "bound": "run.seeds, run.iterations, run.sampling, check.budget, check.leaders",
    "theorems": "run.seeds, run.iterations, run.sampling",
    "lab": "run.seeds, run.iterations, check.budget, check.leaders",
    "compare": "run.seeds, run.iterations, run.sampling, schedule.leader, schedule.critic, check.budget, check.leaders",
}


def said_of(tables, command, tmp_path, monkeypatch, capsys):
    """What a command says of a configuration file on its way to the job, and the settings the job is given."""
    path = tmp_path / "shared.toml"
    written = ((table, "\n".join(f"{key} = {value}" for key, value in keys.items())) for table, keys in tables.items())
    path.write_text("\n".join(f"[{table}]\n{lines}" for table, lines in written))
    found = []

    def carry_out(*arguments, **how):
        found.extend([*arguments, *how.values()])
        raise InputError("far enough")

    monkeypatch.setattr(f"smfg_verify.jobs.{CARRIED_OUT[command]}", carry_out)
    out = [] if command == "show" else ["--out", str(tmp_path / "out")]
    assert main([command, "laffer-tax", "--config", str(path), *out]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    *lines, last = captured.err.splitlines()
    assert last == "smfg-verify: far enough"
    return lines, found


@pytest.mark.parametrize("command", CARRIED_OUT)
def test_one_file_serves_every_command_and_each_says_in_one_line_what_it_leaves(command, tmp_path, monkeypatch, capsys):
    lines, found = said_of(SHARED, command, tmp_path, monkeypatch, capsys)
    if command not in UNUSED:
        assert lines == []
    else:
        (line,) = lines
        assert line.startswith(f"smfg-verify: --config: {tmp_path / 'shared.toml'}: {command} has no use for ")
        left, taken = line.removesuffix(".").split(" has no use for ")[1].split("; it takes ")
        assert left == UNUSED[command]
        assert taken.split(", ")[0] == "game.*"
        assert set(left.split(", ")).isdisjoint(taken.split(", "))
        # What it takes it is not silent about, and the rest of the file takes effect.
        everything = {f"{table}.{key}" for table, keys in SHARED.items() for key in keys}
        assert everything - set(left.split(", ")) <= set(taken.split(", "))
    if command in ("plan", "drift", "lab"):
        (run,) = (value for value in found if isinstance(value, RunSettings))
        assert (run.sampling, run.schedule) == ("iid", {"leader": 0.25, "critic": 2.0})
        assert (run.seeds, run.iterations) not in {(7, 70)}


@pytest.mark.parametrize("command", CARRIED_OUT)
def test_a_file_of_nothing_but_what_a_command_takes_is_not_spoken_of(command, tmp_path, monkeypatch, capsys):
    left = set(UNUSED.get(command, "").split(", "))
    own = {
        table: {key: value for key, value in keys.items() if f"{table}.{key}" not in left}
        for table, keys in SHARED.items()
    }
    assert said_of({"game": {}, **own}, command, tmp_path, monkeypatch, capsys)[0] == []
