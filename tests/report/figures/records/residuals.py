"""A short run and residuals of a known rate, for the figures that draw them."""

import dataclasses

import numpy as np

from smfg_verify.bounds import RESIDUAL_NAMES, PointStatus, Residuals
from smfg_verify.games import load
from tests.bounds.rates.test_run_residuals import random_iterates, trace_of

GAME = load("laffer-tax")
SLOPE = -0.5


def run():
    """A trace of six seeds at forty checkpoints; nothing but its checkpoints is drawn."""
    iterations = np.unique(np.geomspace(1, 1001, 40).astype(int)) - 1
    iterates = random_iterates(np.random.default_rng(0), GAME, 6, len(iterations))
    return dataclasses.replace(trace_of(GAME, iterates), iterations=iterations)


def power_law(trace, **changes):
    """Residuals that decay as (k + 1)^SLOPE times a factor of the seed and of the name."""
    k = trace.iterations
    shape = (trace.seeds.size, k.size)
    jitter = np.random.default_rng(0).uniform(0.8, 1.2, shape)
    decay = {name: (1 + i) * jitter * (k + 1.0) ** SLOPE for i, name in enumerate(RESIDUAL_NAMES)}
    fields = {
        **decay,
        "rounding": {name: np.full(shape, 1e-20) for name in RESIDUAL_NAMES},
        "objective": np.zeros(shape),
        "direct_norm_squared": np.ones(shape),
        "alignment": jitter - 0.5,
        "status": np.full(shape, PointStatus.EVALUATED),
    }
    return Residuals(iterations=k, seeds=trace.seeds, **{**fields, **changes})


def line(axes, beginning):
    (found,) = [item for item in axes.lines if item.get_label().startswith(beginning)]
    return found.get_xdata(), found.get_ydata()
