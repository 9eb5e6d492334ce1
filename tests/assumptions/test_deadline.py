"""Deadlines: over only where there is one, and named where they cut."""

from smfg_verify.assumptions.deadline import Deadline, cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict


def test_a_deadline_is_over_only_where_there_is_one():
    assert not Deadline(None).passed
    assert not Deadline(1e6).passed
    assert Deadline(0.0).passed


def test_a_cut_bound_is_named_where_it_is_used_and_nowhere_else():
    finding = Finding(
        property="lipschitz",
        statement="transition",
        verdict=Verdict.CERTIFIED,
        constant=1.0,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={"exact": False, "rounding": 0.0},
    )
    assert cut_short(finding, {"one_step"}, "transition_lipschitz") is finding
    said = cut_short(finding, {"one_step", "transition_lipschitz"}, "transition_lipschitz")
    assert said.searched["cut_by_time_limit"] == "transition lipschitz"
    assert said.meaning.startswith(f"{finding.meaning} A time limit cut short: transition lipschitz.")
    assert (said.constant, said.verdict) == (finding.constant, finding.verdict)
