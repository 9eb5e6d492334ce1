"""What the machine computes lies in the enclosure: random programs, cancellation, integers, truth values, types."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.interpreter import enclose_function
from smfg_verify.assumptions.enclosure.rules import affine_operations
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.enclosure.rules.functions import UNBOUNDED
from tests.assumptions.enclosure.random_programs import NoExactValue, random_points, random_program
from tests.assumptions.enclosure.uncompiled import evaluate

# Numbers below the least normal one may be put to zero.
TINIEST = 1e-290


def enclosed(function, lower, upper):
    """Ends of a number's enclosure over the mean fields of a box."""

    def ends(low, high):
        return enclose_function(function, low.shape, Domain(low, high, True))[0].value.range

    return tuple(float(end) for end in evaluate(ends, np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)))


def bounded(ends):
    return ends[0] > -UNBOUNDED and ends[1] < UNBOUNDED


def machine(function, points, compiled=False):
    """Values of a function at mean fields: operation by operation, or as compiled code may reorder and contract it."""
    batched = jax.vmap(function)
    return np.asarray((jax.jit(batched) if compiled else batched)(jnp.asarray(points)), dtype=float)


def assert_holds(ends, values, what):
    assert np.all((values >= ends[0]) & (values <= ends[1])), (what, ends, values)


# Random programs


def look_at(seeds, every_compiled):
    """Enclose random programs; how many were bounded, refused, and compared with exact values."""
    counts = {"bounded": 0, "unbounded": 0, "refused": 0, "exact": 0}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        program, points = random_program(rng), random_points(rng)
        try:
            ends = enclosed(program, points.min(axis=0), points.max(axis=0))
        except NoEnclosure:
            counts["refused"] += 1
            continue
        assert not program.lowers_precision
        if not bounded(ends):
            counts["unbounded"] += 1
            continue
        counts["bounded"] += 1
        for compiled in (False, True)[: 1 + (seed % every_compiled == 0)]:
            values = machine(program, points, compiled)
            assert_holds(ends, values, (seed, compiled, program.steps))
        counts["exact"] += _hold_exact_values(program, points[:3], ends, seed)
    return counts


def _hold_exact_values(program, points, ends, seed):
    """The real numbers that the program stands for lie there too; how many of them are defined."""
    number = 0
    for point in points:
        try:
            exact = program.exact(point)
        except (NoExactValue, ZeroDivisionError, ValueError):
            continue
        assert exact - arb(ends[0]) >= -TINIEST, (seed, point, exact, ends)
        assert exact - arb(ends[1]) <= TINIEST, (seed, point, exact, ends)
        number += 1
    return number


def test_values_of_random_programs_lie_in_their_enclosures():
    counts = look_at(range(24), every_compiled=12)
    # A few programs leave float64 or a function's domain; most are bounded, and have an exact value to compare with.
    assert counts["bounded"] >= 18
    assert counts["exact"] >= 30


@pytest.mark.slow
def test_values_of_ten_thousand_random_programs_lie_in_their_enclosures():
    counts = look_at(range(1000, 11_200), every_compiled=25)
    assert counts["bounded"] >= 8_000
    assert counts["exact"] >= 12_000


# Cancellation

