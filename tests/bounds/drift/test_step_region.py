"""Ratios of step sizes with a Lyapunov function: Perron root against the linear program, intervals, the best ratios."""

import numpy as np
import pytest

from smfg_verify.bounds.drift.inequalities import RESIDUALS, DriftInequality
from smfg_verify.bounds.drift.lyapunov import certify, rate_matrix
from smfg_verify.bounds.drift.sentences import said_by_solver
from smfg_verify.bounds.drift.step_region import LARGEST_FACTOR, perron_root, step_region
from smfg_verify.learners import LEARNERS

CONSTANTS = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}


def planted(seed: int, *, coupling: float = 0.08, moving: float = 0.03) -> dict[str, DriftInequality]:
    """Inequalities with random constants; the leader's has no moving target, as in the fit."""
    random = np.random.default_rng(seed)

    def one(name: str) -> DriftInequality:
        others = [other for other in RESIDUALS if other != name]
        feeds = {other: coupling * random.exponential() * (random.random() < 0.7) for other in others}
        moves = {other: moving * random.exponential() * (random.random() < 0.7) for other in others}
        return DriftInequality(
            residual=name,
            outcome=said_by_solver("optimal"),
            contraction=0.3 + random.random(),
            coupling=feeds,
            moving={} if name == "e_omega" else moves,
            noise={},
            violation=0.0,
            binding=0,
            slack=np.empty(0),
        )

    return {name: one(name) for name in RESIDUALS}


def random_constants(random: np.random.Generator) -> dict[str, float]:
    return {name: CONSTANTS[name] * float(10.0 ** random.uniform(-1.0, 1.0)) for name in LEARNERS}


def test_the_perron_root_is_below_one_exactly_where_the_linear_program_finds_weights():
    random, found = np.random.default_rng(0), []
    for seed in range(200):
        inequalities, constants = planted(seed), random_constants(random)
        root = perron_root(inequalities, constants)
        found.append(root < 1.0)
        assert certify(rate_matrix(inequalities, constants)).exists == (root < 1.0), (seed, root)
    assert 20 < sum(found) < 180


@pytest.mark.parametrize("seed", [0, 1, 3, 4])
def test_no_ratios_beat_the_best_and_none_fall_below_the_floor(seed):
    inequalities, random = planted(seed), np.random.default_rng(seed)
    region = step_region(inequalities, CONSTANTS)
    assert region.status == "optimal"
    assert region.best["critic"] == pytest.approx(CONSTANTS["critic"])
    assert region.floor <= region.best_root * (1.0 + 1e-9)
    near = [{name: value * 1.05 ** random.standard_normal() for name, value in region.best.items()} for _ in range(100)]
    for constants in (CONSTANTS, *(random_constants(random) for _ in range(200)), *near):
        assert perron_root(inequalities, constants) >= region.best_root * (1.0 - 1e-5)


def test_an_interval_ends_where_weights_end():
    ends = 0
    for seed in range(4):
        inequalities = planted(seed)
        region = step_region(inequalities, CONSTANTS)
        for learner, (low, high) in region.intervals.items():

            def exists(factor, name=learner, given=inequalities):
                return certify(rate_matrix(given, {**CONSTANTS, name: factor * CONSTANTS[name]})).exists

            factors = np.geomspace(1.01 / LARGEST_FACTOR, 0.99 * LARGEST_FACTOR, 13)
            inside = (factors > low) & (factors < high)
            assert [exists(factor) for factor in factors] == inside.tolist()
            for end, step in ((low, 0.99), (high, 1.01)):
                if 1.0 / LARGEST_FACTOR < end < LARGEST_FACTOR and low < high * 0.9:
                    ends += 1
                    assert exists(end / step)
                    assert not exists(end * step)
    assert ends > 5


def test_what_does_not_contract_is_not_mended_by_any_step():
    inequalities = planted(0)
    broken = {**inequalities, "e_mu": DriftInequality(**{**vars(inequalities["e_mu"]), "contraction": 0.0})}
    region = step_region(broken, CONSTANTS)
    assert np.isinf(region.root)
    assert np.isinf(region.floor)
    assert not region.best
    unsolved = {
        **inequalities,
        "e_mu": DriftInequality(**{**vars(inequalities["e_mu"]), "outcome": said_by_solver("infeasible")}),
    }
    assert np.isnan(step_region(unsolved, CONSTANTS).root)


def test_only_ratios_matter():
    inequalities = planted(3)
    scaled = {name: 7.0 * value for name, value in CONSTANTS.items()}
    assert perron_root(inequalities, scaled) == pytest.approx(perron_root(inequalities, CONSTANTS))
    here, there = step_region(inequalities, CONSTANTS), step_region(inequalities, scaled)
    for name in LEARNERS:
        np.testing.assert_allclose(here.intervals[name], there.intervals[name], rtol=1e-6)


def test_shares_are_the_sensitivities_of_the_root():
    for seed in (0, 3, 5):
        inequalities = planted(seed)
        region = step_region(inequalities, CONSTANTS)
        assert sum(region.shares.values()) == pytest.approx(1.0)
        for name, share in region.shares.items():
            weaker = DriftInequality(
                **{**vars(inequalities[name]), "contraction": inequalities[name].contraction * (1.0 - 1e-5)}
            )
            root = perron_root({**inequalities, name: weaker}, CONSTANTS)
            assert np.log(root / region.root) / 1e-5 == pytest.approx(share, abs=1e-3)
