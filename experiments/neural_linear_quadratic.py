"""AC-SMFG with function approximation on the continuous linear-quadratic game, against its closed form and its grid.

`--out docs/data` writes neural-linear-quadratic.md.
"""

import argparse
import math
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact import leader_objective, optimise_leader, solve_equilibrium
from smfg_verify.exact.riccati import linear_quadratic_equilibrium, mean_target, policy_leader_objective
from smfg_verify.files import write_atomically
from smfg_verify.games import LinearQuadratic
from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic
from smfg_verify.report.tables.markdown import markdown_table
from smfg_verify.stochastic import Schedule
from smfg_verify.stochastic.neural import (
    AbstractNetworks,
    MLPNetworks,
    NeuralTrace,
    QuadraticNetworks,
    fit_policy,
    neural_ac_smfg,
    normal_average,
)

LOGITS = np.array([0.0, 0.5])
STEPS = dict(mean_field=0.05, follower=0.05, critic=0.1)
LEADER_STEP = 0.02
# The last iterates wander with the step size; what is reported is averaged over this many in the last half of a run.
TAIL = 20
NETWORKS = {"linear policy, quadratic critics": QuadraticNetworks(), "MLPs (2 layers of 32)": MLPNetworks()}

FOLLOWER = """Leader frozen at P(target 1) = {probability:.3f}; {seeds} seeds of {iterations} iterations, {chains}
chains each, averages over the last half of a run: median and quartiles over the seeds. Gain, standard deviation and
V_f are averages over the equilibrium's population (gain: least squares); J_l is what the leader's critic says, over the
law of the first state."""
LEADER = """Leader learning from P(target 1) = 0.5. Stop: the zero of the direct gradient, P(t) ~
exp(-cost t^2 / tau_l), for AC-SMFG does not see the followers' answer. Phi is exact at the leader's policy; J_l is
exact at the leader's and the learned follower's."""

Numbers = dict[str, float]


def line_game(resolution: int = 33) -> LinearQuadratic:
    """The game on a grid with walls 6 standard deviations of the population away, first states about standard normal.

    With a drift below one, no bounded policy lets the population run away, which the first MLPs would.
    """
    weights = np.exp(-0.5 * np.linspace(-4.0, 4.0, resolution) ** 2)
    return LinearQuadratic(
        num_states=resolution,
        num_follower_actions=33,
        half_width=4.0,
        max_action=3.0,
        drift=0.9,
        leader_temperature=0.1,
        initial_distribution=weights / weights.sum(),
    )


def closed_form(game: LinearQuadratic) -> Numbers:
    """The equilibrium at `LOGITS` on the line."""
    exact = linear_quadratic_equilibrium(game, LOGITS[None])
    return {
        "gain": float(exact.policy.gain),
        "standard deviation": float(jnp.sqrt(exact.policy.variance)),
        "population's mean": float(exact.mean),
        "population's variance": float(exact.variance),
        "V_f": float(over_population(game, exact.value(game.positions))),
        "J_l": float(policy_leader_objective(game, LOGITS[None], exact.policy)),
    }


def over_population(game: LinearQuadratic, values: np.ndarray) -> np.ndarray:
    """Averages over the population of the equilibrium at `LOGITS`, the last axis along the grid."""
    exact = linear_quadratic_equilibrium(game, LOGITS[None])
    return normal_average(np.asarray(game.positions), np.asarray(values), exact.mean, exact.variance)


def on_grid(game: LinearQuadratic) -> Numbers:
    """The equilibrium at `LOGITS` of the discretised game."""
    found, grid, efforts = solve_equilibrium(game, LOGITS[None]), np.asarray(game.positions), np.asarray(game.efforts)
    policy = np.asarray(found.follower_policy)
    mean = policy @ efforts
    std = np.sqrt(policy @ efforts**2 - mean**2)
    exact = linear_quadratic_equilibrium(game, LOGITS[None])
    fitted = fit_policy(grid, mean, std, exact.mean, exact.variance)
    crowd = float(found.mean_field @ grid)
    # The entropy of a policy on a grid of actions is the differential one minus the logarithm of the spacing.
    bonus = float(game.temperature) * math.log(efforts[1] - efforts[0]) / (1.0 - float(game.discount))
    return {
        "gain": float(fitted.gain),
        "standard deviation": float(jnp.sqrt(fitted.variance)),
        "population's mean": crowd,
        "population's variance": float(found.mean_field @ grid**2) - crowd**2,
        "V_f": float(over_population(game, found.follower_value)) + bonus,
        "J_l": float(leader_objective(game, LOGITS[None])),
    }


def learned(game: LinearQuadratic, trace: NeuralTrace) -> dict[str, np.ndarray]:
    """The same of a trace recorded on the grid's positions, averaged over its checkpoints, (seeds,) each."""
    exact = linear_quadratic_equilibrium(game, LOGITS[None])
    fitted = trace.fitted_policy(exact.mean, exact.variance)
    found = {
        "gain": np.asarray(fitted.gain),
        "standard deviation": np.sqrt(fitted.variance),
        "population's mean": trace.field_mean,
        "population's variance": trace.field_variance,
        "V_f": over_population(game, trace.follower_value),
        "J_l": trace.leader_value @ np.asarray(game.initial_distribution),
    }
    return {name: values.mean(axis=1) for name, values in found.items()}


