"""First-order changes: solves with the Jacobian and its transpose, and the mean field's answer to the leader."""

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.equilibrium.residual import Jacobian, Point, Setting
from smfg_verify.exact.gradient.perturbation import _solvers, leader_directions, propagate, root_mean_square
from smfg_verify.exact.gradient.stackelberg import _formula, _place
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import pair
from tests.helpers import oracle


def test_one_factorisation_solves_with_the_matrix_and_with_its_transpose():
    game, _, logits = pair(0)
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), jnp.asarray(0.01))
    dense = np.random.default_rng(0).normal(size=(8, 8)) + 4.0 * np.eye(8)
    transposed = Jacobian(*(jnp.asarray(block) for half in np.split(dense.T, 2) for block in np.split(half, 2, axis=1)))
    columns = np.random.default_rng(1).normal(size=(3, 8))
    right = Point(jnp.asarray(columns[:, :4]), jnp.asarray(columns[:, 4:]))
    for solve, matrix in zip(_solvers(setting, transposed), (dense, dense.T), strict=True):
        found = solve(right)
        expected = np.linalg.solve(matrix, columns.T).T
        np.testing.assert_allclose(np.hstack([found.mean_field, found.value]), expected, atol=1e-12)


@jax.jit
def changes_at(game, leader_policy, equilibrium):
    setting, point = _place(game, leader_policy, equilibrium)
    exact = jax.tree.map(jnp.zeros_like, tabulate(game, equilibrium.mean_field))
    return propagate(setting, point, _formula(game, leader_policy, equilibrium).adjoint, exact)


def test_the_mean_fields_answer_to_a_move_of_the_leader_is_that_of_resolved_equilibria():
    game, arrays, logits = pair(0, observations=2, tau_l=0.1)
    policy = np.asarray(softmax_policy(jnp.asarray(logits)))
    found = changes_at(traced(game), jnp.asarray(policy), stackelberg_gradient(game, logits).equilibrium)
    directions = leader_directions(policy.shape)
    np.testing.assert_allclose(np.sum(directions, axis=-1), 0.0, atol=1e-15)
    step = 1e-5
    for direction, response in zip(directions, found.response, strict=True):
        ends = [oracle.equilibrium(arrays, np.log(policy + t * direction)).mean_field for t in (step, -step)]
        np.testing.assert_allclose(response, (ends[0] - ends[1]) / (2.0 * step), atol=1e-7)
    # Nothing is missed at a solution, and roundings are of the machine's size.
    assert np.max(np.abs(found.total)) < 1e-9


def test_the_first_column_is_no_draw():
    columns = jnp.array([[100.0, 7.0], [3.0, 0.0], [-4.0, 0.0]])
    np.testing.assert_allclose(root_mean_square(columns), [np.sqrt(12.5), 0.0])
