"""A tabulated game is the arrays it was made of, and what a follower faces is the mixture over the leader's actions."""

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact.kernel import Kernel, follower_model, tabulate
from tests.exact.cases import pair
from tests.support.strategies import distributions

MODEL = jax.jit(follower_model)
# Of one shape, and affine in the mean field; more of them would compile nothing new.
PAIRS = [pair(seed) for seed in range(3)]


@settings(max_examples=50)
@given(st.sampled_from(PAIRS), distributions(4))
def test_the_tables_are_the_arrays_at_the_mean_field(games, field):
    game, arrays, _ = games
    kernel = tabulate(game, field)
    for found, expected in zip(
        (kernel.transition, kernel.follower_reward, kernel.leader_reward), arrays.tables(field), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-15 * 8)
    np.testing.assert_allclose(np.sum(kernel.transition, axis=-1), 1.0, atol=1e-14)


@settings(max_examples=50)
@given(
    st.sampled_from(PAIRS),
    distributions(4, 2),
    distributions(4, 2),
    st.floats(0.0, 1.0),
    st.lists(st.integers(0, 1), min_size=4, max_size=4),
)
def test_the_follower_s_problem_is_affine_in_the_leader_and_a_pure_leader_s_is_its_own(games, one, other, share, pure):
    kernel = tabulate(games[0], np.full(4, 0.25))

    def at(rows):
        model = MODEL(kernel, rows)
        return [np.asarray(table) for table in (model.transition, model.reward, model.leader_reward)]

    mixed = at(share * one + (1.0 - share) * other)
    for found, first, second in zip(mixed, at(one), at(other), strict=True):
        np.testing.assert_allclose(found, share * first + (1.0 - share) * second, rtol=0.0, atol=1e-14)
    states = np.arange(4)
    expected = [np.asarray(getattr(kernel, name))[states, :, pure] for name in Kernel.__dataclass_fields__]
    for found, table in zip(at(np.eye(2)[pure]), expected, strict=True):
        np.testing.assert_array_equal(found, table)
