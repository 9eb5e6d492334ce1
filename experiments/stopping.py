"""The figure of where AC-SMFG stops: by default LafferTax, where the direct gradient leads away from the optimum."""

import argparse
from pathlib import Path

import jax
import numpy as np

from smfg_verify import games
from smfg_verify.bounds import exact_residuals, expected_stationarity, find_limit_points, linear_noise_path
from smfg_verify.exact import optimise_leader
from smfg_verify.game import game_name
from smfg_verify.report.figures.drawing import save_figure
from smfg_verify.report.figures.stopping import Stopping, stopping_figure
from smfg_verify.report.figures.widths import INCHES
from smfg_verify.stochastic import Schedule, ac_smfg

_PATH_POINTS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", default="laffer-tax")
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--width", choices=INCHES, default="two", help="one column of a paper, or two")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    game = games.load(arguments.game)
    trace = ac_smfg(game, num_iterations=arguments.iterations, seeds=range(arguments.seeds))
    iterations, path = linear_noise_path(game, Schedule(), arguments.iterations)
    kept = np.unique(np.geomspace(1, len(iterations), _PATH_POINTS).astype(int)) - 1
    limit = find_limit_points(game, starts=trace.leader_logits[:, -1].mean(axis=0)[None]).points[0]
    found = Stopping(
        residuals=exact_residuals(game, trace),
        iterations=iterations[kept],
        predicted=expected_stationarity(game, path.at(kept)),
        best_objective=float(optimise_leader(game, np.zeros_like(trace.leader_logits[0, 0])).gradient.objective),
        limit_gap=limit.policy_gap,
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    figure = stopping_figure(found, game=game_name(game), width=arguments.width)
    names = save_figure(figure, arguments.out, f"stopping-{arguments.game}")
    measured = found.residuals
    print(f"limit of the mean dynamics: {limit.status.label}, gap {limit.policy_gap:.3f}, Phi {limit.objective:.3f}")
    print(f"run's end: Phi {measured.objective[:, -1].mean():.3f}, exact ascent {found.best_objective:.3f}")
    for name, expected in (("policy_gap", found.predicted.policy_gap), ("e_omega", found.predicted.squared_gradient)):
        print(f"{name}: measured {getattr(measured, name)[:, -1].mean():.4g}, predicted {expected[-1]:.4g}")
    print(f"written: {', '.join(names)} in {arguments.out}")


if __name__ == "__main__":
    main()
