"""Pieces of leaders: laws stay in the sets claimed, slopes below the bounds, and two equilibria leave no proof."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.assumptions.enclosure.response.zones import leaders
from tests.assumptions.crowds import crowd
from tests.assumptions.enclosure.response.zones.test_bounds import best_response, drawn


def leaders_of(rows, observation, rng, number):
    """Policies by state out of pieces of the rows: vertices and mixed ones."""
    mixed = rng.dirichlet(np.full(rows.shape[1], 0.4), (number, len(rows)))
    pure = np.eye(rows.shape[1])[rng.integers(rows.shape[1], size=(number, len(rows)))]
    return np.einsum("kov,ovb->kob", np.concatenate([mixed, pure]), rows)[:, observation]


def fields_of(least, rng, number):
    """Mean fields of no smaller entries, the most lopsided ones among them."""
    drawn = np.concatenate([np.eye(len(least)), rng.dirichlet(np.full(len(least), 0.3), number)])
    return least + (1.0 - least.sum()) * drawn[rng.integers(len(drawn), size=number)]


def chain_of_parts(tables, depth, rng):
    """A piece and the parts of it on a way down, with the mean fields that each was looked at over."""
    piece = leaders._whole(tables)
    yield np.zeros(tables.num_states), piece
    for _ in range(depth):
        parts = leaders._parts(tables, piece)
        if not parts:
            return
        before, piece = piece.least, leaders._within(tables, parts[rng.integers(len(parts))], piece)
        yield before, piece


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((3, 2, 2), {"tau": 0.5, "gamma": 0.6}),
        ((2, 3, 3), {"tau": 0.3, "gamma": 0.9}),
        pytest.param((4, 2, 3), {"tau": 0.3}, marks=pytest.mark.slow),
    ],
)
def test_laws_stay_and_slopes_are_bounded_over_every_part(sizes, options):
    arrays, tables = drawn(sizes, 5, **options)
    rng, step = np.random.default_rng(0), 1e-5
    for least, piece in chain_of_parts(tables, 4, rng):
        policies = leaders_of(piece.rows, tables.observation, rng, 60)
        fields = fields_of(least, rng, len(policies))
        law = best_response(arrays, policies, fields)[1]
        assert np.min(law - piece.least) >= 0.0
        if piece.modulus == np.inf:
            continue
        inside = fields_of(piece.least, rng, len(policies))
        stretch = 0.0
        for i, j in zip(*np.triu_indices(sizes[0], 1), strict=True):
            edge = step * (np.eye(sizes[0])[i] - np.eye(sizes[0])[j])
            above, below = (best_response(arrays, policies, inside + sign * edge)[1] for sign in (1.0, -1.0))
            stretch = max(stretch, float(np.max(np.sum(np.abs(above - below), axis=1)) / (4.0 * step)))
        assert stretch <= piece.modulus + 1e-8


def test_parts_cover_their_piece():
    """Volumes of the halves add up to the whole's, and no half has a vertex outside."""
    tables = drawn((3, 2, 3), 1)[1]
    piece = leaders._whole(tables)
    parts = leaders._parts(tables, piece)
    volume = [np.prod(np.abs(np.linalg.det(part))) for part in parts]
    assert len(parts) > 1
    assert sum(volume) == pytest.approx(np.prod(np.abs(np.linalg.det(piece.rows))))
    assert all(np.min(part) >= 0.0 and np.allclose(part.sum(axis=2), 1.0) for part in parts)


def test_a_proof_where_the_map_stretches_away_from_its_equilibrium():
    r"""$D\Gamma = 2 k s (1 - s) / \tau$, s = $\Gamma(m)_0$: 1.2 at the share .08, largest among laws at the least."""
    tables = vertex_tables(crowd(1.2, 0.5, bias=1.0, discount=0.0))
    sigmoid = lambda share: 1.0 / (1.0 + np.exp(-(1.2 * (2.0 * share - 1.0) + 1.0) / 0.5))  # noqa: E731
    slope = lambda share: 4.8 * sigmoid(share) * (1.0 - sigmoid(share))  # noqa: E731
    found = leaders.contraction_on_laws(tables, 50)
    assert slope(0.0833) == pytest.approx(1.2, rel=1e-3)
    # Its second set of laws is looked at: those of laws.
    assert slope(sigmoid(sigmoid(0.0))) <= found.modulus < 1.0


@pytest.mark.parametrize("bias", [0.0, 0.05])
def test_two_equilibria_leave_no_proof(bias):
    tables = vertex_tables(crowd(1.2, 0.5, bias=bias))
    assert leaders.contraction_on_laws(tables, 400).modulus == np.inf


def test_what_would_need_more_pieces_than_allowed_is_not_begun():
    tables = drawn((3, 2, 2), 5, tau=0.25, gamma=0.8)[1]
    enough = leaders.contraction_on_laws(tables, 10_000)
    assert 1 < enough.leaves < enough.pieces
    assert enough.modulus < 1.0
    few = leaders.contraction_on_laws(tables, 2)
    assert few.modulus == np.inf
    assert few.pieces <= 1 + 2**leaders._MOST_AT_ONCE
