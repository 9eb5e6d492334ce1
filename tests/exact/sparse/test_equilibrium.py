"""Equilibria by sparse factors: against the dense solver, plain NumPy, and games that have none."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from jaxtyping import Array, Float

from smfg_verify import SparseTabularGame, solve_equilibrium
from smfg_verify.exact import EquilibriumMethod, Status
from smfg_verify.exact.sparse.equations import linearisation
from smfg_verify.game import leader_logits_shape, parameter
from smfg_verify.games import CongestionPricing
from tests.support.cancelling_rewards import CancellingRewards
from tests.support.crowd_averse_chain import crowd_averse_chain
from tests.support.local_games import Crossing, Ring, TwoSinks

SAME = {
    "grid": CongestionPricing(side=5, num_zones=3),
    "chain": crowd_averse_chain(12),
    "cold chain": crowd_averse_chain(12, temperature=0.005),
    "no future": crowd_averse_chain(12, discount=0.0),
    "far future": crowd_averse_chain(12, discount=0.9999),
    "crossing": Crossing(),
    "crowded grid": CongestionPricing(side=5, num_zones=3, congestion=200.0, temperature=0.05),
}


def logits_of(game):
    return np.random.default_rng(1).normal(size=leader_logits_shape(game))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name.endswith("grid") or name == "cold chain" else name
        for name in SAME
    ],
)
def test_is_the_dense_equilibrium(name):
    game = SAME[name]
    dense, sparse = (solve_equilibrium(game, logits_of(game), method=method) for method in ("dense", "sparse"))
    np.testing.assert_allclose(sparse.mean_field, dense.mean_field, rtol=0, atol=1e-11)
    scale = float(np.max(np.abs(dense.follower_value)))
    np.testing.assert_allclose(sparse.follower_value, dense.follower_value, rtol=0, atol=1e-10 * scale)
    np.testing.assert_allclose(sparse.follower_policy, dense.follower_policy, rtol=0, atol=1e-9)
    # What is estimated covers how far the two are apart, and is no wild guess.
    gap = float(np.sum(np.abs(sparse.mean_field - dense.mean_field)))
    assert gap <= float(sparse.error_bound + dense.error_bound)
    assert float(sparse.error_bound) < 1e3 * max(float(dense.error_bound), 1e-13)
    if np.isfinite(sparse.spectral_radius):
        np.testing.assert_allclose(sparse.spectral_radius, dense.spectral_radius, rtol=1e-2, atol=1e-9)


@pytest.mark.parametrize("side", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_solves_the_equations_written_in_numpy(side):
    """A grid of up to 2500 cells; follower and population by plain sums over the five moves."""
    game = CongestionPricing(side=side, num_zones=3)
    found = solve_equilibrium(game, np.zeros(leader_logits_shape(game)), method="sparse")
    assert bool(found.converged)
    crowd, value, policy = (np.asarray(x) for x in (found.mean_field, found.follower_value, found.follower_policy))
    rows, columns = np.divmod(np.arange(side**2), side)
    steps = [(0, 0), (-1, 0), (0, 1), (1, 0), (0, -1)]
    cells = [np.clip(rows + r, 0, side - 1) * side + np.clip(columns + c, 0, side - 1) for r, c in steps]
    after = np.stack([value[cell] for cell in cells], axis=1)
    reward = 1.0 * (np.arange(side**2) == (side // 2) * (side + 1)) - crowd - 0.25
    future = 0.9 * (0.9 * after + 0.1 * after.mean(axis=1, keepdims=True))
    quality = reward[:, None] - 0.05 * (np.arange(5) > 0) + future
    largest = quality.max(axis=1, keepdims=True)
    weights = np.exp((quality - largest) / 0.3)
    np.testing.assert_allclose(policy, weights / weights.sum(axis=1, keepdims=True), atol=1e-11)
    np.testing.assert_allclose(value, largest[:, 0] + 0.3 * np.log(weights.sum(axis=1)), atol=1e-11)
    flow = np.zeros(side**2)
    for action, cell in enumerate(cells):
        np.add.at(flow, cell, crowd * (0.9 * policy[:, action] + 0.02))
    assert np.sum(np.abs(flow - crowd)) < 1e-12


def test_cooling_finds_what_newton_does_not():
    game = SAME["crowded grid"]
    found = solve_equilibrium(game, logits_of(game), method="sparse")
    assert int(found.method) == EquilibriumMethod.COOLING


def test_two_recurrent_classes_are_told():
    found = solve_equilibrium(TwoSinks(), np.zeros((6, 1)), method="sparse", throw=False)
    assert int(found.status) == Status.SEVERAL_CLASSES
    assert not bool(found.converged)
    assert np.all(np.isnan(found.mean_field))
    with pytest.raises(RuntimeError, match="more than one recurrent class"):
        solve_equilibrium(TwoSinks(), np.zeros((6, 1)), method="sparse")


@pytest.mark.parametrize("pull", [pytest.param(-20.0, marks=pytest.mark.slow), -80.0, -200.0])
def test_chains_that_nearly_fall_apart_are_refused_or_right(pull):
    """Two wells at the ends, left at rates of e^-50 and less, which the dense side's elimination keeps."""
    game = crowd_averse_chain(12, pull=pull, crowd_weight=0.01, noise=(5e-3, 0.99, 5e-3), temperature=0.1)
    found = solve_equilibrium(game, np.zeros((2, 2)), method="sparse", throw=False)
    assert int(found.status) in (Status.CONVERGED, Status.NOT_FOUND, Status.INACCURATE)
    if bool(found.converged):
        dense = solve_equilibrium(game, np.zeros((2, 2)), method="dense")
        np.testing.assert_allclose(found.mean_field, dense.mean_field, atol=1e-9)
    else:
        assert np.all(np.isnan(found.mean_field))


