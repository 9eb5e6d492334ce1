"""Ways in, paths and loops of the recursion of AC-SMFG, counted and weighed by hand."""

import sympy

from smfg_verify.symbolic.rates.paths import last_graph, loop_damping, mean_graph
from smfg_verify.symbolic.rates.recursion import AC_SMFG, BILEVEL

A, B, C, D = sympy.symbols("a b c d")
STEPS = dict(zip(AC_SMFG.learners, (A, B, C, D), strict=True))
TWO = {"outer": A, "inner": B}


def test_two_scales_have_one_way_round_and_five_ways_in():
    rough = mean_graph(BILEVEL, TWO, sympy.S.Zero, chain=False)
    assert rough.loops() == ()
    assert {term.exponent for term in rough.terms("outer")} == {
        sympy.S.One,
        *(1 - A, 1 - B, A, B, 2 * A - B, 2 * A - 2 * B),
    }
    smooth = mean_graph(BILEVEL.with_motion("smooth", "outer"), TWO, sympy.S.Zero, chain=False)
    # Round over the outer error, and the inner error's own share of the outer step.
    assert sorted(len(loop) for loop in smooth.loops()) == [1, 2]
    assert {loop_damping(loop) for loop in smooth.loops()} == {2 * A - 2 * B}


def test_no_loop_of_the_single_loop_scheme_grows_where_the_order_is_kept():
    dampings = {loop_damping(loop) for loop in mean_graph(AC_SMFG, STEPS, A, chain=False).loops()}
    ordered = {A: 4, B: 3, C: 2, D: 1}
    assert dampings
    assert all(damping.subs(ordered) > 0 for damping in dampings)
    # Every learner moves the target of every faster one, and hears of it.
    assert {2 * A - 2 * B, 2 * B - 2 * C, 2 * C - 2 * D} <= dampings


def test_paths_meet_no_learner_twice():
    for term in mean_graph(AC_SMFG, STEPS, A, chain=True).terms("leader"):
        met = [term.entrance.learner, *(edge.target for edge in term.path)]
        assert len(set(met)) == len(met)
        assert met[-1] == "leader"


def test_a_leader_that_does_not_contract_is_only_bounded_at_single_iterations():
    graph = last_graph(AC_SMFG, STEPS, chain=False)
    assert "leader" not in {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges}
    assert {e.exponent for e in graph.entrances if e.kind == "bounded"} == {2 * A - 2 * s for s in (B, C, D)}
    contracting = last_graph(AC_SMFG.with_contracting_leader(), STEPS, chain=False)
    assert "leader" in {edge.source for edge in contracting.edges}
