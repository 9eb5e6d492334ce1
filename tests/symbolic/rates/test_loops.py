"""What loops ask for: the order of the exponents, and small ratios where they are equal."""

import pytest
import sympy

from smfg_verify.symbolic.rates.loops import judge_loops
from smfg_verify.symbolic.rates.paths import mean_graph
from smfg_verify.symbolic.rates.recursion import AC_SMFG, Line, Recursion


def judged(recursion, steps):
    return judge_loops(recursion, mean_graph(recursion, steps, sympy.S.Zero, chain=False), steps)


def test_symbols_ask_for_the_order_of_the_time_scales_and_nothing_else():
    loops = judged(AC_SMFG, {line.learner: sympy.Symbol(line.exponent) for line in AC_SMFG.lines})
    assert {condition.sentence.split(":")[0] for condition in loops.conditions} == {"a >= b", "b >= c", "c >= d"}
    assert not loops.growing


@pytest.mark.parametrize("slow", range(3))
def test_equal_neighbours_ask_for_a_small_ratio(slow):
    values = [sympy.Rational(n, 10) for n in (8, 6, 4, 2)]
    values[slow + 1] = values[slow]
    steps = dict(zip(AC_SMFG.learners, values, strict=True))
    loops = judged(AC_SMFG, steps)
    assert [condition.facts["mover"] for condition in loops.conditions] == [AC_SMFG.learners[slow]]
    assert [condition.facts["learner"] for condition in loops.conditions] == [AC_SMFG.learners[slow + 1]]


def test_symbols_that_nothing_satisfies_have_no_rate():
    """Two learners that move each other's targets: one of them moves faster, whichever it is."""
    steps = {"leader": sympy.Symbol("a"), "one": sympy.Symbol("b"), "other": sympy.Symbol("b") + 1}
    lines = (
        Line(learner="leader", residual="e_0", step="zeta", exponent="a"),
        Line(learner="one", residual="e_1", step="x", exponent="b", enters=("other",), moved_by=("leader",)),
        Line(learner="other", residual="e_2", step="y", exponent="c", moved_by=("one",)),
    )
    loops = judged(Recursion(name="two", lines=lines), steps)
    assert set(loops.growing) == {"one", "other"}
    assert loops.obstacle(frozenset({"leader"})).sentence == ""
    assert loops.obstacle(frozenset({"one"})).sentence