def leader_numbers(game: LinearQuadratic, logits: np.ndarray) -> Numbers:
    """A leader's policy with its exact objective."""
    policy = linear_quadratic_equilibrium(game, logits[None]).policy
    objective = float(policy_leader_objective(game, logits[None], policy))
    probability = float(jax.nn.softmax(logits)[1])
    return {"P(target 1)": probability, "mean target": float(mean_target(game, logits[None])), "Phi": objective}


def stopping_logits(game: LinearQuadratic) -> np.ndarray:
    """Where the leader's direct gradient is zero: of its reward, the action is in the target's cost alone."""
    return np.asarray(-game.target_cost * game.targets**2 / game.leader_temperature)


def best_logits(game: LinearQuadratic) -> np.ndarray:
    """The optimum of Phi on the line, by bisection of its derivative along the difference of the two logits."""

    @jax.jit
    @jax.grad
    def slope(difference):
        logits = jnp.stack([0.0 * difference, difference])[None]
        return policy_leader_objective(game, logits, linear_quadratic_equilibrium(game, logits).policy)

    low, high = -8.0, 8.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if slope(middle) > 0.0 else (low, middle)
    return np.array([0.0, low])


def learned_leader(game: LinearQuadratic, trace: NeuralTrace) -> dict[str, np.ndarray]:
    """Where the leaders of a trace ended, (seeds,) each, their policies averaged over the checkpoints."""
    rows = []
    for seed, policy in enumerate(trace.leader_policy.mean(axis=1)):
        logits = np.log(policy)
        exact = linear_quadratic_equilibrium(game, logits[None])
        fits = trace.fitted_policy(exact.mean, exact.variance)
        fitted = jax.tree.map(lambda array, seed=seed: array[seed].mean(), fits)
        objective = float(policy_leader_objective(game, logits[None], fitted))
        rows.append({**leader_numbers(game, logits), "J_l": objective})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def timed_run(game: LinearQuadratic, networks: AbstractNetworks, leader_step: float, logits, options):
    start = time.perf_counter()
    trace = neural_ac_smfg(
        ContinuousLinearQuadratic(game),
        num_iterations=options.iterations,
        seeds=range(options.seeds),
        networks=networks,
        schedule=Schedule(leader=leader_step, **STEPS),
        num_chains=options.chains,
        checkpoints=np.linspace(options.iterations // 2, options.iterations, TAIL).astype(int),
        leader_logits=logits,
    )
    return trace, time.perf_counter() - start


def spread(values: np.ndarray) -> str:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{middle:.4f} [{low:.4f}, {high:.4f}]"


def table(references: dict[str, Numbers], columns: dict[str, dict[str, np.ndarray]], seconds: list[float]) -> str:
    """One row a quantity: the references, then medians and quartiles; the last row is the wall time."""
    names = list(dict.fromkeys(name for column in [*references.values(), *columns.values()] for name in column))
    lines = [["", *references, *columns]]
    for name in names:
        known = [f"{column[name]:.4f}" if name in column else "" for column in references.values()]
        lines.append([name, *known, *(spread(column[name]) for column in columns.values())])
    lines.append(["seconds, compilation included", *[""] * len(references), *(f"{one:.0f}" for one in seconds)])
    return markdown_table(lines[0], lines[1:])


def follower_table(game: LinearQuadratic, options: argparse.Namespace) -> str:
    runs = {name: timed_run(game, networks, 0.0, LOGITS, options) for name, networks in NETWORKS.items()}
    columns = {name: learned(game, trace) for name, (trace, _) in runs.items()}
    references = {"closed form": closed_form(game), f"grid of {game.num_states}": on_grid(game)}
    return table(references, columns, [seconds for _, seconds in runs.values()])


def leader_table(game: LinearQuadratic, options: argparse.Namespace) -> str:
    runs = {name: timed_run(game, networks, LEADER_STEP, None, options) for name, networks in NETWORKS.items()}
    columns = {name: learned_leader(game, trace) for name, (trace, _) in runs.items()}
    ascent = np.asarray(optimise_leader(game, np.zeros((1, 2))).leader_logits)[0]
    found = {
        "optimum, closed form": best_logits(game),
        f"ascent, grid of {game.num_states}": ascent,
        "stop": stopping_logits(game),
    }
    references = {name: leader_numbers(game, logits) for name, logits in found.items()}
    return table(references, columns, [seconds for _, seconds in runs.values()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--chains", type=int, default=32)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    game, probability = line_game(), float(jax.nn.softmax(LOGITS)[1])
    heading = FOLLOWER.format(probability=probability, **vars(options))
    tables = f"{heading}\n\n{follower_table(game, options)}\n{LEADER}\n\n{leader_table(game, options)}"
    print(tables)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out / "neural-linear-quadratic.md", tables.encode())


if __name__ == "__main__":
    main()
