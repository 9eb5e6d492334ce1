"""Reachability whatever is chosen, and periods, against every pure policy's matrix."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from smfg_verify.assumptions.ergodicity.worst_chains import recurrent_structure
from smfg_verify.exact.sparse.equations.chain import chain_of, recurrent_classes
from smfg_verify.exact.sparse.reachability import (
    apart,
    far_apart,
    kept_together,
    levels_of,
    possible_moves,
    staying,
    unavoidable,
)

SIZE, CHOICES, LISTED = 5, 2, 2


def drawn(seed):
    """Targets (n, 1, 1, k) shared by both actions, and which of them each of these may take."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, SIZE, (SIZE, CHOICES, 1, LISTED))
    may = generator.random((SIZE, CHOICES, 1, LISTED)) < 0.6
    may[..., 0] |= ~np.any(may, axis=3)
    return targets, may


def matrices(targets, may):
    """0-1 matrix of each pure policy."""
    for actions in itertools.product(range(CHOICES), repeat=SIZE):
        matrix = np.zeros((SIZE, SIZE))
        for state, action in enumerate(actions):
            matrix[state, targets[state, action, 0][may[state, action, 0]]] = 1.0
        yield matrix


@pytest.mark.parametrize("seed", range(30))
def test_a_state_is_unavoidable_where_no_pure_policy_avoids_it(seed):
    targets, may = drawn(seed)
    moves = possible_moves(targets, may)
    for goal in range(SIZE):
        reached = [
            np.linalg.matrix_power(np.eye(SIZE) + matrix, SIZE)[:, goal] > 0 for matrix in matrices(targets, may)
        ]
        steps = unavoidable(moves, np.array([goal]))
        np.testing.assert_array_equal(steps >= 0, np.all(reached, axis=0))
        kept = kept_together(moves, np.arange(SIZE) != goal)
        np.testing.assert_array_equal(kept, steps < 0)
        # Where the goal can be avoided, some choice stays among such states.
        assert np.all(np.any(staying(moves, kept).reshape(SIZE, -1), axis=1)[kept])
        # So many steps, and no fewer, are enough against the policy that delays most.
        for state in np.flatnonzero(steps > 0):
            within = [
                np.linalg.matrix_power(np.eye(SIZE) + m, steps[state])[state, goal] > 0 for m in matrices(targets, may)
            ]
            assert all(within)


@pytest.mark.parametrize("seed", range(30))
def test_classes_and_periods_are_those_of_the_dense_graph(seed):
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 7, (7, 1, 1, 1 + seed % 2))
    chain = chain_of(targets, np.full(targets.shape, 0.5))
    dense_classes, dense_periods = recurrent_structure(chain.matrix.toarray())
    classes = recurrent_classes(chain)
    assert sorted(map(tuple, classes)) == sorted(map(tuple, dense_classes))
    periods = {tuple(members): levels_of(chain, members)[1] for members in classes}
    assert periods == {tuple(m): period for m, period in zip(dense_classes, dense_periods, strict=True)}


def test_laws_apart_are_those_of_the_matrix_power():
    matrix = np.random.default_rng(0).dirichlet(np.ones(6), 6)
    power = np.linalg.matrix_power(matrix, 5)
    found = apart(sp.csr_array(matrix), np.array([1, 4]), 5)
    assert found == pytest.approx(0.5 * np.abs(power[1] - power[4]).sum(), rel=1e-12)


def test_states_far_apart_are_the_ends_of_a_line():
    steps = np.clip(np.arange(9)[:, None] + np.array([-1, 1]), 0, 8)[:, None, None]
    assert sorted(far_apart(chain_of(steps, np.full(steps.shape, 0.5)))) == [0, 8]
