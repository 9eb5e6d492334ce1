"""Drift: expectations against the algorithm itself, constants against every row, Lyapunov weights and obstructions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds.drift.expected_residuals import QUANTITIES, ExpectedResiduals, expected_residuals
from smfg_verify.bounds.drift.inequalities import (
    FITTED,
    RESIDUALS,
    DriftInequality,
    features,
    fit_inequality,
    left_side,
)
from smfg_verify.bounds.drift.lyapunov import RateConstants, certify
from smfg_verify.bounds.drift.validate_drift import _unrolled, bound_curves, schedules_around, validate_drift
from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule, ac_smfg

# The learner that each residual is about, in the order of `RESIDUALS`.
STEPPING = ("leader", "follower", "mean_field", "critic", "critic")
STEPS = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}


@pytest.fixture(scope="module")
def game():
    return load("laffer-tax")


@pytest.fixture(scope="module")
def trace(game):
    return ac_smfg(game, num_iterations=2000, seeds=range(3), schedule=Schedule(**STEPS), checkpoints=14)


@pytest.fixture(scope="module")
def report(game, trace):
    return validate_drift(game, trace, folds=3)


@pytest.mark.parametrize("sampling", [pytest.param("iid", marks=pytest.mark.slow), "markov"])
def test_expectations_are_those_of_one_iteration_of_the_algorithm(game, sampling):
    """4,096 runs of one iteration from one iterate, against the finite sum; five standard errors."""
    start = ac_smfg(game, num_iterations=30, seeds=[0], schedule=Schedule(**STEPS), checkpoints=[30])
    names = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")
    initial = {name: np.asarray(getattr(start, name))[0, -1] for name in names}
    initial |= {name: np.asarray(getattr(start, name))[0, -1] for name in ("occupancy_state", "population_state")}
    runs = ac_smfg(
        game,
        num_iterations=1,
        seeds=range(4096),
        schedule=Schedule(**STEPS),
        sampling=sampling,
        initial=initial,
        checkpoints=[0, 1],
    )
    exact = expected_residuals(game, jax.tree.map(lambda leaf: leaf, _first_seed(runs)), [Schedule(**STEPS)])
    found = exact_residuals(game, runs)
    expected = exact.stationary if sampling == "iid" else exact.chains
    for name in QUANTITIES:
        after = getattr(found, name)[:, 1]
        error = after.std() / np.sqrt(len(after)) + 1e-12
        assert abs(after.mean() - expected[name][0, 0]) < 5.0 * error, name
        np.testing.assert_allclose(exact.before[name][0], getattr(found, name)[0, 0], rtol=1e-9, atol=1e-14)


def _first_seed(trace):
    import equinox as eqx

    fields = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")
    fields += ("occupancy_state", "population_state", "seeds")
    return eqx.tree_at(lambda t: [getattr(t, name) for name in fields], trace, [getattr(trace, n)[:1] for n in fields])


@pytest.mark.slow
def test_steps_of_zero_change_nothing(game, trace):
    still = expected_residuals(game, trace, [Schedule(**dict.fromkeys(STEPS, 0.0))])
    for name in QUANTITIES:
        np.testing.assert_allclose(still.stationary[name][0], still.before[name], rtol=1e-9, atol=1e-13)


def test_every_inequality_holds_at_every_row_and_binds_at_one(report):
    for name, inequality in report.inequalities.items():
        assert inequality.solved, name
        assert np.all(inequality.constants >= 0.0)
        excess = left_side(report.data, name) - features(report.data, name) @ inequality.constants
        size = np.max(np.abs(left_side(report.data, name)))
        assert np.max(excess) <= 1e-9 * size
        assert np.max(excess) >= -1e-3 * size, "not the smallest constants: no row is tight"
        assert np.max(inequality.slack) == pytest.approx(1.0, rel=1e-3)
        seed, iteration = report.binding[name]
        assert seed in report.data.seeds
        assert iteration in report.data.iterations


def planted(rng, constants, *, noise=0.0):
    """Data that obeys e_theta's inequality with given constants, exactly tight where `noise` is 0."""
    number, schedules = 60, schedules_around(STEPS)
    iterations = np.arange(number)
    steps = np.stack([np.stack(jax.vmap(s.at)(jnp.asarray(iterations)), axis=-1) for s in schedules])
    before = {name: rng.uniform(0.1, 2.0, number) for name in QUANTITIES}
    rounding = {name: np.zeros(number) for name in QUANTITIES}
    data = ExpectedResiduals(np.zeros(number, int), iterations, steps, before, rounding, {}, {}, 1, 0)
    change = features(data, "e_theta") @ constants - noise * rng.uniform(size=steps.shape[:2])
    return data._replace(stationary={"e_theta": before["e_theta"] + change})


def test_planted_constants_are_found():
    constants = np.array([0.7, 0.3, 0.0, 0.2, 0.0, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.0])
    found = fit_inequality(planted(np.random.default_rng(0), constants), "e_theta")
    np.testing.assert_allclose(found.constants, constants, atol=1e-5)