POINTS = np.concatenate([np.eye(2), [[0.3, 0.7]], np.random.default_rng(0).dirichlet([1.0, 1.0], 60)])
CANCELLING = {
    "product of shifts": lambda m: ((m[0] + 1e8) * (m[1] + 1e8) - 1e16) / 1e8,
    "difference of exponentials": lambda m: jnp.exp(36.0 + 1e-14 * m[0]) - jnp.exp(36.0),
    "shift and back": lambda m: (m[0] + 1e9) - 1e9,
    "back and forth": lambda m: 1e12 * ((m[0] / 3.0 + 7.0) - 7.0 - m[0] / 3.0),
    "dot": lambda m: jnp.dot(jnp.array([1e12, -1e12, 1.0]), jnp.array([1.0, 1.0, 0.0]) * m[0] + jnp.array([0, 0, 0.1])),
    "sum": lambda m: jnp.sum(jnp.stack([1e16 * m[0], m[1], -1e16 * m[0]])),
    "running sum": lambda m: jnp.cumsum(jnp.stack([1e16 + m[0], m[1], jnp.asarray(-1e16)]))[2],
    "scattered sum": lambda m: jnp.zeros(2).at[jnp.array([0, 0])].add(jnp.stack([1e16 + m[0], -1e16 - m[1]]))[0],
    "square of a sum": lambda m: (m[0] + 1e8) ** 2 - 1e16 - 2e8 * m[0],
    "logarithm": lambda m: 1e14 * jnp.log(1.0 + 1e-14 * m[0]),
    "power": lambda m: (1e8 + m[0]) ** 1.5 - 1e12,
    "hyperbolic": lambda m: jnp.cosh(20.0 + m[0]) - jnp.sinh(20.0 + m[0]),
    "mean field that need not sum to one": lambda m: 1e15 * (1.0 - m[0] - m[1]),
    "contracted product": lambda m: (m[0] * m[1] - m[0] * m[1]) * 1e20 + (m[0] / 3.0 * 3.0 - m[0]) * 1e16,
    "slope of a ratio": lambda m: (m[0] + 1e10) / (m[1] + 1.0) - 1e10 / (m[1] + 1.0),
}


@pytest.mark.parametrize("name", CANCELLING)
def test_what_is_left_after_cancellation_is_as_rough_as_its_largest_intermediate(name):
    ends = enclosed(CANCELLING[name], np.zeros(2), np.ones(2))
    for compiled in (False, True):
        assert_holds(ends, machine(CANCELLING[name], POINTS, compiled), name)
    for point in POINTS[2:5]:
        values = machine(CANCELLING[name], point[None])
        assert_holds(enclosed(CANCELLING[name], point, point), values, name)


def test_without_the_rounding_terms_the_machine_leaves_its_enclosure(monkeypatch):
    monkeypatch.setattr(affine_operations, "rounding", lambda terms, size: 0.0 * size)
    names = ("shift and back", "product of shifts", "sum", "square of a sum")
    outside = 0
    for name in names:
        for point in POINTS[2:12]:
            low, high = enclosed(CANCELLING[name], point, point)
            value = machine(CANCELLING[name], point[None])[0]
            outside += not low <= value <= high
    assert outside >= 8


def test_rounding_terms_are_not_wasteful():
    """A few dozen plain operations on numbers of size one are known to far better than twelve digits."""

    def function(m):
        x = m[0]
        for k in range(12):
            x = 0.5 * x + 0.3 * m[1] * x - 0.1 * k
        return x

    low, high = enclosed(function, [0.3, 0.7], [0.3, 0.7])
    assert high - low <= 1e-11


# Integers, truth values, types

