"""Coverage and alignment of games of any size: visits against dense linear algebra, no certificate from samples."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import check
from smfg_verify.assumptions import AssumptionReport, Verdict, properties_checked
from smfg_verify.assumptions.ergodicity import coverage_at_size
from smfg_verify.assumptions.ergodicity.coverage_at_size import sampled_coverage
from smfg_verify.assumptions.finding import Evidence
from smfg_verify.assumptions.gradient_alignment import evidence
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact import kernel, tabulate
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.sparse import choice
from smfg_verify.game import game_hash
from smfg_verify.games import CongestionPricing, LasryLionsChain
from smfg_verify.policies import softmax_policy
from tests.helpers.numerics import stationary_law
from tests.support.local_games import Crossing, TwoSinks


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


@pytest.mark.parametrize(
    "game", [pytest.param(LasryLionsChain(num_states=6), marks=pytest.mark.slow), CongestionPricing(side=3)]
)
def test_visits_are_those_of_the_dense_chain(game, monkeypatch):
    found = sampled_coverage(checked(game), SearchSettings(num_starts=2))
    report = AssumptionReport(game_name="", game_hash=game_hash(game), settings={}, findings=tuple(found))
    monkeypatch.undo()
    for finding in found:
        name = finding.statement
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
        seen = sampled.finding("coverage", name)
        least = seen.details.get("least_seen", seen.constant)
        assert proved.finding("coverage", name).constant <= least + 1e-12
    occupancy = sampled.finding("coverage", "occupancy")
    assert occupancy.verdict is Verdict.CERTIFIED
    assert occupancy.constant == pytest.approx(0.1 / 6, rel=1e-12)
    assert occupancy.constant <= proved.finding("coverage", "occupancy").constant + 1e-15
    assert occupancy.reproduce(game) == occupancy.constant


def test_moves_that_read_the_mean_field_leave_occupancy_to_samples():
    occupancy = check(Crossing(), "coverage", num_starts=1).finding("coverage", "occupancy")
    assert occupancy.verdict is Verdict.SUPPORTED
    assert occupancy.evidence is Evidence.SEARCH


@pytest.mark.parametrize(("lost", "verdict"), [(1, Verdict.SUPPORTED), (2, Verdict.INCONCLUSIVE)])
def test_leaders_without_an_equilibrium_are_counted_and_few_support_nothing(lost, verdict, monkeypatch):
    """Of four leaders some do not converge: told in the sentence, and no more than half of them is no support."""
    calls, solve = [], coverage_at_size.compiled_equilibrium

    def failing(game, *arguments):
        calls.append(None)
        found = solve(game, *arguments)
        return found if len(calls) > lost else eqx.tree_at(lambda e: e.converged, found, jnp.asarray(False))

    monkeypatch.setattr(coverage_at_size, "compiled_equilibrium", failing)
    for finding in sampled_coverage(checked(CongestionPricing(side=3)), SearchSettings(num_starts=4)):
        assert finding.verdict is verdict
        assert finding.searched["unconverged"] == lost
        assert f"{lost} of 4 leaders drawn have no equilibrium" in finding.meaning


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "verdict"), [pytest.param(1, Verdict.SUPPORTED, marks=pytest.mark.slow), (2, Verdict.INCONCLUSIVE)]
)
def test_alignment_at_few_leaders_supports_nothing(lost, verdict, monkeypatch):
    evaluate = evidence.evaluate_leaders

    def failing(game, logits):
        found = evaluate(game, logits)
        for leaf in found:
            leaf[:lost] = False if leaf.dtype == bool else np.nan
        return found

    monkeypatch.setattr(evidence, "evaluate_leaders", failing)
    finding = check(LasryLionsChain(num_states=6), "gradient-alignment", num_starts=4).finding(
        "gradient-alignment", "cosine"
    )
    assert finding.verdict is verdict
    assert f"at {4 - lost} of 4 leaders ({lost} gave none, {lost} without an equilibrium found)" in finding.meaning


def test_several_recurrent_classes_support_nothing():
    report = check(TwoSinks(), "coverage", num_starts=1)
    assert report.finding("coverage", "stationary").verdict is Verdict.INCONCLUSIVE


def test_all_that_the_size_allows_is_checked_and_step_sizes_are_no_certificate():
    steps = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
    game = LasryLionsChain(num_states=6)
    assert properties_checked(game) == ("ergodicity", "gradient-alignment", "coverage", "step-sizes")
    report = check(game, num_starts=1, step_sizes=steps)
    assert report.properties == properties_checked(game)
    assert report.finding("step-sizes", "order").verdict is Verdict.CERTIFIED
    assert report.verdict("step-sizes") is Verdict.INCONCLUSIVE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lipschitz", "smoothness"])
def test_other_properties_refuse_in_one_line(name, monkeypatch):
    game = CongestionPricing(side=100)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="dense table") as refused:
        check(game, ["step-sizes", name])
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


def test_alignment_looks_at_leaders_drawn_and_as_many_of_a_run_and_says_so():
    game = LasryLionsChain(num_states=6)
    run = np.random.default_rng(0).normal(size=(7, 2, 2))
    report = check(game, "gradient-alignment", num_starts=2, trajectory=run)
    expected = {"cosine", "inner-product-constant", "direct-constant"}
    assert {finding.statement for finding in report.findings} == expected | {f"{name}-field-held" for name in expected}
    finding = report.finding("gradient-alignment", "cosine")
    assert finding.evidence is Evidence.SEARCH
    assert "none searched for" in finding.method
    assert "found at 4 leaders" in finding.meaning
    assert finding.searched["trajectory_leaders"] == 2
    assert finding.reproduce(game) == finding.constant
