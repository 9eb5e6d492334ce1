"""No command computes without a word: whatever takes long is called where it is said what is done. No clock decides."""

import importlib
import types

import pytest

from smfg_verify import watching
from smfg_verify.assumptions import checking, property_names
from smfg_verify.cli import main
from smfg_verify.games import load
from smfg_verify.learners import LEARNERS
from tests.support.results import COMMANDS, METHODS
from tests.support.saved_results import record_of_all_stages, save

JOBS = "smfg_verify.jobs"
SAID = {  # command -> what takes long in it, and how many words it says at least
    "show": ([f"{JOBS}.one_game:stackelberg_gradient"], 1),
    "check": ([f"{JOBS}.one_game:stackelberg_gradient", f"{JOBS}.pipeline:check"], 2 + 2),
    "derive": ([f"{JOBS}.derive:stackelberg_formula", f"{JOBS}.derive:alignment_formula"], 1),
    "validate": ([f"{JOBS}.pipeline:{name}" for name in ("ac_smfg", "check", "exact_residuals", "validate_bounds")], 6),
    "run": ([f"{JOBS}.pipeline:ac_smfg"], 2),
    "atlas": ([f"{JOBS}.atlas:check"], 2 * (1 + 2)),
    "compare": ([f"{JOBS}.compare:compare"], 1 + len(METHODS) // 2),
    "plan": ([f"{JOBS}.plan:{name}" for name in ("kept_run", "exact_residuals", "plan_power")], 3),
    "drift": ([f"{JOBS}.drift:{name}" for name in ("kept_run", "validate_drift", "exact_residuals")], 3),
    "lab": ([f"{JOBS}.lab:{name}" for name in ("validate_drift", "step_laboratory")], 2),
}
ARGUMENTS = {"show": ["show", "laffer-tax"], "derive": ["derive", "laffer-tax", "--about", "alignment"], **COMMANDS}
QUICK = ("show", "run")


@pytest.fixture
def watch(monkeypatch):
    """A watch that never speaks, for whatever is done meanwhile."""
    watch = watching.Watch("nothing is said")
    monkeypatch.setattr(watching, "_WATCHES", [watch])
    return watch


def listened(place, watch, titles, monkeypatch):
    """Write down what is said to be done when a function is called."""
    module, name = place.split(":")
    function = getattr(importlib.import_module(module), name)

    def call(*arguments, **options):
        titles.setdefault(place, []).append(watch.doings)
        return function(*arguments, **options)

    monkeypatch.setattr(importlib.import_module(module), name, call)


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in SAID]
)
def test_what_takes_long_is_done_under_a_title_and_the_words_are_counted(command, watch, tmp_path, monkeypatch, capsys):
    places, least = SAID[command]
    titles = {}
    for place in places:
        listened(place, watch, titles, monkeypatch)
    out = [] if command in ("show", "derive") else ["--out", str(tmp_path)]
    assert main([*ARGUMENTS[command], *out]) == 0
    assert sorted(titles) == sorted(places)
    assert all(len(open_) > 1 for calls in titles.values() for open_ in calls), titles
    assert len(capsys.readouterr().err.splitlines()) >= least


@pytest.fixture
def nothing_is_solved(monkeypatch):
    """What the stages of jobs compute with is refused, validation of a game included."""

    def refused(*arguments, **options):
        raise AssertionError("computed, though nothing of it is printed")

    computed = {
        "one_game": ("validate", "stackelberg_gradient"),
        "pipeline": ("ac_smfg", "check", "exact_residuals", "validate_bounds"),
    }
    for module, names in computed.items():
        for name in names:
            monkeypatch.setattr(importlib.import_module(f"smfg_verify.jobs.{module}"), name, refused)


def test_rates_of_learning_are_derived_without_a_game_being_solved(nothing_is_solved, capsys):
    arguments = ["--about", "rates", *(f"--exponent={name}=1/2" for name in LEARNERS)]
    assert main(["derive", "laffer-tax", *arguments]) == 0
    assert "1/2" in capsys.readouterr().out


@pytest.mark.wrong_types
def test_a_report_reads_and_draws_nothing_anew(nothing_is_solved, tmp_path, monkeypatch, capsys):
    for module, name in (("games._registry", "load"), ("report.figures.drawing", "figure_files")):
        monkeypatch.setattr(importlib.import_module(f"smfg_verify.{module}"), name, None)
    directory = save(tmp_path, record_of_all_stages())
    assert main(["report", str(directory), "--print"]) == 0
    assert "<table" in capsys.readouterr().out


def test_every_property_begins_with_a_word(monkeypatch, capsys):
    """Whatever a check of it would take: here each is found nothing about."""
    monkeypatch.setattr(checking, "without_untraced_proofs", lambda game, findings: ())
    monkeypatch.setattr(
        checking, "find_property", lambda name: types.SimpleNamespace(name=name, check=lambda game, settings: [])
    )
    checking.check(load("laffer-tax"), progress=True)
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == list(property_names())