WHOLE = {
    "unsigned below zero": lambda m: jnp.uint32(1) - (3 * m[0]).astype(jnp.uint32),
    "unsigned below zero beside a number": lambda m: (3 * m[0]).astype(jnp.uint8) - jnp.uint8(2),
    "overflowing product": lambda m: (1e5 * m[0]).astype(jnp.int32) * 100_000,
    "overflowing square": lambda m: jnp.square((300 * m[0]).astype(jnp.int16)),
    "overflowing sum": lambda m: jnp.sum((200.0 * m).astype(jnp.uint8)),
    "narrow": lambda m: (1000.0 * m[0]).astype(jnp.int32).astype(jnp.int8),
    "out of range": lambda m: (1e12 * (m[0] - 0.5)).astype(jnp.int32),
    "negative to unsigned": lambda m: (m[0] - 3.0).astype(jnp.uint32),
    "minus the least": lambda m: -((-300.0 * m[0]).astype(jnp.int8)),
    "negation of unsigned": lambda m: -(2.0 * m[0]).astype(jnp.uint16),
    "absolute value": lambda m: jnp.abs((-400.0 * m[0]).astype(jnp.int8)),
    "dot": lambda m: jnp.dot((20 * m).astype(jnp.int8), (20 * m).astype(jnp.int8)),
    "large": lambda m: (9e18 * m[0]).astype(jnp.int64) + jnp.int64(2**62),
    "beyond a float": lambda m: (9e15 * m[0]).astype(jnp.int64) * 5 + jnp.int64(2**53 + 1),
    "count": lambda m: jnp.sum((m > 0.25).astype(jnp.int32)) * 3 - 5,
    "maximum": lambda m: jnp.maximum((5 * m[0]).astype(jnp.uint32), jnp.uint32(2)) - jnp.uint32(3),
    "clamped": lambda m: jnp.clip((9 * m[0]).astype(jnp.uint8) - jnp.uint8(4), 0, 200),
}


@pytest.mark.parametrize("name", WHOLE)
def test_integers_wrap_and_stay_whole(name):
    def function(m):
        return WHOLE[name](m).astype(float)

    values = machine(function, POINTS)
    ends = enclosed(function, np.zeros(2), np.ones(2))
    if bounded(ends):
        assert_holds(ends, values, name)
    else:
        assert name in ("large", "beyond a float")
    # At a point away from a jump the number is known exactly where nothing wraps.
    point = np.array([0.3, 0.7])
    low, high = enclosed(function, point, point)
    assert low <= machine(function, point[None])[0] <= high


def test_small_integers_are_known_exactly():
    function = lambda m: (2 * (4 * m[0]).astype(jnp.int32) - 3).astype(float)  # noqa: E731
    assert enclosed(function, [0.3, 0.6], [0.4, 0.7]) == (-1.0, -1.0)


