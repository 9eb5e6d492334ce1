import warnings

import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.stochastic import Schedule, ac_smfg
from smfg_verify.stochastic.schedules import warn_if_misordered


def test_steps_are_the_constants_over_the_square_root_with_two_of_them_clipped():
    schedule = Schedule(leader=3.0, mean_field=4.0, follower=5.0, critic=6.0)
    for k in (0, 1, 15, 24, 10_000):
        scale = 1.0 / np.sqrt(k + 1.0)
        expected = (3.0 * scale, min(4.0 * scale, 1.0), 5.0 * scale, min(6.0 * scale, 1.0))
        np.testing.assert_allclose(schedule.at(k), expected, rtol=1e-14)


@pytest.mark.untyped  # the line that is warned about
@pytest.mark.parametrize(
    ("constants", "named"),
    [
        ({"leader": 0.6}, ["zeta", "xi"]),
        ({"mean_field": 1.5}, ["xi", "alpha"]),
        ({"follower": 2.5}, ["alpha", "beta"]),
    ],
)
def test_a_broken_order_warns_once_and_names_the_pair(constants, named):
    game = games.load("market-entrance")
    with pytest.warns(UserWarning, match="step sizes") as caught:
        ac_smfg(game, num_iterations=1, seeds=[0], schedule=Schedule(**constants))
    message = str(next(item for item in caught if "step sizes" in str(item.message)).message)
    assert all(name in message.split("theory")[0] for name in named)
    assert sum("step sizes" in str(item.message) for item in caught) == 1
    assert caught[0].filename == __file__


def test_the_order_with_equalities_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_misordered(Schedule(leader=0.5, mean_field=0.5, follower=0.5, critic=0.5))
        warn_if_misordered(Schedule())


@pytest.mark.parametrize("constant", [-0.1, np.nan, np.inf, [0.1, 0.2]])
def test_constants_out_of_range_are_refused(constant):
    with pytest.raises(ValueError, match=r"Schedule\.follower"):
        Schedule(follower=constant)
