r"""Facts about the tables of a certificate in rational arithmetic: all numbers are fractions, and nothing rounds.

A part of the verifier of certificates: read `verifier.py` first, which says what the game is. This file needs Python
alone and imports nothing of the verifier. A radius counts as an error of each entry that anyone may choose.
"""

import itertools
from fractions import Fraction
from typing import Any


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
