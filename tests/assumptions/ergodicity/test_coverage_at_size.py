"""Coverage of games of any size: visits against dense linear algebra, and no certificate from samples."""

import numpy as np
import pytest

from smfg_verify import check
from smfg_verify.assumptions import AssumptionReport, Verdict
from smfg_verify.assumptions.finding import Evidence
from smfg_verify.exact import kernel, tabulate
from smfg_verify.exact.sparse import choice
from smfg_verify.games import CongestionPricing, LasryLionsChain
from smfg_verify.policies import softmax_policy
from tests.helpers.numerics import stationary_law
from tests.support.local_games import TwoSinks


@pytest.fixture(autouse=True)
def as_if_no_table_fitted(monkeypatch):
    monkeypatch.setattr(kernel, "has_table", lambda game: False)
    monkeypatch.setattr("smfg_verify.assumptions.checking.has_table", lambda game: False)
    monkeypatch.setattr("smfg_verify.assumptions.gradient_alignment.statements.has_table", lambda game: False)
    monkeypatch.setattr(choice, "LARGEST_DENSE_TABLE", 0)


def chain_at(game, witness):
    """The dense chain of a witness."""
    table = np.asarray(tabulate(game, witness["mean_field"]).transition)
    rows = np.asarray(softmax_policy(witness["logits"]))[np.asarray(game.leader_observation)]
    return np.einsum("sa,sb,sabt->st", witness["follower_policy"], rows, table)


@pytest.mark.parametrize("game", [LasryLionsChain(num_states=6), CongestionPricing(side=3)])
def test_visits_are_those_of_the_dense_chain(game, monkeypatch):
    report = check(game, "coverage", num_starts=2)
    monkeypatch.undo()
    for name in ("occupancy", "stationary"):
        finding = report.finding("coverage", name)
        # Whoever goes left for ever on the chain ends at the wall, and none is left elsewhere.
        assert finding.verdict is (Verdict.SUPPORTED if finding.constant > 1e-12 else Verdict.INCONCLUSIVE)
        assert finding.evidence is Evidence.SEARCH
        chain, state = chain_at(game, finding.witness), int(finding.witness["state"])
        discount, initial = float(game.discount), np.asarray(game.initial_distribution)
        system = (np.eye(len(chain)) - discount * chain).T
        occupancy = (1.0 - discount) * np.linalg.solve(system, initial)
        expected = occupancy if name == "occupancy" else stationary_law(chain)
        assert finding.constant == pytest.approx(expected[state], rel=1e-9, abs=1e-15)
        assert finding.constant == pytest.approx(expected.min(), rel=1e-9, abs=1e-15)
        kept = AssumptionReport.from_json(report.to_json(), game).finding("coverage", name)
        assert kept.reproduce(game) == pytest.approx(finding.constant, rel=1e-12)


def test_what_the_dense_side_certifies_is_supported_here(monkeypatch):
    game = LasryLionsChain(num_states=6)
    sampled = check(game, "coverage", num_starts=2)
    monkeypatch.undo()
    proved = check(game, "coverage", budget="quick")
    for name in ("occupancy", "stationary"):
        # What is proved for all policies lies below what some of them do.
        assert proved.finding("coverage", name).constant <= sampled.finding("coverage", name).constant + 1e-12


def test_several_recurrent_classes_support_nothing():
    report = check(TwoSinks(), "coverage", num_starts=1)
    assert report.finding("coverage", "stationary").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", ["ergodicity", "smoothness"])
def test_other_properties_refuse_in_one_line(name, monkeypatch):
    game = CongestionPricing(side=100)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="dense table") as refused:
        check(game, name)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_alignment_at_a_few_leaders_is_that_of_the_dense_gradients(monkeypatch):
    """The same leader, its cosine taken from a dense gradient."""
    game = LasryLionsChain(num_states=6)
    report = check(game, "gradient-alignment", num_starts=3)
    finding = report.finding("gradient-alignment", "cosine")
    monkeypatch.undo()
    assert finding.reproduce(game) == pytest.approx(finding.constant, rel=1e-7)
    assert finding.verdict in (Verdict.SUPPORTED, Verdict.REFUTED)


def test_alignment_looks_at_leaders_drawn_and_says_so():
    game = LasryLionsChain(num_states=6)
    report = check(game, "gradient-alignment", num_starts=2)
    expected = {"cosine", "inner-product-constant", "direct-constant"}
    assert {finding.statement for finding in report.findings} == expected | {f"{name}-field-held" for name in expected}
    finding = report.finding("gradient-alignment", "cosine")
    assert finding.evidence is Evidence.SEARCH
    assert "none searched for" in finding.method
    assert finding.reproduce(game) == finding.constant
