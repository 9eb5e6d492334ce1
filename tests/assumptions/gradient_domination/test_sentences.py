"""The sentence of the follower's program in a case in which it used to be false."""

from smfg_verify import conic
from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.gradient_domination import follower_program
from smfg_verify.assumptions.gradient_domination.follower_program import program_finding
from tests.assumptions.crowds import crowd


def test_a_solver_that_solved_without_a_policy_is_not_said_to_have_failed(monkeypatch):
    answer = conic.ConicResult(
        status=conic.SOLVED, value=0.0, variables={}, duals=(), second_status=conic.NOT_ASKED, second_value=0.0
    )
    monkeypatch.setattr(follower_program, "solve", lambda problem, **options: answer)
    finding = program_finding(crowd(-1.0, 0.5))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no policy" in finding.meaning
    assert "ended with status 'optimal'" not in finding.meaning
