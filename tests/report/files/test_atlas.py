"""atlas.json holds every verdict and constant of the reports, and which game each is about."""

import json

import pytest

from smfg_verify.assumptions import find_property
from smfg_verify.jobs.atlas import Atlas
from smfg_verify.jobs.settings import CheckSettings
from smfg_verify.records.codec import number
from smfg_verify.records.documents import opened
from smfg_verify.report.files.atlas import FORMAT, SCHEMA_VERSION, atlas_bytes
from tests.report.records import assumptions, finding


def test_verdicts_constants_and_sentences_are_those_of_the_reports():
    report = assumptions(
        finding("coverage", "initial", constant=0.25, side="lower"),
        finding("coverage", "stationary", "inconclusive", float("nan"), evidence="search"),
    )
    atlas = Atlas(settings=CheckSettings(budget="quick"), reports={"one": report}, seconds={"one": 1.5})
    record = opened(atlas_bytes(atlas).decode(), FORMAT, SCHEMA_VERSION)
    assert record["games"]["one"]["identity"] == report.game_hash
    assert record["seconds"] == {"one": 1.5}
    (coverage,) = record["games"]["one"]["properties"].values()
    assert coverage["verdict"] == report.verdict("coverage").value
    for found in report.findings:
        entry = coverage["statements"][found.statement]
        assert number(entry["constant"]) == pytest.approx(found.constant, nan_ok=True)
        assert entry["verdict"] == found.verdict.value
        assert entry["side"] == found.side.value
        assert entry["evidence"] == found.evidence.value
        assert entry["meaning"] == found.meaning
        assert entry["decides"] == find_property("coverage").decides(found.statement)
    json.loads(atlas_bytes(atlas), parse_constant=pytest.fail)  # NaN is a text: JSON has none
