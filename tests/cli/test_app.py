"""The command line: what each command writes, what it says, its exit codes, and that a run can be taken up again."""

import contextlib
import io
import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from smfg_verify import progress
from smfg_verify.assumptions import AssumptionReport, Finding, Verdict, property_names
from smfg_verify.bounds import BoundReport, validate_bounds
from smfg_verify.cli import main
from smfg_verify.cli.config import parse_assignments
from smfg_verify.exact import stackelberg_gradient
from smfg_verify.game import game_hash
from smfg_verify.games import load, names
from smfg_verify.stochastic import Schedule, Trace, ac_smfg
from tests.support.processes import interruptible

TINY_RUN = ["--seeds", "5", "--iterations", "300"]
TINY_CHECK = ["--budget", "quick", "--leaders", "24", "--starts", "2", "--property", "gradient-alignment"]
NAMES = ("convergence", "alignment", "alignment-field", "equilibrium")
FIGURES = {f"{name}.{kind}" for name in NAMES for kind in ("png", "svg", "pdf")}


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    """One small validation of the counter-example, shared: exit code with --strict, the directory, the screen."""
    directory, screen = tmp_path_factory.mktemp("laffer"), io.StringIO()
    with contextlib.redirect_stdout(screen):
        code = main(["validate", "laffer-tax", *TINY_RUN, *TINY_CHECK, "--strict", "--full", "--out", str(directory)])
    return code, directory, screen.getvalue()


@pytest.fixture(scope="module")
def report(validated):
    return json.loads((validated[1] / "report.json").read_text())


