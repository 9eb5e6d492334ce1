"""Records made by hand, for tables, figures and files: every number in them is told apart from every other."""

from types import SimpleNamespace

import numpy as np

from smfg_verify.assumptions import AlongRun, AssumptionReport, Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.along.conditions import CONDITIONS
from smfg_verify.bounds import (
    BoundCurves,
    ChangePoint,
    ChangeStatus,
    LyapunovCertificate,
    PlanStatus,
    PowerCell,
    PowerPlan,
)
from smfg_verify.bounds.drift.inequalities import RESIDUALS, DriftInequality
from smfg_verify.bounds.drift.sentences import said_by_solver
from smfg_verify.bounds.drift.step_region import StepRegion
from smfg_verify.bounds.rates.sentences import NO_OBSTACLE
from smfg_verify.bounds.steps.laboratory import Laboratory, Optimum, PlaneResult
from smfg_verify.bounds.steps.sentences import DRAWN, FOUND
from smfg_verify.bounds.steps.sweep import StepPlane
from smfg_verify.cases import CaseOutcome, CaseRecord, Kind, Version, find_case
from smfg_verify.comparison import CompareSettings, Comparison, Measures, PairedDifference
from smfg_verify.comparison.compare import ContenderResult
from smfg_verify.comparison.paired import PairedVerdict
from smfg_verify.comparison.sentences import NotTested
from smfg_verify.comparison.tuning import Trial
from smfg_verify.exact import EquilibriumMethod
from smfg_verify.game import game_hash, mean_field_shape

SETTINGS = CompareSettings(samples=600, seeds=5, trials=2)


def finding(name, statement, verdict="certified", constant=1.0, *, side="exact", evidence="proof", **options):
    return Finding(
        property=name,
        statement=statement,
        verdict=Verdict(verdict),
        constant=constant,
        side=Side(side),
        evidence=Evidence(evidence),
        witness={"x": np.zeros(1)},
        **options,
    )


def assumptions(*findings, game=None):
    identity = ("G", "0" * 32) if game is None else (type(game).__name__, game_hash(game))
    return AssumptionReport(game_name=identity[0], game_hash=identity[1], settings={}, findings=findings)


def outcome(name="policy-lipschitz", **options):
    record = {
        "measured": 0.5,
        "predicted": 1.0,
        "kind": Kind.UPPER_BOUND,
        "error": 0.0,
        "error_source": "roundings",
        "looked_at": "two points",
    }
    return CaseOutcome(find_case(name), Version.QUICK, CaseRecord(**{**record, **options}), seconds=1.25)


def result(name, *, transitions=2, diverged=(), offset=0.0, seconds=4.0):
    """Five seeds at three checkpoints; objective grows, the rest falls, each seed's numbers its own."""
    seeds, steps = np.arange(5.0)[:, None], np.arange(3.0)
    lost = np.isin(np.arange(5), diverged)
    falls = (1.0 + seeds) * 10.0 ** -(1.0 + steps)

    def kept(values):
        return np.where(lost[:, None] & (steps > 0), np.nan, values)

    return ContenderResult(
        name=name,
        options={"schedule": {"leader": 0.25, "critic": 2.0}, "inner_iterations": 7},
        trials=(Trial({}, score=0.125, diverged=0), Trial({}, score=0.375, diverged=1)),
        transitions_per_iteration=transitions,
        iterations=np.array([0, 100, 300]),
        seconds=seconds,
        diverged=lost,
        measures=Measures(
            objective=kept(offset + 0.1 * seeds + steps),
            objective_error=0.0 * falls,
            exploitability=kept(2.0 * falls),
            e_omega=kept(3.0 * falls),
            policy_gap=kept(5.0 * falls),
        ),
    )


LOST = {"method": 3, "reference": 0}


def comparison():
    """Three methods: the reference, one that samples and lost most of its seeds, one that reads the model."""
    lost = result("adage", transitions=8, diverged=(1, 2, 3))
    results = [result("ac-smfg"), lost, result("exact-ascent", transitions=0)]
    nan = float("nan")
    differences = {
        "adage": PairedDifference(nan, nan, nan, 0.975, PairedVerdict.NOT_TESTED, NotTested("lost-seeds", LOST)),
        "exact-ascent": PairedDifference(0.5, 0.25, 0.75, 0.975, PairedVerdict.BETTER),
    }
    return Comparison(settings=SETTINGS, results={each.name: each for each in results}, differences=differences)


