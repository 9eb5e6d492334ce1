"""What AC-SMFG learns with functions: the closed form, a predicted leader; what a run depends on, and what it refuses.

One run a kind of function serves several tests: its four seeds, in one compiled call, have a schedule each.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.neural_linear_quadratic import (
    LOGITS,
    STEPS,
    best_logits,
    closed_form,
    leader_numbers,
    line_game,
    on_grid,
    stopping_logits,
)
from smfg_verify.exact import optimise_leader
from smfg_verify.exact.riccati import linear_quadratic_equilibrium, policy_leader_value
from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic
from smfg_verify.stochastic import Schedule
from smfg_verify.stochastic.neural import (
    AbstractNetworks,
    MLPNetworks,
    QuadraticNetworks,
    neural_ac_smfg,
    normal_average,
)

GRID = line_game()
GAME = ContinuousLinearQuadratic(GRID)
EXACT = linear_quadratic_equilibrium(GRID, LOGITS[None])
POSITIONS = float(EXACT.mean) + float(EXACT.variance) ** 0.5 * np.linspace(-2.5, 2.5, 21)
FROZEN, LEARNS = Schedule(leader=0.0, **STEPS), Schedule(leader=0.05, **STEPS)
ABSURD = Schedule(leader=0.0, mean_field=0.1, follower=1e7, critic=1e7)
ITERATIONS = 8000


class Kind(NamedTuple):
    """Functions, and tolerances: 1.5 to 3 times the largest error that twelve seeds showed."""

    networks: AbstractNetworks
    gain: float
    deviation: float
    mean: float
    variance: float
    value: float


KINDS = {
    "quadratic": Kind(QuadraticNetworks(), gain=0.01, deviation=0.006, mean=0.012, variance=0.02, value=0.08),
    "mlp": Kind(MLPNetworks(16, 2), gain=0.02, deviation=0.015, mean=0.02, variance=0.025, value=0.35),
}


def run(networks, seeds, schedule, num_iterations, checkpoints=2, **options):
    return neural_ac_smfg(
        GAME,
        num_iterations=num_iterations,
        seeds=seeds,
        networks=networks,
        schedule=schedule,
        checkpoints=checkpoints,
        positions=POSITIONS,
        leader_logits=LOGITS,
        **options,
    )


@pytest.fixture(
    scope="module",
    params=[KINDS["quadratic"], pytest.param(KINDS["mlp"], marks=pytest.mark.slow)],
    ids=["quadratic", "mlp"],
)
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=["quadratic", pytest.param("mlp", marks=pytest.mark.slow)])
def learned(request):
    """Seeds 0 and 1 with the leader frozen, seed 2 with a leader that learns, seed 3 with absurd step sizes."""
    tail = np.linspace(ITERATIONS // 2, ITERATIONS, 13).astype(int)
    kind = KINDS[request.param]
    return kind, run(kind.networks, range(4), [FROZEN, FROZEN, LEARNS, ABSURD], ITERATIONS, tail)


def test_follower_and_mean_field_meet_the_closed_form(learned):
    kind, trace = learned
    fitted = trace.fitted_policy(EXACT.mean, EXACT.variance)
    gain, deviation = (np.mean(values[:2], axis=1) for values in (fitted.gain, np.sqrt(fitted.variance)))
    np.testing.assert_allclose(gain, EXACT.policy.gain, atol=kind.gain)
    np.testing.assert_allclose(deviation, np.sqrt(EXACT.policy.variance), atol=kind.deviation)
    np.testing.assert_allclose(trace.field_mean[:2, -1], EXACT.mean, atol=kind.mean)
    np.testing.assert_allclose(trace.field_variance[:2, -1], EXACT.variance, atol=kind.variance)


def test_critics_meet_the_closed_form(learned):
    """Values differ by 1.6 (follower) and 2.9 (leader) over the positions."""
    kind, trace = learned
    exact = {
        "follower_value": EXACT.value(POSITIONS),
        "leader_value": policy_leader_value(GRID, LOGITS[None], EXACT.policy)(POSITIONS),
    }
    for name, expected in exact.items():
        error = np.abs(getattr(trace, name)[:2].mean(axis=1) - np.asarray(expected))
        assert np.max(normal_average(POSITIONS, error, EXACT.mean, EXACT.variance)) < kind.value, name


def test_the_leader_stops_where_its_direct_gradient_is_zero_and_not_at_its_optimum(learned):
    """Its own reward knows the target by its cost alone, so AC-SMFG never learns what followers do about a target."""
    _, trace = learned
    stop, best = leader_numbers(GRID, stopping_logits(GRID)), leader_numbers(GRID, best_logits(GRID))
    found = leader_numbers(GRID, np.log(trace.leader_policy[2, -1]))
    assert found["P(target 1)"] == pytest.approx(stop["P(target 1)"], abs=0.05)
    assert best["P(target 1)"] - stop["P(target 1)"] > 0.3
    # Phi loses 0.60 of 4.52 at the stop.
    assert found["Phi"] == pytest.approx(stop["Phi"], abs=0.2)
    assert best["Phi"] - found["Phi"] > 0.35
    answered = linear_quadratic_equilibrium(GRID, np.log(trace.leader_policy[2:3, -1]))
    assert float(trace.field_mean[2, -1]) == pytest.approx(float(answered.mean), abs=0.05)


@pytest.mark.slow
def test_exact_ascent_on_the_grid_ends_at_the_optimum_of_the_closed_form():
    found = np.asarray(optimise_leader(GRID, np.zeros((1, 2))).leader_logits)[0]
    assert leader_numbers(GRID, found)["P(target 1)"] == pytest.approx(
        leader_numbers(GRID, best_logits(GRID))["P(target 1)"], abs=1e-3
    )


@pytest.mark.slow
def test_the_grid_agrees_with_the_closed_form_but_for_its_larger_variance():
    """The columns of the benchmark: sharing between neighbours adds h^2 / 6 to the variance of a step."""
    line, grid, factor = closed_form(GRID), on_grid(GRID), 0.9 - float(EXACT.policy.gain)
    for name in ("gain", "standard deviation", "population's mean"):
        assert grid[name] == pytest.approx(line[name], abs=1e-4)
    added = 0.25**2 / 6 / (1 - factor**2)
    assert grid["population's variance"] - line["population's variance"] == pytest.approx(added, rel=1e-3)


def test_absurd_step_sizes_diverge_and_the_others_go_on(learned):
    kind, trace = learned
    assert trace.diverged.tolist() == [False, False, False, True]
    mixed = run(kind.networks, [3, 0], [ABSURD, FROZEN], 60)
    alone = run(kind.networks, [0], FROZEN, 60)
    assert mixed.diverged.tolist() == [True, False]
    np.testing.assert_array_equal(mixed.policy_mean[1], alone.policy_mean[0])


def test_bits_do_not_depend_on_company_order_or_checkpoints(kind):
    whole = run(kind.networks, range(6), LEARNS, 150)
    again = run(kind.networks, range(6), LEARNS, 150)
    shuffled = run(kind.networks, [5, 1], LEARNS, 150, checkpoints=[0, 1, 40, 77])
    for name in ("leader_policy", "policy_mean", "follower_value", "leader_value", "field_mean", "field_variance"):
        values = getattr(whole, name)
        np.testing.assert_array_equal(getattr(again, name), values)
        np.testing.assert_array_equal(getattr(shuffled, name)[:, -1], values[[5, 1], -1])
    assert len(np.unique(whole.policy_mean[:, -1, 0])) == 6


def test_the_record_holds_the_start_and_the_learned_functions(kind):
    trace = run(kind.networks, [4, 8, 2], LEARNS, 20, checkpoints=[0, 7])
    assert trace.iterations.tolist() == [0, 7, 20]
    np.testing.assert_array_equal(trace.policy_mean[:, 0], 0.0)
    np.testing.assert_array_equal(trace.policy_std[:, 0], 1.0)
    law = np.asarray(GRID.initial_distribution)
    np.testing.assert_allclose(trace.field_mean[:, 0], law @ GRID.positions, atol=1e-15)
    np.testing.assert_allclose(trace.field_variance[:, 0], law @ GRID.positions**2, rtol=1e-12)
    second = jax.tree.map(lambda leaf: leaf[1] if eqx.is_array_like(leaf) else leaf, trace.players)
    for place, position in enumerate(POSITIONS[:3]):
        action = second.policy(position)
        assert float(action.mean) == pytest.approx(trace.policy_mean[1, -1, place], rel=1e-10)
        assert 10.0 * float(second.follower_critic(position)) == pytest.approx(trace.follower_value[1, -1, place])


def test_step_sizes_fall_with_the_square_root_from_the_delay_on():
    """An optimiser that keeps signs alone moves each number by exactly the step size."""
    trace = run(
        QuadraticNetworks(),
        [0],
        FROZEN,
        4,
        checkpoints=range(5),
        delay=5,
        optimiser=optax.stateless(_signs),
        num_chains=2,
    )
    moves = np.abs(np.diff(np.log(trace.policy_std[0, :, 0])))
    np.testing.assert_allclose(moves, 0.05 / np.sqrt(np.arange(6, 10)), rtol=1e-9)


def _signs(directions, _):
    return jax.tree.map(jnp.sign, directions)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(game=GRID), "game: got LinearQuadratic, expected .*ContinuousLinearQuadratic"),
        (dict(networks="mlp"), "networks: got str"),
        (dict(optimiser=0.1), "optimiser: got float"),
        (dict(num_chains=0), "num_chains: got 0, expected an integer >= 1"),
        (dict(delay=-1), "delay: got -1, expected an integer >= 0"),
        (dict(schedule=[FROZEN]), "expected one Schedule, or 2"),
        (dict(positions=[0.0, np.nan]), "positions: .* finite"),
        (dict(leader_logits=[0.0]), "leader_logits: .* 2 finite numbers"),
        (dict(seeds=[1, 1]), "seeds: got 1 more than once"),
    ],
)
def test_refusals(changes, message):
    arguments = dict(game=GAME, num_iterations=5, seeds=[0, 1]) | changes
    with pytest.raises(ValueError, match=message):
        neural_ac_smfg(arguments.pop("game"), **arguments)


def test_a_broken_order_of_the_time_scales_warns():
    with pytest.warns(UserWarning, match="broken"):
        neural_ac_smfg(GAME, num_iterations=1, seeds=[0], networks=QuadraticNetworks(), schedule=Schedule(leader=1.0))


@pytest.mark.slow
def test_more_iterations_and_the_default_networks_come_closer():
    """Four seeds of the benchmark's length; errors of the medians over seeds."""
    tail = np.linspace(10_000, 20_000, 20).astype(int)
    trace = run(MLPNetworks(), range(4), FROZEN, 20_000, tail)
    fitted = trace.fitted_policy(EXACT.mean, EXACT.variance)
    assert not trace.diverged.any()
    assert np.median(np.mean(fitted.gain, axis=1)) == pytest.approx(float(EXACT.policy.gain), abs=0.006)
    assert np.median(np.sqrt(fitted.variance)) == pytest.approx(float(EXACT.policy.variance) ** 0.5, abs=0.004)
    assert np.median(trace.field_mean[:, -1]) == pytest.approx(float(EXACT.mean), abs=0.004)
    assert np.median(trace.field_variance[:, -1]) == pytest.approx(float(EXACT.variance), abs=0.006)