@pytest.mark.slow
def test_one_state_holds_all():
    found = solve_equilibrium(crowd_averse_chain(1), np.zeros((1, 2)), method="sparse")
    np.testing.assert_array_equal(found.mean_field, [1.0])
    # Nothing is left to decide but whether to pay for a move: V = r + tau log(1 + 2 exp(-fuel/tau)) + gamma V.
    expected = 10.0 * (-0.25 - np.log(1.0 + 1e-10) + 0.3 * np.log(1.0 + 2.0 * np.exp(-0.1 / 0.3)))
    np.testing.assert_allclose(found.follower_value, [expected], rtol=1e-12)


def test_linear_solves_that_stall_give_a_status_and_no_numbers(monkeypatch):
    monkeypatch.setattr(linearisation, "_RESTART", 1)
    monkeypatch.setattr(linearisation, "_MAX_RESTARTS", 1)
    game = SAME["crowded grid"]
    found = solve_equilibrium(game, logits_of(game), method="sparse", throw=False)
    assert not bool(found.converged)
    assert np.all(np.isnan(found.mean_field))
    assert int(found.status) in (Status.NOT_FOUND, Status.INACCURATE)


def test_what_is_not_accurate_enough_gives_no_numbers():
    game = SAME["chain"]
    strict = solve_equilibrium(game, logits_of(game), method="sparse", tolerance=1e-17, throw=False)
    assert int(strict.status) == Status.INACCURATE
    assert np.all(np.isnan(strict.follower_value))


@pytest.mark.slow
@pytest.mark.parametrize("game", [CongestionPricing(side=316), crowd_averse_chain(100_000)])
def test_a_hundred_thousand_states(game):
    found = solve_equilibrium(game, np.zeros(leader_logits_shape(game)))
    assert bool(found.converged)
    assert float(found.error_bound) < 1e-8


@pytest.mark.slow
def test_followers_whom_no_crowd_moves_answer_nothing():
    found = solve_equilibrium(Ring("none"), logits_of(Ring("none")), method="sparse")
    assert float(found.spectral_radius) == 0.0
    assert bool(found.converged)


def within_their_bounds(first, second):
    gap = float(np.sum(np.abs(first.mean_field - second.mean_field)))
    return gap <= float(first.error_bound + second.error_bound)


@pytest.mark.parametrize("steered", [0, 2])
def test_one_state_whose_rounding_turns_all_is_not_passed_over(steered):
    """A number added to all rewards changes nothing but rounding, and in one state alone actions matter."""
    rewards = np.random.default_rng(steered).integers(-4000, 4000, (6, 2)) / 2.0**20
    setting = {
        "rewards": rewards,
        "swing": np.zeros((6, 2)),
        "steers": np.arange(6) == steered,
        "num_leader_actions": 1,
    }
    plain = solve_equilibrium(CancellingRewards(**setting), np.zeros((1, 1)), method="sparse")
    for level, tau in ((2.0**20, 0.1), (2.0**20, 0.02), (2.0**13, 0.1)):
        cold = solve_equilibrium(CancellingRewards(**setting, temperature=tau), np.zeros((1, 1)), method="sparse")
        raised = CancellingRewards(**setting, level=level, temperature=tau)
        found = solve_equilibrium(raised, np.zeros((1, 1)), method="sparse", throw=False)
        assert not bool(found.converged) or within_their_bounds(found, cold)
    assert bool(found.converged)
    assert bool(plain.converged)


