"""Shop positioning: one topology for distance and moves, and its symmetries."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.games import ShopPositioning

SIZE = 5


@pytest.mark.parametrize("topology", ["line", "ring"])
def test_distance_is_the_number_of_moves_needed(topology):
    """Distance and moves share one topology: breadth-first search on the noiseless kernel finds the distance."""
    game, uniform = ShopPositioning(num_states=6, topology=topology, noise=(0, 1, 0)), jnp.full(6, 1 / 6)
    step = np.asarray([[game.transition(s, a, 0, uniform) for a in range(3)] for s in range(6)]).sum(axis=1) > 0
    reached, moves = np.eye(6, dtype=int), np.where(np.eye(6) > 0, 0, -1)
    for count in range(1, 6):
        reached = reached @ step
        moves = np.where((moves < 0) & (reached > 0), count, moves)
    distance = np.asarray(game.distance(jnp.arange(6)[:, None], jnp.arange(6)))
    np.testing.assert_array_equal(distance, moves)


def images(symmetry, game, mean_field):
    """The three functions at (s, a, b) and at its image, for every triple."""
    moved = np.empty(SIZE)
    moved[[symmetry(s, 0)[0] for s in range(SIZE)]] = mean_field
    for s, a, b in np.ndindex(SIZE, 3, SIZE):
        image_state, image_action = symmetry(s, a)
        new = (image_state, image_action, symmetry(b, 0)[0], moved)
        yield (s, a, b, mean_field), new


@pytest.mark.parametrize("crowd", ["linear", "log"])
@pytest.mark.parametrize(
    ("topology", "symmetry"),
    [("ring", lambda s, a: ((s + 2) % SIZE, a)), ("line", lambda s, a: (SIZE - 1 - s, 2 - a))],
    ids=["rotation", "reflection"],
)
def test_symmetry_of_the_topology_is_a_symmetry_of_the_game(topology, symmetry, crowd):
    """Moving shop, follower and crowd together changes nothing but the cost of leaving the base on the ring."""
    game = ShopPositioning(topology=topology, crowd=crowd, base_cost=0.0 if topology == "ring" else 0.05)
    mean_field = np.random.default_rng(0).dirichlet(np.ones(SIZE))
    order = [symmetry(s, 0)[0] for s in range(SIZE)]
    for old, new in images(symmetry, game, mean_field):
        assert float(game.follower_reward(*new)) == pytest.approx(float(game.follower_reward(*old)))
        assert float(game.leader_reward(*new)) == pytest.approx(float(game.leader_reward(*old)))
        np.testing.assert_allclose(game.transition(*new)[np.asarray(order)], game.transition(*old), atol=1e-15)


def test_values_on_the_default_line():
    game, mean_field = ShopPositioning(), jnp.asarray([0.5, 0.0, 0.0, 0.0, 0.5])
    np.testing.assert_allclose(game.transition(0, 0, 0, mean_field), [1.0, 0, 0, 0, 0])
    np.testing.assert_allclose(game.transition(0, 1, 0, mean_field), [0.75, 0.25, 0, 0, 0])
    np.testing.assert_allclose(game.transition(2, 2, 0, mean_field), [0, 0, 0.25, 0.5, 0.25])
    assert float(game.follower_reward(0, 2, 3, mean_field)) == pytest.approx(-3 / 5 - 1 / 5 - 0.25)
    assert float(game.leader_reward(0, 0, 4, mean_field)) == pytest.approx(0.5 + 0.5 * np.exp(-4) - 0.05 * 2)


def test_subset_of_locations_is_a_part_of_the_full_game():
    part, whole = ShopPositioning(locations=[1, 4]), ShopPositioning()
    mean_field = np.random.default_rng(2).dirichlet(np.ones(SIZE))
    assert part.num_leader_actions == 2
    for b, location in enumerate((1, 4)):
        assert float(part.leader_reward(0, 0, b, mean_field)) == float(whole.leader_reward(0, 0, location, mean_field))
        assert float(part.follower_reward(3, 0, b, mean_field)) == float(
            whole.follower_reward(3, 0, location, mean_field)
        )
