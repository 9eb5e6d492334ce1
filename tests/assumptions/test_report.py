"""Reports: saved whole or not at all, and refused when they are not what they should be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Finding, Side, Verdict
from smfg_verify.game import game_hash, traced
from smfg_verify.games import load

STATEMENTS = ("cosine", "inner-product-constant", "direct-constant", "norm-ratio")


def finding(statement, verdict):
    return Finding(
        property="gradient-alignment",
        statement=statement,
        verdict=verdict,
        constant=0.5,
        side=Side.UPPER,
        evidence="search",
        facts={"vanishes": False, "one_parameter": False, "proved": False},
        witness={"logits": np.zeros((1, 2))},
    )


def report(game, *verdicts):
    findings = [finding(*pair) for pair in zip(STATEMENTS, verdicts or (Verdict.SUPPORTED,), strict=False)]
    return AssumptionReport(game_name="LafferTax", game_hash=game_hash(game), settings={"seed": 0}, findings=findings)


@pytest.fixture
def game():
    return load("laffer-tax")


def test_identity_is_the_content_of_the_game(game):
    assert game_hash(game) == game_hash(load("laffer-tax")) == game_hash(traced(game))
    others = [
        load("laffer-tax", kappa=0.3 + 1e-16 * 4),
        load("laffer-tax", taxes=(0.0, 0.5, 1.0)),
        load("two-road-toll"),
    ]
    static = [load("market-entrance", scarcity=scarcity) for scarcity in ("log", "quadratic")]
    assert len({game_hash(other) for other in [game, *others, *static]}) == 6


def test_saved_and_loaded(game, tmp_path):
    path, original = tmp_path / "report.json", report(game)
    original.save(path)
    again = AssumptionReport.load(path, game)
    assert again.to_json() == original.to_json()
    assert again.findings == original.findings
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_file(game, tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    report(game).save(path)
    before = path.read_text()

    def fail(self):
        raise OSError("disk full")

    monkeypatch.setattr(AssumptionReport, "to_json", fail)
    with pytest.raises(OSError, match="disk full"):
        report(game).save(path)
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_this_report_is_refused(game, tmp_path):
    path = tmp_path / "report.json"
    report(game).save(path)
    text = path.read_text()
    with pytest.raises(ValueError, match="other parameters"):
        AssumptionReport.load(path, load("laffer-tax", kappa=0.31))
    cases = {
        text[: len(text) // 2]: "not JSON",
        '{"format": "other"}': "another tool",
        text.replace('"schema_version": 3', '"schema_version": 99'): "schema version 99",
        text.replace('"findings"', '"lost"'): "damaged",
    }
    for damaged, message in cases.items():
        path.write_text(damaged)
        with pytest.raises(ValueError, match=message.replace("another tool", "file of another tool")):
            AssumptionReport.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not text"):
        AssumptionReport.load(path)


def test_findings_by_property_and_statement(game):
    found = report(game, Verdict.SUPPORTED, Verdict.REFUTED)
    assert [entry.statement for entry in found["gradient-alignment"]] == [*STATEMENTS[:2]]
    assert found.finding("gradient-alignment", STATEMENTS[1]).verdict is Verdict.REFUTED
    with pytest.raises(KeyError, match="did you mean 'gradient-alignment'"):
        found["gradient-aligment"]


def test_least_favourable_verdict(game):
    order = [Verdict.NOT_APPLICABLE, Verdict.SUPPORTED, Verdict.INCONCLUSIVE, Verdict.REFUTED]
    for k in range(1, 5):
        assert report(game, *order[:k]).verdict("gradient-alignment") is order[k - 1]


def test_identity_sees_array_types(game):
    assert game_hash(game) != game_hash(jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), game))
