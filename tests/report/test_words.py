"""What summaries and captions say of how much was looked at, driven into the cases in which they said too much."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from smfg_verify.assumptions import AssumptionReport, Finding, property_names
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.bounds import RateVerdict
from smfg_verify.cli import main
from smfg_verify.jobs.pipeline import Results
from smfg_verify.jobs.settings import CheckSettings
from smfg_verify.report import show
from smfg_verify.report.tables.comparison import _spread
from smfg_verify.report.tables.lab import _answer
from smfg_verify.report.tables.layout import pairs_table

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


def finding(name, statement, verdict):
    return Finding(
        property=name,
        statement=statement,
        verdict=verdict,
        constant=1.0,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        witness={"x": np.zeros(1)},
    )


def report(*findings):
    return AssumptionReport(game_name="G", game_hash="0" * 64, settings={}, findings=findings)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (
            {"e_omega": RateVerdict.INCONCLUSIVE, "e_mu": RateVerdict.FASTER},
            "none of 2 residuals judged, 1 of them incon",
        ),
        ({"e_omega": RateVerdict.SLOWER, "e_mu": RateVerdict.FASTER}, "e_omega; of 2 residuals judged"),
        ({"policy_gap": RateVerdict.SLOWER, "e_mu": RateVerdict.FASTER}, "none of 1 residuals judged"),
    ],
)
def test_nothing_slower_is_said_out_of_what_could_be_judged(verdicts, words):
    rows = tuple(SimpleNamespace(name=name, verdict=verdict) for name, verdict in verdicts.items())
    results = Results(
        command="validate", settings=None, game=None, uniform=None, bounds=SimpleNamespace(rows=rows), assumptions=None
    )
    assert words in show._summary(results).plain


def test_optima_that_could_not_be_compared_are_not_said_to_differ():
    found, foreseen = SimpleNamespace(choice={"leader": 1.0}), SimpleNamespace(choice={"leader": 2.0})
    for difference in ((np.nan, np.nan), (np.inf, 1.0), (1.0, np.nan)):
        said = _answer(SimpleNamespace(found=found, foreseen=foreseen, difference=difference))
        assert "differ" not in said
        assert "could not be compared" in said


def test_a_number_that_is_none_is_not_said_to_have_diverged():
    values = np.array([[1.0], [np.nan], [np.nan]])
    assert _spread(values, np.array([False, True, True]), -np.inf, 3) == "diverged [diverged, 1]"
    assert _spread(values, np.array([False, True, False]), -np.inf, 3) == "none [none, 1]"


@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan, np.inf, True, "fast"])
def test_a_time_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="time limit"):
        CheckSettings(time_limit=limit)


@pytest.mark.slow
def test_the_time_limit_of_the_command_line_reaches_the_findings(tmp_path, capsys):
    game = [
        "check",
        "market-entrance",
        "--full",
        "--budget",
        "quick",
        "--property",
        "lipschitz",
        "--out",
        str(tmp_path),
    ]
    assert main(game) == 0
    free = " ".join(capsys.readouterr().out.split())
    assert "time limit" not in free
    assert free.endswith(f"Refuted: none of 1 checked, {len(property_names()) - 1} not checked")
    assert main([*game, "--time-limit", "1e-9"]) == 0
    assert "A time limit cut short" in " ".join(capsys.readouterr().out.split())
    assert main([*game, "--time-limit", "0"]) == 2


def test_a_long_reason_is_folded_and_not_cut_off():
    reason = "still in its transient: " + "of the way that the leaders have gone " * 6 + "run it longer"
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(pairs_table("Why inconclusive", {"running-minimum": reason}))
    assert " ".join(console.export_text().split()).endswith("run it longer")
