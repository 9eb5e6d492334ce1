"""Certificates of a check: one file for each finding that can travel, and a line for each that cannot."""

from types import SimpleNamespace

import pytest

from smfg_verify import games
from smfg_verify.assumptions import Verdict
from smfg_verify.certificates import verifier
from smfg_verify.jobs.certificates import write_certificates
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.report.tables.certificates import certificate_lines
from tests.assumptions.certificates.test_export import found


@pytest.mark.wrong_types
def test_every_certified_finding_is_written_or_said(tmp_path):
    findings = (
        found("ergodicity/dobrushin", 0.9),
        found("uniqueness/index", 0.0),
        found("uniqueness/one-sided", 0.5, verdict=Verdict.INCONCLUSIVE),
    )
    results = SimpleNamespace(
        settings=GameSettings("laffer-tax"),
        assumptions=SimpleNamespace(findings=findings),
        game=games.load("laffer-tax"),
    )
    written = write_certificates(results, tmp_path / "new")
    assert [(each.kind, each.path is None) for each in written] == [
        ("ergodicity/dobrushin", False),
        ("uniqueness/index", True),
    ]
    (path,) = (tmp_path / "new").iterdir()
    assert path.name == "laffer-tax.ergodicity.dobrushin.json"
    assert verifier.verify(path.read_bytes())
    first, second = str(certificate_lines(written)).splitlines()
    assert str(path) in first
    assert "uniqueness/index cannot travel" in second
    assert "nothing is certified" in str(certificate_lines(()))
