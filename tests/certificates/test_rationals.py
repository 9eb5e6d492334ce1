"""Rational arithmetic on tables: bounds hold of what is sampled, and to the last digit."""

import itertools

import numpy as np
import pytest

from smfg_verify.certificates import rationals, verifier
from tests.support.certificates import arrays, game_entry


def test_variation_is_the_largest_of_sampled_policies_and_more():
    rng = np.random.default_rng(1)
    for observations in (1, 3):
        game = arrays(3, (3, 2, 2), observations=observations, kernel_coupling=0.8)
        bound = float(rationals.largest_variation(verifier.game_of(game_entry(game))))
        largest = 0.0
        for _ in range(300):
            rows = game.tables(rng.dirichlet(np.full(3, 0.2)))[0]
            phi = rng.dirichlet(np.full(2, 0.1), observations)[list(game.observation)]
            chain = np.einsum("sabt,sb,sa->st", rows, phi, rng.dirichlet(np.full(2, 0.1), 3))
            largest = max(largest, 0.5 * max(np.abs(p - q).sum() for p, q in itertools.combinations(chain, 2)))
        assert largest <= bound <= 1.15 * largest


def test_variation_counts_every_entry_of_a_row_as_off_by_the_radius():
    game = arrays(3)
    exact, wide = (
        rationals.largest_variation(verifier.game_of(game_entry(game, radius))) for radius in (1e-13, 1e-13 + 2.0**-30)
    )
    assert float(wide - exact) == pytest.approx(2 * 2.0**-30)


@pytest.mark.parametrize(
    ("row", "radius", "near"),
    [
        ([0.5, 0.5], 0.0, True),
        ([0.1, 0.2, 0.7], 0.0, False),  # the three floats sum to one less a rounding
        ([0.1, 0.2, 0.7], 1e-16, True),
        ([1.0 + 2.0**-52, 0.0], 0.0, False),
        ([1.0 + 2.0**-52, -(2.0**-52)], 2.0**-52, True),
        ([1.0, -1e-9], 1e-10, False),
        ([1.0], 0.0, True),
        ([5e-324, 1.0], 5e-324, True),
    ],
)
def test_probabilities_are_near_a_row_without_a_rounding(row, radius, near):
    assert rationals.near_probabilities(row, radius) == near
