"""Derived rates against recursions that are run, against a second derivation, and under moves of the input."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, derive_rates

LEARNERS = AC_SMFG.learners
LIPSCHITZ = AC_SMFG.with_motion("lipschitz")
TENTHS = st.integers(1, 30).map(lambda n: Fraction(n, 30))
ORDERED = st.lists(TENTHS, min_size=4, max_size=4).map(
    lambda s: dict(zip(LEARNERS, sorted(s, reverse=True), strict=True))
)
ANY = st.fixed_dictionaries(dict.fromkeys(LEARNERS, TENTHS))
HALF = dict.fromkeys(LEARNERS, "1/2")


def rate(exponents, recursion=AC_SMFG, **options):
    return derive_rates(exponents, recursion=recursion, **options).measure


def exponent_of(found):
    """The exponent of a rate, at most zero where there is none."""
    return found.exponent if found.found else sympy.S.Zero


def simulated(exponents, *, lipschitz, top=60.0):
    """Slope of the leader's mean squared gradient, and of the residuals, of the recursion run in log k up to e^top.

    Implicit steps of de/dlog k = k (...), so that no time scale is too fast: the four lines as they stand in the
    theory, written out by hand, small gains on what is handed on. The budget of the leader's ascent is spent evenly.
    """
    a, b, c, d = (float(exponents[name]) for name in LEARNERS)
    width, gain = 0.02, 0.01
    errors, mean, grid = np.ones(3), 1.0, np.arange(0.0, top, width)
    rows = []
    for u in grid:
        k = np.exp(u)
        leader, field, follower, critic = k**-a, k**-b, k**-c, k**-d
        noise = np.array(
            [field**2 + leader**2, follower**2 + field**2 + leader**2, critic**2 + follower**2 + field**2 + leader**2]
        )
        # Errors in the order mean field, follower, critics; what the leader's gradient adds stands in `ascent`.
        lines = np.array([[-field, field, 0.0], [0.0, -follower, follower], [0.0, 0.0, -critic]])
        lag = np.array([leader**2 / field, leader**2 / follower, leader**2 / critic])
        if lipschitz:
            noise += lag + np.array([0.0, field**2 / follower, field**2 / critic + follower**2 / critic])
        else:
            ascent = leader + 1.0 / (k * leader)
            noise += gain * lag * ascent
            lines += gain * np.outer(lag, np.ones(3))
            lines[1, :2] += gain * field**2 / follower
            lines[2, :2] += gain * field**2 / critic
            lines[2, 1:] += gain * follower**2 / critic
        step = width * k
        errors = np.linalg.solve(np.eye(3) - step * lines, errors + step * noise)
        gradient = np.sum(errors) + leader + 1.0 / (k * leader)
        mean += width * (gradient - mean)  # d mean / dlog k of a uniform mean
        rows.append([mean, *errors])
    values = np.log(np.array(rows)[[len(grid) * 4 // 5, -1]])
    return (values[1] - values[0]) / (grid[-1] - grid[len(grid) * 4 // 5])


@pytest.mark.parametrize(
    "exponents",
    [
        ("1/2", "1/2", "1/2", "1/2"),
        ("3/5", "1/2", "9/20", "2/5"),
        ("7/10", "3/5", "1/2", "1/5"),
        ("9/10", "1/5", "1/5", "1/5"),
    ],
)
def test_the_leaders_rate_is_the_slope_of_the_recursion_that_is_run(exponents):
    named = dict(zip(LEARNERS, exponents, strict=True))
    slope = simulated({name: Fraction(text) for name, text in named.items()}, lipschitz=False)[0]
    assert slope == pytest.approx(-float(rate(named).exponent), abs=0.02)


@pytest.mark.parametrize(
    "exponents",
    [
        ("5/7", "4/7", "3/7", "2/7"),
        ("9/10", "7/10", "1/2", "1/5"),
        ("4/5", "3/4", "2/5", "1/10"),
        ("3/5", "3/10", "1/5", "1/10"),
    ],
)
def test_every_residual_of_lipschitz_targets_decays_like_the_recursion_that_is_run(exponents):
    named = dict(zip(LEARNERS, exponents, strict=True))
    derivation = derive_rates(named, recursion=LIPSCHITZ)
    slopes = simulated({name: Fraction(text) for name, text in named.items()}, lipschitz=True)
    derived = [derivation.measure, *(derivation[name].last for name in LEARNERS[1:])]
    np.testing.assert_allclose(slopes, [-float(found.exponent) for found in derived], atol=0.03)


def test_two_scales_run_iteration_by_iteration():
    outer, inner, total, slowly = 0.6, 0.4, 0.0, []
    error = 1.0
    for k in range(1, 300_001):
        fast, slow = k**-inner, k**-outer
        error = (1.0 - 0.5 * fast) * error + fast**2 + slow**2 / fast
        total += error + slow
        if k in (30_000, 300_000):
            slowly.append((np.log(error), np.log(total / k)))
    slopes = (np.array(slowly[1]) - slowly[0]) / np.log(10.0)
    derivation = derive_rates({"outer": "3/5", "inner": "2/5"}, recursion=BILEVEL)
    # Terms k^(-3/5) of the sum are still seen: they are a tenth of it at the end.
    np.testing.assert_allclose(slopes, [-float(derivation["inner"].last.exponent)] * 2, atol=0.03)
    assert derivation.measure.text == derivation["inner"].last.text == "k^(-2/5)"


def second_derivation(s, *, lipschitz, weight):
    """Exponents of the means by repeating the hand-written lines until nothing changes; None where it never stops."""
    a, b, c, d = (s[name] for name in LEARNERS)
    rates = dict.fromkeys(("w", "m", "t", "v"), Fraction(10))

    def start(step):
        return 1 - max(weight, step)

    cap = 1 - weight
    for _ in range(60):
        w, m, t, v = (rates[name] for name in "wmtv")
        lead = Fraction(0) if lipschitz else min(w, m, t, v)  # the size of the leader's mean step
        field = Fraction(0) if lipschitz else min(m, t)
        follow = Fraction(0) if lipschitz else min(t, v)
        new = {
            "w": min(start(a), cap, a, m, t, v),
            "m": min(start(b), cap, b, 2 * a - b, t, 2 * (a - b) + lead),
            "t": min(start(c), cap, c, 2 * a - c, 2 * b - c, v, 2 * (a - c) + lead, 2 * (b - c) + field),
            "v": min(
                start(d),
                cap,
                *(d, 2 * a - d, 2 * b - d, 2 * c - d),
                *(2 * (a - d) + lead, 2 * (b - d) + field, 2 * (c - d) + follow),
            ),
        }
        if new == rates:
            return rates["w"]
        rates = new
    return None


@settings(max_examples=60)
@given(ANY, st.booleans(), st.sampled_from(["uniform", "leader"]))
def test_the_paths_give_what_repeating_the_lines_gives(exponents, lipschitz, weighting):
    weight = exponents["leader"] if weighting == "leader" else Fraction(0)
    expected = second_derivation(exponents, lipschitz=lipschitz, weight=weight)
    found = rate(exponents, LIPSCHITZ if lipschitz else AC_SMFG, weighting=weighting)
    if expected is None or expected <= 0:
        assert not found.found
        assert found.obstacle.sentence
    else:
        assert found.exponent == sympy.Rational(expected)
        assert found.deciding


@settings(max_examples=40)
@given(ORDERED, st.integers(1, 10))
def test_a_slower_leader_never_worsens_tracking(exponents, slower):
    slow = exponents | {"leader": exponents["leader"] + Fraction(slower, 30)}
    before, after = (derive_rates(s, recursion=LIPSCHITZ) for s in (exponents, slow))
    for name in LEARNERS[1:]:
        assert exponent_of(after[name].last) >= exponent_of(before[name].last) or after["leader"].step_exponent > 1


@settings(max_examples=40)
@given(ORDERED, st.sampled_from(LEARNERS))
def test_knowing_less_of_the_targets_never_improves_a_rate(exponents, learner):
    rough = rate(exponents, AC_SMFG.with_motion("lipschitz", learner))
    assert exponent_of(rough) <= exponent_of(rate(exponents))


@pytest.mark.slow
@settings(max_examples=40)
@given(ORDERED)
def test_weights_and_chains_cost_logarithms_only(exponents):
    assume(exponents["leader"] < 1)
    plain = rate(exponents)
    for options in ({"weighting": "leader"}, {"sampling": "chain"}):
        other = rate(exponents, **options)
        assert exponent_of(other) == exponent_of(plain)
        assert not plain.found or other.logs >= plain.logs


@settings(max_examples=10)
@given(ORDERED, st.sampled_from([AC_SMFG, LIPSCHITZ]))
def test_numbers_put_into_the_symbols_give_the_rate_of_the_numbers(exponents, recursion):
    symbolic = SYMBOLIC[recursion.name, recursion is LIPSCHITZ]
    point = {sympy.Symbol(line.exponent): sympy.Rational(exponents[line.learner]) for line in recursion.lines}
    numeric = derive_rates(exponents, recursion=recursion)
    for row, numbers in zip(symbolic.residuals, numeric.residuals, strict=True):
        assert max(row.mean.exponent.subs(point), 0) == exponent_of(numbers.mean)
        if row.last.found and all(value < 1 for value in exponents.values()):
            assert max(row.last.exponent.subs(point), 0) == exponent_of(numbers.last)


SYMBOLIC = {("AC-SMFG", rough): derive_rates(recursion=r) for r, rough in ((AC_SMFG, False), (LIPSCHITZ, True))}


def test_the_single_loop_with_one_exponent_is_the_square_root_with_its_conditions_on_the_constants():
    derivation = derive_rates(HALF, weighting="leader")
    assert (derivation.measure.exponent, derivation.measure.logs) == (sympy.Rational(1, 2), 1)
    pairs = {(c.facts["mover"], c.facts["learner"]) for c in derivation.conditions if c.case == "small-ratio"}
    assert pairs == {(slow, fast) for i, slow in enumerate(LEARNERS) for fast in LEARNERS[i + 1 :]}
    assert rate(HALF).logs == 0  # a uniform mean of bounded residuals needs no logarithm
    assert rate(HALF, sampling="chain").text == "k^(-1/2) log k"


@pytest.mark.parametrize(
    ("exponents", "recursion", "case"),
    [
        (dict.fromkeys(LEARNERS, 0), AC_SMFG, "noise"),
        (HALF | {"critic": 0}, AC_SMFG, "noise"),
        (dict.fromkeys(LEARNERS, 2), AC_SMFG, "summable"),
        (dict.fromkeys(LEARNERS, "3/2"), LIPSCHITZ, "summable"),
        (HALF | {"leader": 1}, AC_SMFG, "logarithm"),
        (HALF, LIPSCHITZ, "not-tracked"),
        ({"outer": "1/2", "inner": "1/2"}, BILEVEL, "not-tracked"),
        ({"outer": "2/5", "inner": "3/5"}, BILEVEL, "wrong-order"),
        (HALF | {"leader": "1/4"}, AC_SMFG, "wrong-order"),
        (HALF | {"critic": "3/4"}, AC_SMFG, "wrong-order"),
        ({"leader": "1/10", "critic": "1/2"}, AC_SMFG, "wrong-order"),
    ],
)
def test_exponents_without_a_rate_say_why(exponents, recursion, case):
    found = rate(exponents, recursion)
    assert not found.found
    assert found.obstacle.case == case
    assert found.text == "no rate"


@settings(max_examples=5)
@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([10**9, 10**12, 10**30]))
def test_exponents_that_nearly_tie_have_exact_rates(first, second, large):
    """With symbols for two learners: what separates the others is far below the last place of a float."""
    half = Fraction(1, 2)
    steps = {"leader": half + Fraction(first, large), "critic": half + Fraction(second, large)}
    found = derive_rates(steps).measure
    if steps["leader"] < steps["critic"]:
        assert found.obstacle.case == "wrong-order"
    else:
        assert found.exponent == min(sympy.Rational(steps["critic"]), 1 - sympy.Rational(steps["leader"]))


def test_steps_one_over_k_of_a_leader_that_contracts_ask_for_a_large_constant():
    derivation = derive_rates({"outer": 1, "inner": "2/3"}, recursion=BILEVEL.with_contracting_leader())
    assert derivation.measure.text == "k^(-2/3)"
    large = [condition for condition in derivation.conditions if condition.case == "large-constant"]
    assert [(condition.facts["learner"], condition.facts["exponent"]) for condition in large] == [("outer", "2/3")]


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    "value", [0.5, True, "half an hour", "nan", "-1/2", -1, sympy.pi, sympy.Symbol("a") ** 2, None]
)
def test_what_is_no_exponent_is_refused(value):
    with pytest.raises(ValueError, match=r"exponent of leader: got .*expected"):
        derive_rates({"leader": value})


z = sympy.Symbol("z")


@pytest.mark.parametrize(
    "value",
    [
        -z,
        -z - 1,
        -1,
        sympy.I * z,
        sympy.sqrt(2) * z,
        sympy.sin(1) * z,
        z**2,
        sympy.Symbol("n", negative=True) / 2,
        sympy.Symbol("i", imaginary=True),
    ],
    ids=str,
)
def test_an_exponent_that_no_numbers_make_a_rational_one_is_refused(value):
    with pytest.raises(ValueError, match="exponent of leader: got"):
        derive_rates({"leader": value})


@pytest.mark.parametrize("value", [z - 1, 1 - 2 * z, z / 2 - sympy.Rational(1, 3)], ids=str)
def test_steps_that_might_grow_do_not_by_a_condition_or_by_those_there_are(value):
    """At every choice of symbols that keeps the conditions told, all steps decay."""
    derivation = derive_rates({"leader": value, "mean_field": 0, "follower": 0, "critic": 0})
    told = [condition for condition in derivation.conditions if condition.case in ("steps-decay", "order", "loop")]
    for number in (sympy.Rational(k, 12) for k in range(0, 30)):
        kept = all(
            sympy.sympify(c.facts["left"]).subs(z, number) >= sympy.sympify(c.facts.get("right", "0")).subs(z, number)
            for c in told
        )
        assert not kept or value.subs(z, number) >= 0


@pytest.mark.parametrize(
    ("exponents", "recursion"),
    [
        ({"leader": z + 1}, AC_SMFG),
        ({"leader": 1 + 2 * z, "critic": "1/2"}, AC_SMFG),
        ({"outer": z + 2}, BILEVEL),
        ({"outer": z, "inner": z}, BILEVEL),
    ],
    ids=str,
)
def test_symbols_that_give_no_rate_whatever_they_are_have_none(exponents, recursion):
    derivation = derive_rates(exponents, recursion=recursion)
    assert not derivation.measure.found
    assert derivation.measure.obstacle
    assert "--" not in derivation.text
    for number in (0, sympy.Rational(1, 3), sympy.Rational(1, 2), 1):
        others = dict.fromkeys(recursion.learners, "1/4") | exponents
        numbers = {
            name: form.subs(z, number) if isinstance(form, sympy.Expr) else form for name, form in others.items()
        }
        assert not derive_rates(numbers, recursion=recursion).measure.found


@pytest.mark.parametrize(
    ("exponents", "options", "said"),
    [
        ({"leder": 1}, {}, "'leder', expected one of"),
        ({}, {"weighting": "unifrom"}, "weighting: got 'unifrom'"),
        ({}, {"sampling": "markov"}, "sampling: got 'markov'"),
        ({}, {"sampling": "chain", "recursion": BILEVEL}, "no learner of which drives a chain"),
    ],
)
def test_options_that_are_unknown_are_named(exponents, options, said):
    with pytest.raises(ValueError, match=said):
        derive_rates(exponents, **options)
