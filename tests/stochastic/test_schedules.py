import itertools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify import games
from smfg_verify.stochastic import Schedule, ac_smfg
from smfg_verify.stochastic.schedules import PowerSchedule, warn_if_misordered

AT = jax.jit(lambda schedule, k: schedule.at(k))
LANES = jax.jit(lambda schedule, k: schedule.at(k))


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


CONSTANTS = st.lists(st.integers(0, 8000).map(lambda n: n / 1000), min_size=4, max_size=4)


@given(CONSTANTS, st.integers(0, 10**9))
def test_steps_are_ordered_fall_and_never_pass_a_full_replacement(constants, k):
    schedule = Schedule(*sorted(constants))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_misordered(schedule)
    now, later, much_later = (np.array(AT(schedule, each)) for each in (k, k + 1, 4 * k + 3))
    assert np.all(now >= 0.0)
    assert np.all(now <= list(schedule.constants().values()))
    assert np.all(later <= now)
    assert now[1] <= 1.0
    assert now[3] <= 1.0
    # c / sqrt(4 (k + 1)) is half of c / sqrt(k + 1), where nothing is clipped.
    np.testing.assert_allclose(much_later[[0, 2]], 0.5 * now[[0, 2]], rtol=1e-15)
    assert (now[0] <= now[2]) & (min(now[0], 1.0) <= now[1] <= now[3])


@given(CONSTANTS)
def test_a_warning_says_exactly_where_the_order_is_broken(constants):
    schedule = Schedule(*constants)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_if_misordered(schedule)
    broken = sum(slow > fast for slow, fast in itertools.pairwise(constants))
    assert len(caught) == broken
    assert Schedule.from_constants(schedule.constants()).constants() == schedule.constants()


@given(CONSTANTS, st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_lanes_of_exponents_hold_the_schedule_at_one_half_and_constant_steps_at_zero(constants, k, exponent):
    columns = np.array(constants)[:, None] * np.ones(3)
    exponents = np.array([0.5, 0.0, exponent]) * np.ones((4, 1))
    lanes = np.array(LANES(PowerSchedule(jnp.asarray(columns), jnp.asarray(exponents)), k))
    np.testing.assert_allclose(lanes[:, 0], AT(Schedule(*constants), k), rtol=1e-14)
    most = np.array([np.inf, 1.0, np.inf, 1.0])
    np.testing.assert_allclose(lanes[:, 1], np.minimum(constants, most), rtol=1e-15)
    np.testing.assert_allclose(lanes[:, 2], np.minimum(np.array(constants) / (k + 1.0) ** exponent, most), rtol=1e-13)
