"""The step-size laboratory: its runs are AC-SMFG's, its prediction the recursion of mean and covariance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds import exact_residuals, mean_dynamics, mean_dynamics_jacobian, update_noise
from smfg_verify.bounds.local.components import flattened, unflattened
from smfg_verify.bounds.local.linear_noise import LinearNoise, expected_stationarity, linear_noise, linear_noise_path
from smfg_verify.bounds.steps.laboratory import step_laboratory
from smfg_verify.bounds.steps.sweep import PARAMETERS, StepPlane, default_planes, final_leaders, power_schedule
from smfg_verify.exact.gradient.stackelberg import stackelberg_gradient
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule, ac_smfg

BASE = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
CHOICES = np.array([[0.2, 0.5, 1.0, 2.0, 0.5, 0.5], [1.0, 0.2, 0.5, 0.7, 0.6, 0.4], [0.5, 0.5, 0.5, 0.5, 0.9, 0.3]])


# Each compiles programs of its own.
SAMPLINGS_ONE_QUICK = pytest.mark.parametrize("sampling", ["markov", pytest.param("iid", marks=pytest.mark.slow)])


@pytest.fixture(scope="module")
def game():
    return load("laffer-tax")


@SAMPLINGS_ONE_QUICK
def test_a_choice_with_exponent_one_half_is_a_run_of_ac_smfg(game, sampling):
    logits = final_leaders(game, CHOICES, np.arange(3), 150, sampling)
    run = ac_smfg(game, num_iterations=150, seeds=range(3), schedule=Schedule(**BASE), sampling=sampling)
    # The power and the square root round differently, and a sample may then fall on the other side of a uniform.
    np.testing.assert_allclose(logits[0], run.leader_logits[:, -1], rtol=1e-9, atol=1e-12)
    assert np.abs(logits[1] - logits[0]).max() > 1e-3


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")  # JAX, of a game made in float64
def test_every_group_of_runs_has_the_precision_of_who_asks(game):
    """The same choice twice with 32 seeds: the second group is run on a thread of its own."""
    with jax.enable_x64(False):
        first, second = final_leaders(game, np.repeat(CHOICES[:1], 2, axis=0), np.arange(32), 40)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, second)


def test_a_power_schedule_is_the_formula_clipped(game):
    steps = power_schedule(CHOICES).at(jnp.asarray(7))
    expected = CHOICES[:, :4] * 8.0 ** -CHOICES[:, [4, 5, 5, 5]]
    expected[:, [1, 3]] = np.minimum(expected[:, [1, 3]], 1.0)
    np.testing.assert_allclose(np.stack(steps, axis=1), expected, rtol=1e-14)
    assert float(power_schedule(CHOICES).at(jnp.asarray(0)).critic[0]) == 1.0


@SAMPLINGS_ONE_QUICK
def test_blocks_of_one_iteration_are_the_recursion_itself(game, sampling):
    """Mean and covariance by a plain loop over 12 iterations, from the public mean dynamics and noise."""
    found = linear_noise(game, power_schedule(CHOICES), 12, sampling, fineness=1000)
    for lane in range(len(CHOICES)):
        mean, covariance = _by_hand(game, CHOICES[lane], 12, sampling)
        np.testing.assert_allclose(found.mean[lane], mean, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.covariance[lane], covariance, rtol=1e-7, atol=1e-12)


def _by_hand(game, choice, num_iterations, sampling):
    shapes = {"leader_logits": (1, 2), "follower_logits": (2, 2), "leader_critic": (2,), "follower_critic": (2,)}
    lengths = [int(np.prod(shape)) for shape in shapes.values()]
    column = np.repeat([0, 2, 3, 3, 1], [*lengths, 2])
    x = np.concatenate([np.zeros(sum(lengths)), [0.5, 0.5]])
    covariance = np.zeros((len(x), len(x)))
    for k in range(num_iterations):
        iterate = unflattened(game, x)
        steps = np.array([float(step[0]) for step in power_schedule(choice[None]).at(jnp.asarray(k))])[column]
        push = np.eye(len(x)) + steps[:, None] * mean_dynamics_jacobian(game, iterate)
        noise = update_noise(game, iterate, np.ones(len(x)), sampling).covariance
        covariance = push @ covariance @ push.T + steps[:, None] * noise * steps
        x = x + steps * flattened(mean_dynamics(game, iterate))
    return x, covariance


@pytest.mark.slow
def test_blocks_of_many_iterations_change_little(game):
    coarse, fine = (linear_noise(game, power_schedule(CHOICES), 2000, fineness=fineness) for fineness in (16, 64))
    np.testing.assert_allclose(coarse.mean, fine.mean, rtol=0.01, atol=0.01)
    np.testing.assert_allclose(coarse.covariance, fine.covariance, rtol=0.05, atol=0.01 * np.abs(fine.covariance).max())


@pytest.mark.slow
def test_the_path_ends_where_the_sweep_does(game):
    iterations, path = linear_noise_path(game, Schedule(**BASE), 2000)
    end = linear_noise(game, power_schedule(CHOICES[:1]), 2000)
    assert iterations[-1] == 2000
    assert np.all(np.diff(iterations) > 0)
    np.testing.assert_allclose(path.mean[-1], end.mean[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(path.covariance[-1], end.covariance[0], rtol=1e-7, atol=1e-12)


@pytest.mark.slow
def test_expected_measures_are_those_of_the_leader_where_nothing_spreads(game):
    law = linear_noise(game, power_schedule(CHOICES), 50)
    certain = LinearNoise(law.mean, np.zeros_like(law.covariance))
    lost = LinearNoise(np.full_like(law.mean, np.nan), law.covariance)
    exact = [stackelberg_gradient(game, mean[:2].reshape(1, 2)) for mean in law.mean]
    numbers = [
        [np.sum(one.total**2) for one in exact],
        [one.policy_gap for one in exact],
        [one.objective for one in exact],
    ]
    np.testing.assert_allclose(np.stack(expected_stationarity(game, certain)), numbers, rtol=1e-8)
    assert np.isnan(expected_stationarity(game, lost)).all()


@pytest.fixture(scope="module")
def lab(game):
    planes = (
        StepPlane("leader", "follower", np.array([0.05, 0.2, 1.0]), np.array([0.3, 1.0])),
        StepPlane("leader_exponent", "tracking_exponent", np.array([0.5, 0.8]), np.array([0.4, 0.5])),
    )
    return step_laboratory(game, Schedule(**BASE), num_iterations=2000, num_seeds=12, planes=planes)


def test_the_prediction_is_what_is_measured(lab):
    for result in lab.planes:
        spread = 4.0 * result.standard_error + 0.1 * result.predicted
        assert np.all(np.abs(result.measured - result.predicted) < spread)
    assert lab.rank_correlation > 0.9
    assert 0.8 < lab.ratio[1] < 1.2


@pytest.mark.filterwarnings("ignore:step sizes")
def test_each_cell_is_the_choice_it_is_labelled_with(game, lab):
    result = lab.planes[0]
    choice = {**BASE, "leader": 1.0, "follower": 0.3}
    run = ac_smfg(game, num_iterations=2000, seeds=range(12), schedule=Schedule(**choice), checkpoints=[2000])
    exact = exact_residuals(game, run)
    assert result.measured[0, 2] == pytest.approx(exact.e_omega[:, -1].mean(), rel=1e-6)
    assert result.policy_gap[0, 2] == pytest.approx(exact.policy_gap[:, -1].mean(), rel=1e-6)
    assert result.objective[0, 2] == pytest.approx(exact.objective[:, -1].mean(), rel=1e-6)
    assert lab.found.measured == min(np.nanmin(result.measured) for result in lab.planes)
    assert set(lab.found.choice) == set(PARAMETERS)
    assert lab.region_missing


def test_a_choice_that_diverges_is_nan_and_the_others_go_on(game):
    plane = StepPlane("leader", "follower", np.array([0.2, np.inf]), np.array([1.0]))
    lab = step_laboratory(game, num_iterations=20, num_seeds=4, planes=[plane])
    assert np.isfinite(lab.planes[0].measured[0, 0])
    assert np.isnan(lab.planes[0].measured[0, 1])


def test_default_planes_hold_the_base_in_the_middle():
    planes = default_planes({**BASE, "leader_exponent": 0.5, "tracking_exponent": 0.5})
    assert len(planes) == 7
    for plane in planes[:6]:
        assert plane.x_values[3] == pytest.approx(BASE[plane.x])
        assert plane.y_values[3] == pytest.approx(BASE[plane.y])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_seeds": 2}, "standard error"),
        ({"num_iterations": 0}, "at least 1"),
        ({"schedule": Schedule(leader=0.0)}, "factors on zero"),
    ],
)
def test_bad_input_is_refused(game, options, said):
    with pytest.raises(ValueError, match=said):
        step_laboratory(game, **options)