def inequality(residual, *, contraction=0.75, status="optimal"):
    others = [name for name in RESIDUALS if name != residual]
    return DriftInequality(
        residual=residual,
        outcome=said_by_solver(status),
        contraction=contraction,
        coupling=dict.fromkeys(others, 0.0) | {others[0]: 0.5},
        moving={} if residual == "e_omega" else dict.fromkeys(others, 0.0),
        noise={"leader": 2.5},
        violation=0.0,
        binding=0,
        slack=np.array([1.0]),
    )


def drift_report(**changes):
    inequalities = {name: inequality(name) for name in RESIDUALS}
    report = {
        "constants": {"leader": 0.2},
        "data": SimpleNamespace(seeds=np.arange(6), num_left_out=1),
        "inequalities": inequalities,
        "held_out": {name: np.array([[0.125, 0.5], [0.25, 0.375]]) for name in RESIDUALS},
        "binding": dict.fromkeys(RESIDUALS, (3, 1200)),
        "lyapunov": LyapunovCertificate(
            exists=True,
            weights={"e_omega": 0.625, "e_mu": 0.375},
            margin=0.1,
            obstruction={},
            obstruction_error=float("nan"),
        ),
        "region": StepRegion(
            root=0.4375,
            floor=0.1875,
            shares={"e_mu": 0.75, "e_omega": 0.25},
            intervals={"leader": (1e-4, 4.5), "critic": (float("nan"), float("nan"))},
            best={"leader": 0.0625},
            best_root=0.3125,
            status="optimal",
        ),
        "markov_correction": dict.fromkeys(RESIDUALS, 0.0625),
    }
    return SimpleNamespace(**{**report, **changes})


def curves():
    iterations = np.array([0, 10, 100, 1000])
    names = [name for name in RESIDUALS if name != "e_omega"]
    falling = np.array([8.0, 4.0, 2.0, 1.0])
    return BoundCurves(
        iterations=iterations,
        tracking={name: (k + 2.0) * falling for k, name in enumerate(names)},
        leader=np.array([np.inf, 9.0, 6.0, 3.0]),
        held_out={**dict.fromkeys(names, falling), "e_omega": np.array([2.0, 3.0, 1.5, 0.0])},
        num_held_out=7,
    )


def plan(**changes):
    change = ChangePoint(
        status=ChangeStatus.FOUND,
        obstacle=NO_OBSTACLE,
        iteration=1234.0,
        lower=1000.0,
        upper=1500.0,
        slope_before=-1.5,
        slope_after=-0.5,
        one_line_slope=-0.75,
        gain=30.0,
        critical_gain=8.0,
        confidence=0.95,
    )
    cells = (PowerCell(8, 5000, 0.625, 0.0625, 0.03125), PowerCell(32, 5000, 0.9375, 0.046875, 0.015625))
    fields = {
        "status": PlanStatus.PLANNED,
        "obstacle": NO_OBSTACLE,
        "slope": -0.5,
        "alternative": -0.4,
        "confidence": 0.95,
        "target": 0.8,
        "pilot_seeds": 12,
        "pilot_iterations": 5000,
        "window": (1300, 5000),
        "change": change,
        "num_simulations": 200,
        "num_resamples": 500,
        "seed": 0,
        "cells": cells,
        "recommended": cells[1],
    }
    return PowerPlan(**{**fields, **changes})


BASE = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
CHOICE = {**BASE, "leader_exponent": 0.5, "tracking_exponent": 0.5}


def optimum(number, **choice):
    return Optimum(
        choice={**CHOICE, **choice},
        measured=number,
        predicted=2.0 * number,
        fresh=3.0 * number,
        fresh_error=number / 8.0,
        policy_gap=5.0 * number,
        objective=7.0 * number,
    )


