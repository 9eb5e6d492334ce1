r"""Facts about the tables of a certificate in rational arithmetic: all numbers are fractions, and nothing rounds.

A part of the verifier of certificates: read `verifier.py` first, which says what the game is. This file needs Python
alone and imports nothing of the verifier. A radius counts as an error of each entry that anyone may choose.
"""

import itertools
from fractions import Fraction
from typing import Any, NamedTuple

# Pivots of forms of all pure leaders, and second differences of rewards: to look at them takes seconds.
MOST_FORMS, MOST_LOOPS = 10**8, 10**7


class TooLarge(ValueError):
    """What would take too long to look at."""


def raised(values: list[float], divisor: int = 1) -> tuple[list[int], int]:
    """Numbers in whole ones, and what these are divided by: at least the divisor given, a power of two."""
    ratios = [value.as_integer_ratio() for value in values]
    divisor = max(divisor, *(over for _, over in ratios))
    return [number * (divisor // over) for number, over in ratios], divisor


def near_probabilities(row: list[float], radius: float) -> bool:
    """Whether there are probabilities within a radius of a row, entry by entry."""
    (off, *middle), one = raised([radius, *row])
    low, high = sum(max(p - off, 0) for p in middle), sum(min(p + off, one) for p in middle)
    return low <= one <= high and all(p + off >= 0 for p in middle)


def whole_numbers(rows: Any) -> tuple[Any, int]:
    """Rows [vertex][s][a][b][t] in whole numbers, and what all of them are divided by."""
    every = [row for at in rows for over in at for each in over for row in each]
    divisor = max(raised(row)[1] for row in every)
    return [[[[raised(row, divisor)[0] for row in each] for each in over] for over in at] for at in rows], divisor


def largest_variation(game: Any) -> Fraction:
    """A bound of the variation of two states' rows, largest at vertices; one observation has one leader's action."""
    n, num_actions, num_leader = game.sizes
    rows, divisor = whole_numbers(game.rows)
    every, largest = list(itertools.product(range(num_actions), range(num_leader))), 0
    for at, (s, t) in itertools.product(rows, itertools.combinations(range(n), 2)):
        shared = game.observation[s] == game.observation[t]
        for (a, b), (c, d) in itertools.product(every, every):
            if b == d or not shared:
                largest = max(largest, sum(abs(p - q) for p, q in zip(at[s][a][b], at[t][c][d], strict=True)))
    return Fraction(largest, 2 * divisor) + (n * Fraction(game.row_radius) if n > 1 else 0)


def forgotten_after(game: Any, steps: int) -> Fraction:
    """A bound of the variation of two laws of any chains after some steps, policies and mean fields changing between.

    v(s, t) <= P(at t after k steps from s): v = 1 where s = t, then the least sum_u P(u | s, a, b, m) v(u, t) of all
    actions and vertices, rounded down to multiples of 2^-128. Any two laws share the least sum_t min(v(s, t), v(u, t)).
    """
    states, unit = range(game.sizes[0]), 2**128
    off, over = game.row_radius.as_integer_ratio()
    ways: list[set[tuple[int, ...]]] = [set() for _ in states]
    for s, each in ((s, each) for at in game.rows for s, over_actions in enumerate(at) for each in over_actions):
        for row in each:
            ratios = [p.as_integer_ratio() for p in row]
            ways[s].add(tuple(max(0, unit * (p * over - off * q) // (q * over)) for p, q in ratios))
    reached = [[unit * (s == t) for t in states] for s in states]
    for _ in range(steps):
        columns = list(zip(*reached, strict=True))
        reached = [
            [min(sum(p * v for p, v in zip(way, to, strict=True)) for way in ways[s]) // unit for to in columns]
            for s in states
        ]
    pairs = itertools.combinations(reached, 2)
    return 1 - Fraction(min((sum(map(min, p, q)) for p, q in pairs), default=unit), unit)


class Slopes(NamedTuple):
    """R_j(s, a, b) - R_n(s, a, b), rewards at a vertex less those at the last one, in whole numbers."""

    of: dict[tuple[int, int, int], list[int]]  # by s, a, b, for all vertices j but the last
    over: int  # what they are divided by
    largest: Fraction  # of all |R|
    choices: range  # leader's actions that are told apart: the first alone where others differ by roundings
    apart: int  # how far actions are from those they are not told apart from


def slopes_of(game: Any) -> Slopes:
    """The slopes of the rewards of the tables."""
    n, num_actions, num_leader = game.sizes
    flat, divisor = raised([r for at in game.rewards for over in at for each in over for r in each])
    size = n * num_actions * num_leader
    columns = zip(*(flat[at : at + size] for at in range(0, len(flat), size)), strict=True)
    keys = itertools.product(range(n), range(num_actions), range(num_leader))
    found = {key: [r - column[-1] for r in column[:-1]] for key, column in zip(keys, columns, strict=True)}
    largest = max(map(abs, flat))
    apart = max(farthest(g, found[s, a, 0]) for (s, a, _), g in found.items())
    if apart * 2**50 > largest:
        return Slopes(found, divisor, Fraction(largest, divisor), range(num_leader), 0)
    return Slopes(found, divisor, Fraction(largest, divisor), range(1), apart)


def farthest(first: list[int], second: list[int]) -> int:
    """The largest distance of two entries."""
    return max((abs(x - y) for x, y in zip(first, second, strict=True)), default=0)


def strictly_monotone(game: Any, strength: float) -> Fraction | None:
    r"""An e with <r(m) - r(m'), d - d'> <= -strength |m - m'|_2^2 + e |m - m'|_1 |d - d'|_1; None where none is found.

    d and d' are any laws of state and action under one leader, r(m) its rewards, and m, m' the mean fields of d, d'.
    With m - m' = sum_k z_k (e_k - e_n) rewards change by sum_k z_k (R_k - R_n). Where mean fields are of states these
    are taken to be those of action 0, and e holds how far others are from them; so it does for leader's actions that
    differ by roundings. Other leaders are mixtures of pure ones, and so are their forms.
    """
    if len(game.rewards) == 1:
        return None
    slopes, (n, num_actions, _) = slopes_of(game), game.sizes
    places = [(s, a) for s in range(n) for a in range(1 if game.on_states else num_actions)]
    seen, less = sorted(set(game.observation)), Fraction(strength)
    if len(slopes.choices) ** len(seen) * len(places) ** 4 > MOST_FORMS:
        raise TooLarge("too many leaders, or too large a mean field")
    for acts in itertools.product(slopes.choices, repeat=len(seen)):
        led = [slopes.of[s, a, acts[seen.index(game.observation[s])]] for s, a in places]
        steep = [[x - y for x, y in zip(row, led[-1], strict=True)] for row in led[:-1]]
        least = [[less.numerator * slopes.over * (1 + (i == k)) for k in range(len(steep))] for i in range(len(steep))]
        form = [
            [-(steep[i][k] + steep[k][i]) * less.denominator - 2 * each for k, each in enumerate(row)]
            for i, row in enumerate(least)
        ]
        if not nowhere_negative(form):
            return None
    off = max(
        farthest(g, slopes.of[s, 0 if game.on_states else a, b if b in slopes.choices else 0])
        for (s, a, b), g in slopes.of.items()
    )
    return Fraction(off, slopes.over) + Fraction(game.reward_radius)


def nowhere_negative(form: list[list[int]]) -> bool:
    """Whether a symmetric matrix is positive semidefinite: Bareiss's elimination, in which all divisions are exact."""
    rows, previous = form, 1
    while rows:
        (pivot, *first), *rest = rows
        if pivot < 0 or (pivot == 0 and any(first)):
            return False
        if pivot == 0:
            rows = [row[1:] for row in rest]
            continue
        rows = [[(pivot * x - row[0] * y) // previous for x, y in zip(row[1:], first, strict=True)] for row in rest]
        previous = pivot
    return True


def work_of(game: Any) -> tuple[Fraction, Fraction, Fraction]:
    r"""An e with |<r'(u), v> - <r'(v), u>| <= e |u|_1 |v|_1, without the radius; the largest reward and slope.

    u, v are differences of laws of state and action under one leader, r'(u) the change of its rewards along u. With x
    and y pairs of state and action and M(x, y) = R_j(x), j the mean field's entry of y, the form of u and v is that of
    the second differences of M - M^T, as entries of u and of v sum to zero.
    """
    slopes, (n, num_actions, _) = slopes_of(game), game.sizes
    places = [(s, a) for s in range(n) for a in range(num_actions)]
    if len(places) ** 2 * len(slopes.choices) ** 3 > MOST_LOOPS:
        raise TooLarge("too many pairs of state and action")
    entry = [s if game.on_states else k for k, (s, _) in enumerate(places)]
    rows = {key: [*g, 0] if g else [0] * (max(entry) + 1) for key, g in slopes.of.items()}
    largest = 0
    for i, k in itertools.combinations(range(1, len(places)), 2):
        corners = (0, i, k)
        seen = sorted({game.observation[places[at][0]] for at in corners})
        for acts in itertools.product(slopes.choices, repeat=len(seen)):
            o, p, q = (rows[(*places[at], acts[seen.index(game.observation[places[at][0]])])] for at in corners)
            x, y, z = (entry[at] for at in corners)
            around = (p[z] - p[x]) - (q[y] - q[x]) - (o[z] - o[y])
            largest = max(largest, abs(around))
    steepest = max((abs(x) for g in slopes.of.values() for x in g), default=0)
    return Fraction(largest + 2 * slopes.apart, slopes.over), slopes.largest, Fraction(steepest, slopes.over)