def test_a_nan_row_is_left_out_and_all_nan_is_said():
    data = planted(np.random.default_rng(1), np.array([0.7, *[0.1] * 12]))
    data.before["e_mu"][3] = np.nan
    assert fit_inequality(data, "e_theta").solved
    data.before["e_mu"][:] = np.nan
    empty = fit_inequality(data, "e_theta")
    assert not empty.solved
    assert "no iterate" in empty.status
    assert np.isnan(empty.contraction)


def test_weights_decrease_or_an_obstruction_feeds_itself():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(200):
        rates = rng.uniform(0.0, 1.0, (5, 5)) * 10.0 ** rng.uniform(-4, 2, (5, 1))
        rates[np.diag_indices(5)] *= -rng.uniform(0.5, 8.0)
        found = certify(rates)
        # An independent criterion: a Metzler matrix has such weights exactly where it is stable.
        stable = np.max(np.linalg.eigvals(rates).real) < 0.0
        assert found.exists == stable, found
        kinds.add(found.exists)
        if found.exists:
            assert np.all(np.array(list(found.weights.values())) @ rates < 0.0)
        else:
            assert np.all(rates @ np.array(list(found.obstruction.values())) >= -1e-8 * np.max(np.abs(rates)))
    assert kinds == {True, False}


def test_curves_start_at_the_seeds_and_bound_them(game, trace, report):
    found = exact_residuals(game, trace)
    curves = bound_curves(report, {name: getattr(found, name) for name in (*RESIDUALS, "objective")}, found.iterations)
    for name, bound in curves.tracking.items():
        assert bound[0] == pytest.approx(curves.held_out[name][0])
    assert np.isinf(curves.leader[0])
    with pytest.raises(ValueError, match="expected 0: the recursion starts there"):
        bound_curves(report, {}, [1, 2])


@pytest.mark.parametrize("seed", range(2))
def test_the_recursion_is_that_of_a_loop_over_the_inequalities_term_by_term(seed):
    random, learner = np.random.default_rng(seed), dict(zip(RESIDUALS, STEPPING, strict=True))
    lines, tracking = {}, RESIDUALS[1:]
    for name in RESIDUALS:
        others = [other for other in RESIDUALS if other != name]
        moving = {} if name == "e_omega" else {other: 0.1 * random.uniform() for other in others}
        lines[name] = DriftInequality(
            residual=name,
            outcome=FITTED,
            contraction=random.uniform(),
            coupling={other: 0.1 * random.uniform() for other in others},
            moving=moving,
            noise={step: 0.1 * random.uniform() for step in ("leader", "critic")},
            violation=0.0,
            binding=0,
            slack=np.ones(1),
        )
    steps, squared = random.uniform(0.1, 1.0, (50, 4)), random.uniform(size=50)
    tables = jax.tree.map(jnp.asarray, RateConstants.of(lines))
    order = {name: k for k, name in enumerate(("e_theta", "e_mu", "e_Vf", "e_Vl"))}
    path, fed = _unrolled(tables, jnp.ones(4), jnp.asarray(squared), jnp.asarray(steps))
    now, total = dict.fromkeys(tracking, 1.0), 0.0
    for k in range(50):
        np.testing.assert_allclose([path[k, order[name]] for name in tracking], [now[n] for n in tracking], rtol=1e-12)
        step, errors = dict(zip(STEPS, steps[k], strict=True)), {**now, "e_omega": squared[k]}

        def right_side(name, step=step, errors=errors):
            line, own = lines[name], step[learner[name]]
            terms = [own * b * errors[other] for other, b in line.coupling.items()]
            terms += [b * step[learner[other]] ** 2 / own * errors[other] for other, b in line.moving.items()]
            return sum(terms) + sum(n * step[name] ** 2 for name, n in line.noise.items())

        total += right_side("e_omega")
        assert float(fed[k]) == pytest.approx(total, rel=1e-12)
        contracted = {n: 1.0 - lines[n].contraction * step[learner[n]] for n in tracking}
        now = {name: max(0.0, contracted[name] * now[name] + right_side(name)) for name in tracking}


def test_a_leader_whose_line_is_broken_has_no_bound_and_no_lyapunov_function(report):
    """LafferTax: near the highest tax the direct gradient leads down, so no part of e_omega is gained by a step."""
    assert report.inequalities["e_omega"].contraction == 0.0
    assert not report.lyapunov.exists
    assert report.lyapunov.obstruction
    assert np.isinf(report.region.root)
    assert not report.region.best
    assert all(np.isnan(ends).all() for ends in report.region.intervals.values())


def test_a_budget_below_one_checkpoint_and_no_schedule_are_refused(game, trace):
    with pytest.raises(ValueError, match="max_points"):
        expected_residuals(game, trace, [Schedule()], max_points=10)
    with pytest.raises(ValueError, match="schedules"):
        expected_residuals(game, trace, [])


def test_another_game_is_refused(trace):
    with pytest.raises(ValueError, match="recorded on"):
        validate_drift(load("laffer-tax", wage=1.1), trace)
