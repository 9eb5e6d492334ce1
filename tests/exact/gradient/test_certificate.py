"""Error bounds: units, and the true errors by arithmetic of 50 digits."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.game import TabularGame
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair
from tests.helpers.precise import exact_gradient


def scaled(arrays, unit: float, *, leader: bool):
    """The same game with the follower's rewards and temperature, and perhaps the leader's, in another unit."""
    names = ["follower_rewards", "follower_rewards_mean_field", "temperature"]
    names += ["leader_rewards", "leader_rewards_mean_field", "leader_temperature"] if leader else []
    return dataclasses.replace(arrays, **{name: unit * getattr(arrays, name) for name in names})


def certificate_of(arrays, logits):
    return stackelberg_gradient(TabularGame.from_arrays(**arrays.from_arrays_arguments()), logits).certificate


@SUPPORTS_ONE_QUICK
def test_bounds_carry_the_unit_of_reward(support):
    _, arrays, logits = pair(3, support=support, observations=2, tau_l=0.1)
    base = certificate_of(arrays, logits)
    for unit in (1e-9, 1e-3, 1e9):
        both, follower = (certificate_of(scaled(arrays, unit, leader=leader), logits) for leader in (True, False))
        for bound in ("error_bound", "objective_error_bound"):
            expected = float(getattr(base, bound))
            assert 0.1 < float(getattr(both, bound)) / (unit * expected) < 10.0
            assert 0.1 < float(getattr(follower, bound)) / expected < 10.0
        assert float(both.condition) == pytest.approx(float(base.condition), rel=1e-6)


def ratios(seeds, **options) -> np.ndarray:
    """Bounds of gradient and objective over their true errors."""
    found = []
    for seed in seeds:
        drawn = {name: draw(np.random.default_rng(seed)) for name, draw in options.items()}
        game, arrays, logits = pair(seed, observations=2, **drawn)
        result = stackelberg_gradient(game, logits)
        point = result.equilibrium
        value, gradient, _ = exact_gradient(
            arrays, logits, np.asarray(point.mean_field), np.asarray(point.follower_value)
        )
        pairs = zip(np.ravel(result.total), gradient.ravel(), strict=True)
        error = float(np.sqrt(sum(float(one - other) ** 2 for one, other in pairs)))
        certificate = result.certificate
        value_error = abs(float(float(result.objective) - value))
        found.append(
            [
                float(certificate.error_bound) / error,
                float(certificate.objective_error_bound) / max(value_error, 1e-300),
            ]
        )
    return np.array(found)


HARD = {
    "tau": lambda rng: float(10 ** rng.uniform(-3.0, -0.5)),
    "gamma": lambda rng: float(1.0 - 10 ** rng.uniform(-4.0, -0.5)),
    "reward_coupling": lambda rng: float(rng.uniform(0.1, 3.0)),
}


@pytest.mark.parametrize("count", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_bounds_are_above_the_true_errors_and_near_them(count):
    found = ratios(range(count))
    assert np.min(found) >= 1.0
    assert np.median(found[:, 0]) <= 1e4


@pytest.mark.parametrize("count", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_bounds_are_above_the_true_errors_of_hard_games(count):
    """Temperatures down to 1e-3, discounts up to 0.9999."""
    assert np.min(ratios(range(count), **HARD)) >= 1.0