def laboratory(**changes):
    """Two planes of two by three choices; one choice diverged, and one is another plane's best."""
    planes = []
    for k, (x, y, columns, rows) in enumerate(
        [("leader", "critic", [0.1, 0.2, 0.4], [1.0, 2.0]), ("leader", "leader_exponent", [0.1, 0.2, 0.4], [0.5, 0.75])]
    ):
        measured = (1.0 + k) * np.array([[1.0, 0.5, np.nan], [0.25, 0.125, 2.0]])
        planes.append(
            PlaneResult(
                plane=StepPlane(x, y, np.array(columns), np.array(rows)),
                measured=measured,
                standard_error=0.1 * measured,
                predicted=2.0 * measured,
                policy_gap=measured,
                objective=measured,
                certified=np.array([[True, False, False], [True, True, False]]),
            )
        )
    fields = {
        "base": BASE,
        "num_iterations": 400,
        "seeds": 4,
        "sampling": "markov",
        "planes": tuple(planes),
        "found": optimum(0.125),
        "foreseen": optimum(0.25, leader=0.1),
        "no_optimum": FOUND,
        "difference": (0.5, 0.125),
        "rank_correlation": 0.875,
        "ratio": (0.25, 0.5, 0.75),
        "refinement": 0.015625,
        "no_region": DRAWN,
    }
    return Laboratory(**{**fields, **changes})


def gradient(game, *, converged=True):
    """What tables and files read of a gradient, without an equilibrium solved."""
    n, a, b = game.num_states, game.num_follower_actions, game.num_leader_actions
    policy = np.arange(1.0, n * a + 1).reshape(n, a)
    field = np.arange(1.0, np.prod(mean_field_shape(game)) + 1).reshape(mean_field_shape(game))
    size = 1.0 if converged else np.nan
    equilibrium = SimpleNamespace(
        method=int(next(iter(EquilibriumMethod))),
        converged=converged,
        steps=7,
        residual=3e-14 if converged else 0.5,
        mean_field=size * field / field.sum(),
        follower_policy=size * policy / policy.sum(axis=1, keepdims=True),
        follower_value=size * np.arange(1.0, n + 1),
    )
    parts = {
        name: size * (k + 1.0) * np.array([[3.0, 4.0]])[:, :b]
        for k, name in enumerate(("total", "direct", "policy_response", "mean_field_response", "held_field"))
    }
    certificate = SimpleNamespace(error_bound=2e-13, adjoint_residual=4e-16, condition=12.5)
    numbers = {"objective": size * 0.123456789, "policy_gap": size * 0.375, "direct_policy_gap": size * 0.625}
    return SimpleNamespace(equilibrium=equilibrium, certificate=certificate, **parts, **numbers)


def along(**changes):
    """Numbers along a run of two seeds: one condition fails at one iterate, one iterate is none."""
    nan, sizes = float("nan"), (2, 3)
    values = {name: np.full(sizes, 0.5) for name in CONDITIONS}
    values["alignment"] = np.array([[0.25, 0.5, 0.75], [nan, -0.125, 0.625]])
    values["modulus"] = np.linspace(0.25, 0.75, 6).reshape(sizes)
    found = {
        "game_name": "LafferTax",
        "game_hash": "of a test",
        "seeds": np.array([0, 4], dtype=np.uint32),
        "iterations": np.array([0, 10, 1000]),
        "not_finite": 1,
        "not_converged": 0,
        "values": values,
        "radius": {
            "alignment": np.array([[0.5, 0.0625, 0.125], [nan, 0.0, 0.25]]),
            "rate": np.full(sizes, 0.0),
            "modulus": np.array([[0.5, 0.0, 0.125], [0.25, 0.03125, 0.0]]),
            "index": np.full(sizes, 0.25),
        },
        "certified": {
            "alignment": np.array([[0.1875, 0.375, 0.5], [nan, nan, 0.5]]),
            "rate": np.full(sizes, nan),
            "modulus": np.array([[0.625, nan, 0.75], [0.875, 0.6875, nan]]),
            "index": np.zeros(sizes),
        },
        "uncertified": {"alignment": "", "rate": "of a test", "modulus": "", "index": ""},
    }
    return AlongRun(**{**found, **changes})
