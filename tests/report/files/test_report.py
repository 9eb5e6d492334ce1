"""report.json: what was asked for, what was found, what was written; no stage that was not run is in it."""

import dataclasses
import json

import numpy as np
import pytest

from smfg_verify.games import load
from smfg_verify.jobs.pipeline import Results
from smfg_verify.jobs.settings import CheckSettings, GameSettings, RunSettings
from smfg_verify.report.files.report import SCHEMA_VERSION, report_bytes, run_record
from tests.bounds.rates.test_decay import noisy_power_law
from tests.bounds.rates.test_run_residuals import random_iterates, trace_of
from tests.bounds.rates.test_validate_bounds import report_of
from tests.report.records import assumptions, finding, gradient

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types

GAME = load("laffer-tax")
OPTIONS = '{"sampling": "markov", "schedule": {"critic": 2.0, "follower": 1.0, "leader": 0.25, "mean_field": 0.5}}'


def results(**stages):
    uniform = gradient(GAME)
    uniform.certificate = dict(vars(uniform.certificate))
    return Results(command="validate", settings=GameSettings("laffer-tax"), game=GAME, uniform=uniform, **stages)


def read(found, files=()):
    return json.loads(report_bytes(found, files), parse_constant=pytest.fail)


def trace():
    run = trace_of(GAME, random_iterates(np.random.default_rng(0), GAME, seeds=3, checkpoints=2))
    metadata = dataclasses.replace(run.metadata, method_options=OPTIONS)
    return dataclasses.replace(run, metadata=metadata, diverged=np.array([False, True, False]))


def test_the_uniform_leader_s_equilibrium_and_gradient_are_written():
    found = results()
    record = read(found, ("a.png",))
    uniform = record["uniform_leader"]
    for name, part in (("gradient", "total"), ("direct", "direct"), ("held_field", "held_field")):
        np.testing.assert_array_equal(uniform[name], getattr(found.uniform, part))
    np.testing.assert_array_equal(uniform["mean_field"], found.uniform.equilibrium.mean_field)
    assert uniform["objective"] == found.uniform.objective
    assert (record["schema_version"], record["files"]) == (SCHEMA_VERSION, ["a.png"])
    assert not {"run", "assumptions", "bounds"} & set(record)
    assert record["summary"] == {"refuted": [], "slower": []}


def test_a_run_is_its_settings_its_checkpoints_and_the_leaders_at_its_end():
    run = trace()
    record = run_record(run)
    np.testing.assert_array_equal(record["final_leader_logits"], run.leader_logits[:, -1])
    assert record["diverged_seeds"] == [1]
    assert record["checkpoints"] == run.iterations.tolist()
    assert record["method_options"] == json.loads(OPTIONS)


def test_every_stage_that_was_run_is_in_the_report_with_its_summary():
    check = assumptions(finding("coverage", "initial", "refuted", 0.0, facts={"state": 1}))
    slow = report_of(noisy_power_law(np.random.default_rng(0), -0.25, num_seeds=30))
    found = results(
        trace=trace(),
        run=RunSettings(3, 1),
        check=CheckSettings(),
        assumptions=check,
        bounds=slow,
        warnings=("a warning",),
        timings={"run": 1.5},
    )
    record = read(found)
    assert record["summary"]["refuted"] == ["coverage/initial"]
    assert record["summary"]["slower"] == list(found.slower)
    assert "e_omega" in found.slower
    assert record["warnings"] == ["a warning"]
    assert record["timings"] == {"run": 1.5}
    assert record["assumptions"]["findings"][0]["verdict"] == "refuted"
    slopes = {row["name"]: row["slope"] for row in record["bounds"]["rows"]}
    assert slopes == {row.name: row.slope for row in slow.rows}
