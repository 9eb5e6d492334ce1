"""Steps of the interior point method by sparse factors: those of the dense side, and where they are not taken."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import solve_nash
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium import interior as dense
from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.exact.sparse import interior as sparse
from smfg_verify.exact.sparse.equations.local_moves import local_problem
from smfg_verify.game import traced
from tests.support.local_games import Ring, TwoSinks

LEADER = jnp.array([[0.2, 0.8], [0.7, 0.3]])


class Slowed(Ring):
    """A ring whose crowds are slow, and pay the root of their mass."""

    def transition(self, state, follower_action, leader_action, mean_field):
        ahead = (0.2 + 0.1 * follower_action + 0.1 * leader_action) / (1.0 + 5.0 * mean_field[state])
        return jnp.stack([0.9 - ahead, ahead, 0.1])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return jnp.sin(state + 0.3) - (1.0 + follower_action) * jnp.sqrt(mean_field[state])


@jit_for_game
def dense_step(game, at, asked):
    _, look = dense.begun(Setting(game, LEADER, jnp.asarray(0.0)))
    return dense.directions(game, look(at), at)(asked)


def test_a_step_is_that_of_the_dense_side():
    game, rng = traced(Slowed()), np.random.default_rng(0)
    policy, lack = rng.dirichlet(np.ones(2), 20), rng.uniform(0.1, 1.0, (20, 2))
    at = dense.Interior(*map(jnp.asarray, (rng.dirichlet(np.ones(20)), rng.standard_normal(20), policy, lack)))
    asked = jnp.asarray(rng.uniform(0.0, 0.1, (20, 2)))
    step = sparse.directions(game, local_problem(game, LEADER), at)(asked)
    for found, wanted in zip(step, dense_step(game, at, asked), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10 * float(jnp.max(jnp.abs(wanted))))


@pytest.mark.slow
def test_both_sides_find_the_same_in_as_few_steps():
    one, other = (
        solve_nash(Slowed(), np.zeros((2, 2)), exploitability=1e-10, method=way) for way in ("dense", "sparse")
    )
    assert int(one.steps) == int(other.steps) < 12
    np.testing.assert_allclose(one.mean_field, other.mean_field, atol=1e-9)


def test_games_that_read_their_neighbours_or_have_no_law_are_left_to_the_walk():
    for game in (Ring(kind="steep"), TwoSinks()):
        leader = jnp.full((2, 2), 0.5) if isinstance(game, Ring) else jnp.ones((6, 1))
        assert sparse.begun(traced(game), local_problem(traced(game), leader)) is None
    assert sparse.begun(traced(Ring(kind="own")), local_problem(traced(Ring(kind="own")), LEADER)) is not None
