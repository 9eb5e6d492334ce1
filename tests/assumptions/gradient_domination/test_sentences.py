"""The sentence of the follower's program in a case in which it used to be false."""

from smfg_verify import conic
from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.gradient_domination import follower_program
from smfg_verify.assumptions.gradient_domination.follower_program import program_finding
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.gradient_domination.test_follower_program import SMALL
from tests.exact.cases import pair


def test_a_solver_that_solved_without_a_policy_is_not_said_to_have_failed(monkeypatch):
    answer = conic.ConicResult(
        status=conic.SOLVED, value=0.0, variables={}, duals=(), second_status=conic.NOT_ASKED, second_value=0.0
    )
    monkeypatch.setattr(follower_program, "solve", lambda problem, **options: answer)
    finding = program_finding(checked(pair(4, SMALL)[0]))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no policy" in finding.meaning
    assert "ended with status 'optimal'" not in finding.meaning