def refused(arguments, capsys):
    """The one line on standard error of bad input."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


def test_validate_writes_what_it_promises_and_strict_fails_on_the_refutation(validated, report):
    code, directory, _ = validated
    assert code == 1
    assert {"trace.nc", *FIGURES} == set(report["files"])
    assert {file.name for file in directory.iterdir()} == {"report.json", *report["files"]}
    assert (directory / "convergence.png").read_bytes().startswith(b"\x89PNG")
    assert (directory / "convergence.svg").read_text().lstrip().startswith("<?xml")
    assert "gradient-alignment/cosine" in report["summary"]["refuted"]


def test_a_refuted_witness_of_the_report_reproduces_its_number(report):
    game = load("laffer-tax")
    assert report["game"]["identity"] == game_hash(game)
    findings = [Finding.from_json(json.dumps(record)) for record in report["assumptions"]["findings"]]
    refuted = [finding for finding in findings if finding.verdict is Verdict.REFUTED]
    assert refuted
    for finding in refuted:
        assert finding.reproduce(game) == pytest.approx(finding.constant, rel=1e-9)


def test_the_report_holds_what_the_python_calls_give(validated, report):
    game = load("laffer-tax")
    trace = Trace.load(validated[1] / "trace.nc")
    by_hand = ac_smfg(game, num_iterations=300, seeds=range(5))
    np.testing.assert_array_equal(trace.leader_logits, by_hand.leader_logits)
    bounds = BoundReport.from_json(json.dumps(report["bounds"]))
    assert bounds.to_json() == validate_bounds(game, by_hand).to_json()
    gradient = stackelberg_gradient(game, np.zeros((1, 2)))
    assert report["uniform_leader"]["objective"] == pytest.approx(float(gradient.objective), rel=1e-12)
    np.testing.assert_allclose(report["uniform_leader"]["gradient"], gradient.total, rtol=1e-12)
    assumptions = AssumptionReport.from_json(json.dumps(report["assumptions"]), game)
    assert assumptions.settings["num_leaders"] == 24
    assert assumptions.settings["trajectory_leaders"] == trace.leader_logits.shape[0] * trace.leader_logits.shape[1]


def without_timings(directory):
    return {**json.loads((directory / "report.json").read_text()), "timings": None}


def test_repeating_a_finished_check_gives_the_same_record_and_bytes(tmp_path):
    check = ["check", "laffer-tax", "--property", "coverage", "--budget", "quick", "--out", str(tmp_path)]
    found = []
    for _ in range(2):
        assert main(check) == 0
        figures = {path: path.read_bytes() for path in tmp_path.iterdir() if path.name != "report.json"}
        found.append((without_timings(tmp_path), figures))
    assert found[0] == found[1]
    assert found[0][1]


@pytest.mark.slow
def test_repeating_a_finished_job_gives_the_same_record_and_bytes(validated, report):
    """Of a whole validation, with every figure."""
    directory = validated[1]
    figures = {name: (directory / name).read_bytes() for name in FIGURES}
    assert main(["validate", "laffer-tax", *TINY_RUN, *TINY_CHECK, "--out", str(directory)]) == 0
    assert without_timings(directory) == {**report, "timings": None}
    assert all((directory / name).read_bytes() == content for name, content in figures.items())


@pytest.mark.parametrize("kind", ["html", "latex", "markdown", "json"])
def test_what_it_left_is_made_a_document(validated, report, kind, tmp_path, capsys):
    """Every verdict, every figure and every rate of a real job, in every format."""
    file = tmp_path / "document"
    assert main(["report", str(validated[1]), "--format", kind, "--out", str(file), "--date", "a Monday"]) == 0
    assert capsys.readouterr().out == f"Written to {file}\n"
    said = file.read_text().replace("\\", "")
    for row in report["bounds"]["rows"]:
        assert kind == "json" or f"{row['means'][0]:.3g}" in said
    assert all(finding["statement"] in said for finding in report["assumptions"]["findings"])
    assert all(name in said for name in NAMES)
    assert ("a Monday" in said) == (kind != "json")


def test_another_run_in_the_directory_is_not_lost(validated, capsys):
    directory = validated[1]
    before = (directory / "trace.nc").read_bytes()
    other = ["run", "laffer-tax", "--seeds", "5", "--iterations", "200", "--out", str(directory)]
    assert "--overwrite" in refused(other, capsys)
    assert "iterations = 200" in refused([*other, "--resume"], capsys)
    assert (directory / "trace.nc").read_bytes() == before


def test_the_screen_says_what_a_sceptic_needs(validated, report):
    said = " ".join(validated[2].split())
    for words in ("refuted", "residual", "unconverged", "masked total", "diverged", "slope", "envelope C", "growing"):
        assert words in said
    for name in ("e_omega", "e_theta", "e_mu", "e_Vf", "e_Vl", "running-minimum"):
        assert name in said
    for finding in report["assumptions"]["findings"]:
        assert f"{finding['statement']} {finding['verdict']}" in said
    for row in report["bounds"]["rows"]:
        assert f"{row['slope']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]" in said


@pytest.mark.parametrize("width", [60, 80, 132])
def test_a_check_ends_with_its_count_within_the_columns_that_are_asked_for(width, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["check", "laffer-tax", "--property", "coverage", "--budget", "quick", "--out", str(tmp_path)]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("Written to ")]
    assert max(map(len, said)) <= width
    assert said[0].split() == ["property", "verdict", "decided", "by"]
    assert said[-1] == f"Refuted: none of 1 checked, {len(property_names()) - 1} not checked"


def test_games_lists_every_game(capsys):
    assert main(["games"]) == 0
    listed = capsys.readouterr().out
    assert all(re.search(rf"^ ?{name} ", listed, re.MULTILINE) for name in names())


def test_show_gives_the_numbers_of_the_gradient(capsys):
    assert main(["show", "laffer-tax", "--set", "temperature=0.4", "--set", "taxes=0,0.7"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    gradient = stackelberg_gradient(load("laffer-tax", temperature=0.4, taxes=[0, 0.7]), np.zeros((1, 2)))
    assert f"objective Phi {float(gradient.objective):.10g}" in shown
    assert f"policy-space gap {float(gradient.policy_gap):.6g}" in shown
    assert "taxes [0.0, 0.7]" in shown


def test_strict_is_satisfied_where_nothing_is_refuted_and_a_check_needs_no_run(tmp_path):
    coverage = ["--property", "coverage", "--budget", "quick", "--strict", "--out", str(tmp_path)]
    assert main(["check", "laffer-tax", *coverage]) == 0
    record = json.loads((tmp_path / "report.json").read_text())
    assert "refuted" not in {finding["verdict"] for finding in record["assumptions"]["findings"]}
    assert record["summary"] == {"refuted": [], "slower": []}
    assert "run" not in record
    assert not (tmp_path / "trace.nc").exists()


@pytest.mark.slow
def test_settings_of_a_file_and_the_command_line_which_wins_on_a_users_game(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("from smfg_verify.games import LafferTax\nclass Mine(LafferTax):\n    pass\n")
    (tmp_path / "mine.toml").write_text(
        "[game]\nkappa = 0.5\noutside = 0.4\n[run]\nseeds = 2\niterations = 40\nsampling = 'iid'\n"
        "[schedule]\nleader = 0.9\n"
    )
    given = ["--config", "mine.toml", "--set", "kappa=0.2", "--seeds", "3", "--critic-step", "3"]
    assert main(["run", "mine.py:Mine", *given]) == 0
    record = json.loads((tmp_path / "results" / "Mine" / "report.json").read_text())
    assert record["game"]["class"] == "Mine"
    assert record["game"]["parameters"]["kappa"] == 0.2
    assert record["game"]["parameters"]["outside"] == 0.4
    run = record["settings"]["run"]
    assert (run["seeds"], run["iterations"], run["sampling"]) == (3, 40, "iid")
    assert run["schedule"] == {**Schedule().constants(), "leader": 0.9, "critic": 3.0}
    assert any("zeta" in warning for warning in record["warnings"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("-1e-3", -1e-3),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ("1,2", [1, 2]),
        ("[[1, 0], [0, 1]]", [[1, 0], [0, 1]]),
        ("buy_skew", "buy_skew"),
        ("'2'", "2"),
        ("a,b", "a,b"),
        ("2024-01-01", "2024-01-01"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_a_value_is_read_as_toml_a_bare_list_or_text(text, value):
    read = parse_assignments([f"name={text}"])["name"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "lafer-tax"], "laffer-tax"),
        (["show", "laffer-tax", "--set", "kapa=2"], "kappa"),
        (["show", "laffer-tax", "--set", "kappa"], "name=value"),
        (["show", "laffer-tax", "--set", "kappa=1", "--set", "kappa=2"], "more than once"),
        (["show", "laffer-tax", "--set", "kappa=much"], "kappa"),
        (["show", "nowhere.py:Mine"], "nowhere.py"),
        (["show", "laffer-tax", "--config", "nowhere.toml"], "nowhere.toml"),
        (["run", "laffer-tax", "--seeds", "0"], "seeds"),
        (["run", "laffer-tax", "--seeds", "many"], "--seeds"),
        pytest.param(["run", "laffer-tax", "--sampling", "idd"], "iid", marks=pytest.mark.wrong_types),
        (["run", "laffer-tax", "--leader-step", "nan"], "leader"),
        (["run", "laffer-tax", "--resume"], "no run"),
        (["run", "laffer-tax", "--iteration", "3"], "--iteration"),
        (["check", "laffer-tax", "--leaders", "0"], "leaders"),
        (["check", "laffer-tax", "--property", "gradient-alinment"], "did you mean 'gradient-alignment'?"),
        (["check", "laffer-tax", "--budget", "norml"], "did you mean 'normal'?"),
        (["atlas", "lafer-tax"], "laffer-tax"),
        (["atlas", "--property", "ergodicty"], "did you mean 'ergodicity'?"),
        (["check"], "GAME"),
        (["chek", "laffer-tax"], "chek"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert words in refused(arguments, capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run]\niteration = 3", "'iterations'"),
        ("[runs]\nseeds = 3", "'run'"),
        ("run = 3", "table"),
        ("[schedule]\nleader = 'fast'", "leader"),
        ("[game]\nkapa = 3", "'kappa'"),
        ("not toml", "TOML"),
    ],
)
def test_a_bad_file_is_named_with_the_closest_key(text, words, capsys, tmp_path):
    config = tmp_path / "settings.toml"
    config.write_text(text)
    assert words in refused(["run", "laffer-tax", "--config", str(config), "--out", str(tmp_path / "out")], capsys)


def test_a_file_without_the_class_is_refused(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text("from smfg_verify.games import LafferTax\nclass Mine(LafferTax):\n    pass\n")
    assert "Mine" in refused(["show", f"{file}:Mime"], capsys)


def test_help_imports_no_solver():
    program = "import sys; from smfg_verify.cli import main; assert main(['--help']) == 0; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    *shown, modules = done.stdout.splitlines()
    assert all(any(command in line for line in shown) for command in ("games", "show", "check", "run", "validate"))
    assert {"jax", "numpy", "matplotlib", "xarray"}.isdisjoint(modules.split())


@pytest.mark.slow
def test_control_c_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path):
    """A real process and a real signal, in the middle of a run far too long to end before."""
    out = tmp_path / "out"
    arguments = ["run", "laffer-tax", "--seeds", "2", "--iterations", "100000000", "--out", str(out)]
    command = [sys.executable, "-m", "smfg_verify", *arguments]
    deadline = time.monotonic() + 120.0
    with interruptible(command) as process:
        while not (out / "trace.nc").exists() or Trace.load(out / "trace.nc").iterations[-1] == 0:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1].endswith(f"{' '.join(arguments)} --resume")
    assert not Trace.load(out / "trace.nc").complete
    assert not (out / "report.json").exists()


def test_an_interrupted_run_is_resumed_to_the_same_final_bits(tmp_path, monkeypatch, capsys):
    arguments = ["run", "laffer-tax", "--seeds", "2", "--iterations", "20000", "--out", str(tmp_path)]

    def interrupt(done):
        if done >= 1000:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(progress, "lines", lambda say, total, unit: interrupt)
        assert main(arguments) == 130
    assert capsys.readouterr().err.splitlines()[-1].endswith("--resume")
    stopped = Trace.load(tmp_path / "trace.nc")
    assert 0 < stopped.iterations[-1] < 20_000
    assert "--resume" in refused(arguments, capsys)
    assert main([*arguments, "--resume"]) == 0
    resumed = Trace.load(tmp_path / "trace.nc")
    whole = ac_smfg(load("laffer-tax"), num_iterations=20_000, seeds=range(2))
    for name in ("iterations", "leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name))
