"""The theorem's bound beside a run, made by hand: one line is trivial at its end, one constant has no factor."""

import numpy as np

from smfg_verify.bounds import TheoremCurve
from smfg_verify.bounds.theorem.curve import LINES
from smfg_verify.bounds.theorem.losses import Loss
from smfg_verify.jobs.bound import Beside
from tests.report.figures.records.residuals import power_law, run

LOSSES = (
    Loss("e_Vf", "D_f^2", 800.0, 8.0, 100.0),
    Loss("e_Vl", "D_l^2", 3.0, 2.0, 1.5),
    Loss("e_theta", "eta_G / alpha", 1e-9, 1e-3, 1e6),
    Loss("e_mu", "C^2", 5.0, float("nan"), float("nan")),
)


def beside(**changes):
    residuals = power_law(run())
    names = (*LINES, "e_omega")
    measured = {name: getattr(residuals, name).mean(axis=0) for name in names}
    tracking = {name: 50.0 * measured[name] for name in LINES}
    trivial = {name: 2.0 * float(tracking[name][0]) for name in LINES} | {"e_omega": 1e3}
    trivial["e_mu"] = float(tracking["e_mu"][-1])
    leader = np.append(np.inf, 20.0 * np.minimum.accumulate(measured["e_omega"])[:-1])
    curve = TheoremCurve(residuals.iterations, tracking, trivial, leader, {name: {"noise": 1.0} for name in LINES})
    found = {
        "floor": 0.125,
        "residuals": residuals,
        "curve": curve,
        "measured": measured,
        "num_measured": len(residuals.seeds),
        "losses": LOSSES,
    }
    return Beside(**{**found, **changes})
