"""The likely cause of numbers that cannot be used."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.game import TabularGame, validate
from tests.game.checks.test_contract_names import ARRAYS, Two


def rewards_with(value):
    rewards = np.zeros((2, 2, 1))
    rewards[1, 0, 0] = value
    return {"follower_rewards": rewards}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            rewards_with(-np.inf),
            r"follower_reward: .*-inf at .* \(1, 0, 0\)\), .* forbidden there: .* large negative reward",
        ),
        (rewards_with(np.inf), r"follower_reward: .* \(inf at .* \(1, 0, 0\)\), .* division by zero or an overflow"),
        (rewards_with(np.nan), r"follower_reward: .*NaN at .* \(1, 0, 0\)\), .* a missing number"),
        (
            {"kernel": np.array([0.7, 0.3], np.float32) * np.ones((2, 2, 1, 1), np.float32) * np.float32(1 + 1e-7)},
            r"transition: got a row that sums to .* the likely cause is single precision: .* float64",
        ),
        ({"kernel": np.full((2, 2, 1, 2), 0.4)}, r"the likely cause is swapped axes"),
    ],
)
def test_numbers_that_cannot_be_used_get_their_own_cause(given, message):
    with pytest.raises(ValueError, match=message):
        TabularGame.from_arrays(**{**ARRAYS, **given})


def test_a_logarithm_of_an_empty_state_is_told_from_a_forbidden_action():
    class Logarithm(Two):
        def follower_reward(self, s, a, b, m):
            return jnp.log(m[s])

    with pytest.raises(
        ValueError, match=r"follower_reward: .*-inf at .* logarithm, power or division at an empty state"
    ):
        validate(Logarithm())
