"""Congestion pricing: local moves against a table by hand, symmetries of the grid, and grids of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium, tabulate
from smfg_verify.game import leader_logits_shape, validate
from smfg_verify.games import CongestionPricing
from smfg_verify.stochastic import ac_smfg, sample_transition

MOVES = {0: (0, 0), 1: (-1, 0), 2: (0, 1), 3: (1, 0), 4: (0, -1)}


def by_hand(side, slip):
    """The next-cell law of each (s, a), (n, 5, n), from rows and columns."""
    rows = np.zeros((side**2, 5, side**2))
    for row, column, action in np.ndindex(side, side, 5):
        for move, (down, right) in MOVES.items():
            target = min(max(row + down, 0), side - 1), min(max(column + right, 0), side - 1)
            probability = slip / 5 + (1 - slip) * (move == action)
            rows[row * side + column, action, target[0] * side + target[1]] += probability
    return rows


@pytest.mark.parametrize(("side", "slip"), [(1, 0.3), (2, 1.0), (3, 0.0), (4, 0.25)])
def test_dense_table_of_the_local_moves(side, slip):
    game = CongestionPricing(side=side, slip=slip, num_zones=1)
    found = tabulate(game, jnp.full(side**2, 1 / side**2)).transition
    assert found.shape == (side**2, 5, 2, side**2)
    for b in range(2):
        np.testing.assert_allclose(found[:, :, b], by_hand(side, slip), atol=1e-15)


def test_reward_values():
    game = CongestionPricing(destination=2, tolls=(0.1, 0.4), weight=3.0)
    mean_field = jnp.asarray(np.arange(9) / 36)
    follower = [float(game.follower_reward(s, a, 1, mean_field)) for s, a in ((2, 0), (2, 3), (5, 0))]
    np.testing.assert_allclose(follower, [1 - 2 / 36 - 0.4, 1 - 2 / 36 - 0.4 - 0.05, -5 / 36 - 0.4])
    leader = [float(game.leader_reward(6, 4, b, mean_field)) for b in range(2)]
    np.testing.assert_allclose(leader, [0.1 - 0.5, 0.4 - 0.5])


def test_zones_are_rings_around_the_destination():
    centred = CongestionPricing(side=5, num_zones=3)
    rings = [[2, 2, 2, 2, 2], [2, 2, 1, 2, 2], [2, 1, 0, 1, 2], [2, 2, 1, 2, 2], [2, 2, 2, 2, 2]]
    np.testing.assert_array_equal(np.reshape(centred.leader_observation, (5, 5)), rings)
    wide = CongestionPricing(side=4, num_zones=4, zone_width=2, destination=0)
    np.testing.assert_array_equal(np.reshape(wide.leader_observation, (4, 4)), (np.indices((4, 4)).sum(axis=0)) // 2)
    assert leader_logits_shape(wide) == (4, 2)


def image(symmetry, side=3):
    """Where a symmetry of the square sends cells and moves, as two permutations."""
    cells = np.arange(side**2).reshape(side, side)
    sent = symmetry(cells).ravel()
    cell_image = np.argsort(sent)
    game, middle = CongestionPricing(side=side), (side**2) // 2
    targets = np.asarray(game.successors(middle, 0, 0))
    move_image = [int(np.flatnonzero(targets == cell_image[target])[0]) for target in targets]
    return cell_image, np.asarray(move_image)


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", [np.rot90, np.flipud, np.transpose], ids=["rotation", "reflection", "diagonal"])
def test_equilibrium_has_the_symmetries_of_the_square(symmetry):
    cells, moves = image(symmetry)
    game = CongestionPricing()
    table = tabulate(game, jnp.full(9, 1 / 9)).transition
    np.testing.assert_allclose(table[cells][:, moves][..., cells], table, atol=1e-15)
    found = solve_equilibrium(game, np.array([[0.3, 1.0], [0.5, -0.2]]))
    np.testing.assert_allclose(found.mean_field[cells], found.mean_field, atol=1e-12)
    np.testing.assert_allclose(found.follower_policy[cells][:, moves], found.follower_policy, atol=1e-12)


def test_myopic_drivers_spread_evenly():
    """At gamma 0 only fuel counts, in every cell alike: a symmetric walk, whose stationary law is uniform."""
    found = solve_equilibrium(CongestionPricing(discount=0.0), np.zeros((2, 2)))
    weights = np.exp(-np.array([0.0, 0.05, 0.05, 0.05, 0.05]) / 0.3)
    np.testing.assert_allclose(found.follower_policy, np.tile(weights / weights.sum(), (9, 1)), atol=1e-14)
    np.testing.assert_allclose(found.mean_field, 1 / 9, atol=1e-13)


def test_one_cell_is_a_closed_form():
    """Every move stays: V = (reward - congestion - mean toll + tau log(1 + 4 exp(-fuel / tau))) / (1 - gamma)."""
    game = CongestionPricing(side=1, num_zones=1)
    found = solve_equilibrium(game, np.zeros((1, 2)))
    bonus = 0.3 * np.log(1 + 4 * np.exp(-0.05 / 0.3))
    np.testing.assert_allclose(found.follower_value, [(1.0 - 1.0 - 0.25 + bonus) / 0.1], rtol=1e-13)
    np.testing.assert_allclose(found.mean_field, [1.0], atol=1e-15)


def test_a_toll_on_the_destination_empties_it_and_a_toll_everywhere_does_not():
    game = CongestionPricing()
    free, cordon, flat = (
        float(solve_equilibrium(game, 20.0 * np.array(logits)).mean_field[4])
        for logits in ([[1, -1], [1, -1]], [[-1, 1], [1, -1]], [[-1, 1], [-1, 1]])
    )
    assert cordon < free - 0.05
    assert flat == pytest.approx(free, abs=1e-10)


@pytest.mark.slow
def test_the_learning_population_moves_one_cell_at_a_time_on_a_large_grid():
    game = CongestionPricing(side=24, num_zones=5, zone_width=5)
    trace = ac_smfg(game, num_iterations=60, seeds=range(4), checkpoints=range(61))
    rows, columns = np.divmod(np.asarray(trace.population_state), 24)
    steps = np.abs(np.diff(rows, axis=1)) + np.abs(np.diff(columns, axis=1))
    assert steps.shape == (4, 60)
    assert set(np.unique(steps)) == {0, 1}
    np.testing.assert_allclose(trace.mean_field.sum(axis=-1), 1.0, atol=1e-12)
    assert trace.leader_logits.shape == (4, 61, 5, 2)


def test_a_hundred_thousand_cells_are_simulated_without_a_table():
    """Drivers who always go east drift at the speed 1 - slip; one dense row would have 1e5 entries."""
    game = CongestionPricing(side=317, num_zones=4, zone_width=40, slip=0.2)
    cells, key = jnp.arange(game.num_states, dtype=jnp.int32), jax.random.key(0)
    mean_field = jnp.full(game.num_states, 1 / game.num_states)

    @jax.jit
    def after(steps):
        def step(k, states):
            uniforms = jax.random.uniform(jax.random.fold_in(key, k), states.shape)
            move = jax.vmap(lambda u, s: sample_transition(game, u, s, 2, 0, mean_field))
            return move(uniforms, states)

        return jax.lax.fori_loop(0, steps, step, cells)

    start, moved = (np.divmod(np.asarray(states), 317) for states in (cells, after(20)))
    interior = (start[1] >= 20) & (start[1] < 317 - 20) & (start[0] >= 20) & (start[0] < 317 - 20)
    drift = (moved[1] - start[1])[interior]
    # One step east with probability 0.84 and west with 0.04: mean 0.8, variance 0.24.
    assert abs(drift.mean() / 20 - 0.8) < 5 * np.sqrt(0.24 / 20 / interior.sum())
    assert abs((moved[0] - start[0])[interior].mean() / 20) < 5 * np.sqrt(0.08 / 20 / interior.sum())
    assert np.max(np.abs(moved[1] - start[1]) + np.abs(moved[0] - start[0])) <= 20


class ThroughTheWall(CongestionPricing):
    """Its northern moves leave the grid."""

    def successors(self, state, follower_action, leader_action):
        return state + self.side * jnp.array([0, -1, 0, 0, 0])


def test_moves_off_the_grid_are_refused():
    with pytest.raises(ValueError, match=r"states from -3 to 8"):
        validate(ThroughTheWall(side=3))


@pytest.mark.slow
def test_a_dense_table_of_a_hundred_thousand_cells_is_refused():
    game = CongestionPricing(side=317)
    with pytest.raises(ValueError, match="dense table"):
        solve_equilibrium(game, jnp.full((2, 2), 0.5))


@pytest.mark.slow
def test_ac_smfg_learns_on_a_hundred_thousand_cells():
    """Every cell that was visited is one that the two chains can have reached."""
    game = CongestionPricing(side=317, num_zones=4, zone_width=40)
    trace = ac_smfg(game, num_iterations=50, seeds=[0], checkpoints=2)
    assert not trace.diverged.any()
    np.testing.assert_allclose(trace.mean_field[0, -1].sum(), 1.0, rtol=1e-12)
    moved = np.flatnonzero(np.abs(trace.follower_critic[0, -1] - trace.follower_critic[0, 0]) > 0.0)
    assert 1 <= moved.size <= 50
