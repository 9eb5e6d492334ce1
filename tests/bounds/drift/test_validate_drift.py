"""The drift of a run: Lyapunov weights and obstructions, bounds unrolled along the run, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds.drift.inequalities import (
    FITTED,
    RESIDUALS,
    DriftInequality,
)
from smfg_verify.bounds.drift.lyapunov import RateConstants, certify
from smfg_verify.bounds.drift.validate_drift import _unrolled, bound_curves, validate_drift
from smfg_verify.bounds.rates.run_residuals import exact_residuals
from smfg_verify.games import load
from tests.bounds.drift.planted import STEPS
from tests.records.test_portable import WAYS, assert_same, assert_the_codec_loses_nothing

# The learner that each residual is about, in the order of `RESIDUALS`.
STEPPING = ("leader", "follower", "mean_field", "critic", "critic")


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
        bound_curves(report, {}, np.array([1, 2]))


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


def test_another_game_is_refused(trace):
    with pytest.raises(ValueError, match="recorded on"):
        validate_drift(load("laffer-tax", wage=1.1), trace)


def test_a_report_survives_as_every_record_does(report):
    for way in WAYS.values():
        assert_same(way(report), report)
    assert_the_codec_loses_nothing(report)
