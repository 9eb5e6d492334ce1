"""Recursions: what they name is there, and hypotheses are changed one learner at a time."""

import pytest

from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, Line, Motion, Recursion


def test_the_lines_of_ac_smfg_are_those_of_the_drift_inequalities():
    """A slower learner moves the target of every faster one; errors enter slower updates only."""
    for index, line in enumerate(AC_SMFG.lines):
        assert set(line.moved_by) == set(AC_SMFG.learners[:index]) - ({"leader"} if index == 0 else set())
        assert set(line.enters) <= set(AC_SMFG.learners[index + 1 :])


def test_a_hypothesis_is_changed_for_the_learners_named():
    rough = AC_SMFG.with_motion("lipschitz", "follower")
    assert [line.motion for line in rough.lines] == [Motion.SMOOTH, Motion.SMOOTH, Motion.LIPSCHITZ, Motion.SMOOTH]
    assert rough.with_motion({"follower": "smooth"}) == AC_SMFG
    assert BILEVEL.with_contracting_leader().contracting == BILEVEL.lines
    assert BILEVEL.contracting == BILEVEL.lines[1:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: AC_SMFG.with_motion("bumpy"), "got 'bumpy'"),
        (lambda: AC_SMFG.with_motion({"folower": "smooth"}), "'folower'"),
        (lambda: Recursion(name="none", lines=()), "expected each name once"),
        (lambda: Recursion(name="twice", lines=AC_SMFG.lines[-1:] * 2), "expected each name once"),
        (
            lambda: Recursion(
                name="who", lines=(Line(learner="x", residual="e", step="s", exponent="a", enters=("y",)),)
            ),
            "names 'y'",
        ),
    ],
)
def test_what_is_no_recursion_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        change()