@pytest.mark.parametrize("method", [pytest.param("dense", marks=pytest.mark.slow), "sparse"])
def test_rewards_that_cancel_on_average_are_rounded_all_the_same(method):
    rng = np.random.default_rng(0)
    rewards, swing = rng.integers(-(2**18), 2**18, (5, 2)) / 2.0**20, rng.integers(-(2**20), 2**20, (5, 2)) / 1.0
    setting = {"rewards": rewards, "steers": np.ones(5)}
    plain = solve_equilibrium(CancellingRewards(**setting, swing=0.0 * swing), np.zeros((1, 5)), method=method)
    for size in (2.0**-6, 1.0, 2.0**8):
        paid = CancellingRewards(**setting, swing=size * swing)
        found = solve_equilibrium(paid, np.zeros((1, 5)), method=method, throw=False)
        assert size > 2.0**-6 or bool(found.converged)
        assert not bool(found.converged) or within_their_bounds(found, plain)


class EvenLine(CancellingRewards):
    """A line whose moves no action changes: masses fall by the same factor from state to state."""

    ahead: Float[Array, ""] = parameter(default=0.1)
    back: Float[Array, ""] = parameter(default=0.1000001)

    def successors(self, state, follower_action, leader_action):
        return jnp.stack([state, jnp.minimum(state + 1, self.num_states - 1), jnp.maximum(state - 1, 0)])

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.stack([1.0 - self.ahead - self.back, self.ahead, self.back])


@pytest.mark.parametrize(("ahead", "back"), [(0.1, 0.1000001), (0.37, 0.3700000001), (0.3, 0.3)])
def test_roundings_that_are_alike_in_all_states_add_up(ahead, back):
    """Closed form: masses in proportion to powers of ahead / back, which the averages over actions round alike."""
    size = 5000
    rewards = np.tile([0.0, 0.1], (size, 1))
    setting = {"rewards": rewards, "swing": 0.05 * np.ones((size, 2)), "steers": np.zeros(size)}
    game = EvenLine(**setting, temperature=0.5, ahead=ahead, back=back)
    found = solve_equilibrium(game, np.array([[0.3, -0.2, 0.7, 0.1, 0.0]]), method="sparse")
    ratio = float((Fraction(ahead) - Fraction(back)) / Fraction(back))
    masses = np.exp(np.arange(size) * np.log1p(ratio))
    error = float(np.sum(np.abs(found.mean_field - masses / masses.sum())))
    assert error <= float(found.error_bound) < 1e-10


@pytest.mark.parametrize("crowding", [0.0, 1e-3])
def test_a_future_of_a_million_periods_is_no_reason_to_refuse(crowding):
    """Closed form: whoever is paid alike everywhere has V = (r + tau log 2) / (1 - gamma), whose rounding is 1e-9."""
    stay, step = sp.eye_array(8), sp.csr_array(np.roll(np.eye(8), 1, axis=1))
    crowd = sp.csr_array((np.full(16, -crowding), (np.arange(16), np.repeat(np.arange(8), 2))), shape=(16, 8))
    game = SparseTabularGame.from_arrays(
        kernel=[0.9 * stay + 0.1 * step, 0.1 * stay + 0.9 * step],
        follower_rewards=np.full((8, 2, 1), 3.0),
        leader_rewards=np.zeros((8, 2, 1)),
        follower_rewards_mean_field=crowd,
        discount=1.0 - 1e-6,
        temperature=30.0,
    )
    found = solve_equilibrium(game, np.zeros((8, 1)), method="sparse")
    expected = (3.0 - crowding / 8 + 30.0 * np.log(2.0)) / (1.0 - float(game.discount))
    error = float(np.max(np.abs(found.follower_value - expected)))
    assert error <= float(found.value_error_bound) <= 1e-8 * expected
    assert float(np.sum(np.abs(found.mean_field - 0.125))) <= float(found.error_bound)
