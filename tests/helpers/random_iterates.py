"""Random games of the oracle, and random iterates of AC-SMFG on them."""

import numpy as np

from tests.helpers import oracle

SUPPORTS = ["states", "state_actions"]


def random_game(seed, support="states", **parameters):
    return oracle.random_array_game(np.random.default_rng(seed), 4, 3, 2, observations=2, support=support, **parameters)


def random_iterate(game, seed):
    """Leader logits, follower logits, both critics, mean field."""
    rng = np.random.default_rng(seed)
    n, num_actions, num_leader_actions = game.sizes
    shape = (n,) if game.support == "states" else (n, num_actions)
    mean_field = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape)
    leader = rng.normal(size=(int(np.max(game.observation)) + 1, num_leader_actions))
    return leader, rng.normal(size=(n, num_actions)), rng.normal(size=n), rng.normal(size=n), mean_field