TRUTHS = {
    "equal": lambda m: (m[0] > 0.5) == (m[1] > 0.3),
    "different": lambda m: (m[0] > 0.5) != (m[1] > 0.3),
    "exclusive": lambda m: (m[0] > 0.5) ^ (m[1] > 0.3),
    "less": lambda m: (m[0] > 0.5) < (m[1] > 0.3),
    "at least": lambda m: (m[0] > 0.5) >= (m[1] > 0.3),
    "sum": lambda m: (m[0] > 0.5) + (m[1] > 0.3),
    "product": lambda m: (m[0] > 0.5) * (m[1] > 0.3),
    "larger": lambda m: jnp.maximum(m[0] > 0.5, m[1] > 0.3),
    "with a constant": lambda m: (m[0] > 0.5) == jnp.asarray(True),
    "of a number": lambda m: (m[0] - 0.3).astype(bool),
    "of an integer": lambda m: (2 * m[0]).astype(jnp.int32).astype(bool),
    "chosen": lambda m: jnp.where(m[0] > 0.5, m[1] > 0.15, m[1] < 0.1),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_truth_values_are_compared_and_combined(name):
    function = lambda m: TRUTHS[name](m).astype(float)  # noqa: E731
    for low, high in ((0.0, 1.0), (0.55, 0.65), (0.75, 0.8), (0.1, 0.2), (0.3, 0.3)):
        points = np.stack([np.linspace(low, high, 7), 1.0 - np.linspace(low, high, 7)], axis=1)
        values = machine(function, points)
        ends = enclosed(function, points.min(axis=0), points.max(axis=0))
        assert_holds(ends, values, name)
        if (low, high) in ((0.55, 0.65), (0.75, 0.8)):
            assert ends[0] == ends[1]


REFUSED = {
    "float32": lambda m: jnp.sum(m.astype(jnp.float32)),
    "float16": lambda m: jnp.sum(m.astype(jnp.float16)),
    "bfloat16": lambda m: jnp.sum(m.astype(jnp.bfloat16)),
    "float32 result of a dot": lambda m: jnp.dot(m, m, preferred_element_type=jnp.float32),
    "float32 result of a constant dot": lambda m: jnp.dot(m, jnp.array([1.0, 0.1]), preferred_element_type=jnp.float32),
    "reduced precision": lambda m: jax.lax.reduce_precision(m[0], 8, 10),
    "complex": lambda m: jnp.abs(m[0] + 1j * m[1]),
    "accuracy": lambda m: jax.lax.exp(m[0], accuracy=jax.lax.Tolerance(1e-3, 0.0, 0)),
    "truth to float32": lambda m: (m[0] > 0.5).astype(jnp.float32),
    "integer to float32": lambda m: (9 * m[0]).astype(jnp.int32).astype(jnp.float32),
    "integer division": lambda m: (9 * m[0]).astype(jnp.int32) // 2,
    "integer remainder": lambda m: (9 * m[0]).astype(jnp.int32) % 4,
    "integer power": lambda m: (9 * m[0]).astype(jnp.int32) ** 3,
    "shift": lambda m: (9 * m[0]).astype(jnp.int32) << 2,
    "bits": lambda m: (9 * m[0]).astype(jnp.int32) & 3,
    "bits of a float": lambda m: jax.lax.bitcast_convert_type(m[0], jnp.int64),
    "remainder": lambda m: m[0] % 0.3,
    "product over an axis": lambda m: jnp.prod(m),
    "order": lambda m: jnp.sort(m)[0],
    "place": lambda m: jnp.argmax(m),
    "largest few": lambda m: jax.lax.top_k(m, 1)[0][0],
    "running maximum": lambda m: jax.lax.cummax(m)[1],
    "index": lambda m: jnp.arange(3.0)[(2 * m[0]).astype(int)],
    "slice": lambda m: jax.lax.dynamic_slice(jnp.arange(3.0), [(2 * m[0]).astype(int)], [1])[0],
    "choice by an integer": lambda m: jax.lax.select_n((2 * m[0]).astype(jnp.int32), m[0], m[1], m[0]),
    "scan": lambda m: jax.lax.scan(lambda c, x: (c * x, None), 1.0, m)[0],
    "next number": lambda m: jnp.nextafter(m[0], 2.0),
    "random": lambda m: m[0] + jax.random.uniform(jax.random.key((2 * m[0]).astype(int))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_rounding_term_is_refused(name):
    with pytest.raises(NoEnclosure):
        enclosed(lambda m: REFUSED[name](m).astype(float), np.zeros(2), np.ones(2))


DOMAINS = {
    "root of a difference": (lambda m: jnp.sqrt(1.0 - m[0] - m[1]), False),
    "root of a small number below zero": (lambda m: jnp.sqrt(m[0] - 1e-13), False),
    "power below zero": (lambda m: (m[0] - 1e-13) ** 0.5, False),
    "root of an entry": (lambda m: jnp.sqrt(m[0]), True),
    "root of a share": (lambda m: jnp.sqrt(1.0 - m[0]), True),
    "root of a sum": (lambda m: jnp.sqrt(m[0] + m[1] * m[0]), True),
    "root of a product": (lambda m: jnp.sqrt(0.3 * m[0] * m[1]), True),
    "root of a dot of shares": (lambda m: jnp.sqrt(jnp.maximum(m @ jnp.array([0.3, 0.2]), 0.0)), True),
    "power of a distance": (lambda m: jnp.abs(m[0] - m[1]) ** 0.5, True),
}


@pytest.mark.parametrize("name", DOMAINS)
def test_a_root_is_known_only_where_no_rounding_leads_below_zero(name):
    function, known = DOMAINS[name]
    ends = enclosed(function, np.zeros(2), np.ones(2))
    assert bounded(ends) == known
    if known:
        assert_holds(ends, machine(function, POINTS), name)
