"""Every figure of the package from records made by hand, by name: for the tests that hold all of them to one style."""

import functools

import numpy as np

from smfg_verify.bounds import ExpectedStationarity, validate_bounds
from smfg_verify.game import leader_logits_shape
from smfg_verify.games import load
from smfg_verify.report.along.figure import along_figure
from smfg_verify.report.figures.alignment import alignment_figure
from smfg_verify.report.figures.alignment_field import alignment_field_figure
from smfg_verify.report.figures.comparison import comparison_figure
from smfg_verify.report.figures.contraction import contraction_figure
from smfg_verify.report.figures.convergence import convergence_figure
from smfg_verify.report.figures.equilibrium import equilibrium_figure
from smfg_verify.report.figures.laboratory import laboratory_figure
from smfg_verify.report.figures.stopping import Stopping, stopping_figure
from smfg_verify.report.labels import free_parameter_names
from smfg_verify.report.theorem.figure import bound_figure
from tests.report import records
from tests.report.figures.records.residuals import GAME, power_law, run
from tests.report.figures.records.theorem import beside
from tests.report.figures.test_alignment import cosine_finding

# Two sizes of leaders' policies, mean fields over states and over pairs, few and many actions, short and long labels.
GAMES = ("laffer-tax", "market-entrance", "equilibrium-pricing", "congestion-pricing")


@functools.cache
def _run():
    trace = run()
    residuals = power_law(trace)
    return residuals, validate_bounds(GAME, trace, residuals=residuals, num_resamples=100)


def cosine():
    return cosine_finding(np.random.default_rng(1).uniform(-1.0, 1.0, 200), -0.987)


def _field(number):
    axis = np.linspace(-6.0, 6.0, 121 if number == 1 else 15)
    grid = np.meshgrid(*[axis] * number, indexing="ij")
    peak = np.exp(-sum((x - 1.0) ** 2 for x in grid) / 8.0)
    total = np.stack([-(x - 1.0) / 4.0 * peak for x in grid], axis=-1)
    direct = total + 0.05
    return records.finding(
        "gradient-alignment",
        "cosine",
        "refuted",
        details={"field": {"axis": axis, "objective": peak, "total": total, "direct": direct}},
    )


def contraction_report():
    temperatures = np.logspace(-2.0, 1.0, 13)
    names = ("sup-norm", "span", "modulus", "spectral-radius", "softmax-scheme")
    curves = {name: 3.0 ** (3 - k) / temperatures for k, name in enumerate(names)}
    local = {"eigenvalues_real": np.array([0.3, -0.5]), "eigenvalues_imag": np.array([0.0, 0.1])}
    return records.assumptions(
        records.finding(
            "contraction", "smallest-temperature", details={"sweep": {"temperature": temperatures, **curves}}
        ),
        records.finding("contraction", "spectral-radius", details=local),
        game=GAME,
    )


def _stopping():
    residuals, _ = _run()
    steps = np.array([1, 10, 100, 1000])
    predicted = ExpectedStationarity(1.0 / steps, 2.0 / steps, 3.0 - 1.0 / steps)
    return Stopping(residuals, steps, predicted, best_objective=3.7, limit_gap=0.25)


def _equilibrium(name, width):
    game = load(name)
    shape = leader_logits_shape(game)
    policy = np.random.default_rng(0).dirichlet(np.ones(shape[1]), shape[0])
    policies = {"Leader's policy, uniform": np.full(shape, 1.0 / shape[1]), "Leader's policy after the run": policy}
    return equilibrium_figure(game, records.gradient(game).equilibrium, policies, width=width)


FIGURES = {
    "alignment": lambda width: alignment_figure(cosine(), _run()[0], game="LafferTax", width=width),
    "alignment-checked": lambda width: alignment_figure(cosine(), game="LafferTax", width=width),
    "field-line": lambda width: alignment_field_figure(
        _field(1), free_parameter_names(load("laffer-tax")), game="LafferTax", width=width
    ),
    "field-plane": lambda width: alignment_field_figure(_field(2), ("toll", "$ 5 fine"), game="TwoTolls", width=width),
    "contraction": lambda width: contraction_figure(contraction_report(), width=width),
    "convergence": lambda width: convergence_figure(*_run(), width=width),
    "comparison": lambda width: comparison_figure(records.comparison(), game="shop-positioning", width=width),
    "laboratory": lambda width: laboratory_figure(records.laboratory(), game="market-entrance", width=width),
    "along": lambda width: along_figure(records.along(), width=width),
    "bound": lambda width: bound_figure(beside(), game="laffer-tax", width=width),
    "stopping": lambda width: stopping_figure(_stopping(), game="laffer-tax", width=width),
    **{f"equilibrium-{name}": functools.partial(_equilibrium, name) for name in GAMES},
}

# Those that are held against pictures: each kind once, and three of the widest.
PICTURED = [
    *((name, "one") for name in FIGURES if name not in ("alignment-checked", "equilibrium-laffer-tax")),
    *((name, "two") for name in ("convergence", "comparison", "laboratory")),
]


@functools.cache
def figure_of(name, width):
    """One of them, for tests that leave it as it is."""
    return FIGURES[name](width)
