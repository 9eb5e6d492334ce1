"""Tables at vertices: what holds of all rows holds of those that are told without their last entry."""

import numpy as np

from smfg_verify.assumptions.enclosure.response.vertex_tables import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame


def test_rows_that_miss_one_are_as_far_apart_as_with_the_last_entry_that_the_others_leave():
    rows = np.array([[0.9, 0.1], [0.1, 0.9 - 1e-10]])
    game = checked(
        TabularGame.from_arrays(
            kernel=rows[:, None, None, :],
            follower_rewards=np.zeros((2, 1, 1)),
            leader_rewards=np.zeros((2, 1, 1)),
            discount=0.9,
            temperature=1.0,
        )
    )
    tables = vertex_tables(game)
    kept = tables.transition[..., 0]
    assert tables.mixing >= np.ptp(kept)
    assert tables.mixing <= np.ptp(kept) + 1e-12
