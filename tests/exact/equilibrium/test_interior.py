"""The interior point method: its steps against a Jacobian by differentiation, and how few of them there are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.peers import garnet
from benchmarks.peers.judge import judge
from benchmarks.peers.our_games import garnet_game
from smfg_verify import solve_nash
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.interior import Interior, begun, directions
from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.game import TabularGame, mean_field_shape, traced
from tests.exact.cases import SUPPORTS_ONE_QUICK

N, A, B = 4, 3, 2
LEADER = jnp.array([[0.3, 0.7]])


def drawn(support, moving, seed=0):
    """A game affine in the mean field, its moves too where asked for."""
    rng = np.random.default_rng(seed)
    size, half = (N if support == "states" else N * A), 0.5 if moving else 1.0
    return TabularGame.from_arrays(
        kernel=half * rng.dirichlet(np.ones(N), (N, A, B)),
        kernel_mean_field=half * rng.dirichlet(np.ones(N), (size, N, A, B)) if moving else None,
        follower_rewards=rng.standard_normal((N, A, B)),
        follower_rewards_mean_field=rng.standard_normal((size, N, A, B)),
        leader_rewards=np.zeros((N, A, B)),
        leader_observation=np.zeros(N, dtype=int),
        mean_field_support=support,
        discount=0.8,
        temperature=1.0,
    )


def gaps(game, at):
    """What a point leaves open of the law, of z = V - Q, of sums of rows, and the products pi z, from the arrays."""
    along = jnp.tensordot(at.field, game.follower_rewards_mean_field, axes=1)
    reward = jnp.einsum("b,sab->sa", LEADER[0], game.follower_rewards + along)
    table = game.kernel
    if game.kernel_mean_field is not None:
        table = table + jnp.tensordot(at.field, game.kernel_mean_field, axes=1)
    moves = jnp.einsum("b,sabt->sat", LEADER[0], table)
    law = at.field.reshape(N, -1).sum(axis=1)
    sent = jnp.einsum("s,sa,sat->t", law, at.policy, moves)
    if game.mean_field_support == "state_actions":
        sent = (sent[:, None] * at.policy).ravel()
    lack = at.lack - at.value[:, None] + reward + game.discount * moves @ at.value
    return at.field - sent, lack, at.policy.sum(axis=1) - 1.0, at.policy * at.lack


def point(game, rng, policy):
    field = rng.dirichlet(np.ones(int(np.prod(mean_field_shape(game)))))
    numbers = (field, rng.standard_normal(N), policy, rng.uniform(0.1, 1.0, (N, A)))
    return Interior(*map(jnp.asarray, numbers))


@jit_for_game
def along_the_step(game, at, asked):
    """What is open, and its derivative along the step that the search takes."""
    _, look = begun(Setting(game, LEADER, jnp.asarray(0.0)))
    step = directions(game, look(at), at)(asked)
    return *jax.jvp(lambda at: gaps(game, at), (at,), (step,)), step


@SUPPORTS_ONE_QUICK
def test_a_step_closes_all_equations_to_first_order(support):
    """Moves read the mean field; its mass does not change."""
    game, rng = traced(drawn(support, True)), np.random.default_rng(2)
    asked = jnp.asarray(rng.uniform(0.0, 0.1, (N, A)))
    (law, lack, rows, products), moved, step = along_the_step(
        game, point(game, rng, rng.dirichlet(np.ones(A), N)), asked
    )
    for found, wanted in zip(moved, (-law, -lack, -rows, asked - products), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    assert abs(float(jnp.sum(step.field))) < 1e-12


@SUPPORTS_ONE_QUICK
def test_rows_that_sum_to_something_else_are_mended(support):
    game, rng = traced(drawn(support, False)), np.random.default_rng(1)
    at = point(game, rng, rng.uniform(0.1, 1.0, (N, A)))
    (_, lack, rows, products), moved, _ = along_the_step(game, at, jnp.zeros((N, A)))
    for found, wanted in zip(moved[1:], (-lack, -rows, -products), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("target", [1e-3, 1e-6])
def test_a_garnet_takes_ten_steps_and_its_judge_agrees_at_once(target):
    """The largest regret over states bounds what the judge finds, whose deviations start from the population."""
    stated = garnet.stated(20)
    found = solve_nash(garnet_game(20), np.zeros((1, 1)), exploitability=target * stated.scale)
    assert int(found.steps) <= 10
    verdict = judge(stated, np.asarray(found.follower_policy), np.asarray(found.mean_field))
    assert verdict.exploitability <= float(found.largest_regret) <= target * stated.scale
