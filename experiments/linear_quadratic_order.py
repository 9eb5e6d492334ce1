"""The linear-quadratic game against its closed form: order of the grid, and linear convergence of policy gradient.

`--out docs/data` writes linear-quadratic.md.
"""

import argparse
import functools
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.riccati import GaussianPolicy, linear_quadratic_equilibrium, policy_objective, population_mean
from smfg_verify.files import write_atomically
from smfg_verify.games import LinearQuadratic
from smfg_verify.report.tables.markdown import markdown_table

LOGITS = np.array([[0.0, 0.5]])
POSITIONS = (-1.0, 0.0, 1.0)
# Walls 8 standard deviations and more from the population, actions to 6 of the policy beyond any mean it visits,
# and 1.3 actions a standard deviation of the policy: together they leave the floor of the table.
LENGTHS = dict(half_width=6.0, max_action=6.0, num_follower_actions=49)
COEFFICIENTS = dict(noise=0.5, tracking=1.0, effort=1.0, coupling=0.5, temperature=0.5, targets=(0.0, 1.0))
# Below one over the largest curvature of the objective near its optimum, about 63.
STEP_SIZE = 0.01
NUM_STEPS, NUM_UPDATES = 200, 25

GRID = """Absolute errors of the equilibrium on a grid of n positions, spacing h, against the Riccati closed form. The
noise is 0.5, the population's standard deviation 0.65, the walls stand at -6 and 6. The scheme adds h^2 / 6 to the
variance of a step and nothing to its mean, so the population's mean and the policy's mean are exact but for aliasing,
which falls like exp(-2 pi^2 noise^2 / h^2). Floor: the largest error against the closed form of a game whose noise has
the variance noise^2 + h^2 / 6; it holds what walls, finitely many actions, aliasing and rounding add."""
DESCENT = """Exact policy gradient on gain and offset (K, k) of the same game, after arXiv 2008.06845 (there in
continuous time). Errors are distances to the closed form; ratios of successive errors from 1e-3 down to 1e-10;
predicted: spectral radius of the linearised iteration, or, in the last row, of the closed form's answer to the mean."""


def game_on_grid(resolution: int) -> LinearQuadratic:
    """The game, first states about standard normal (what the policy gradient weighs states by)."""
    weights = np.exp(-0.5 * np.linspace(-LENGTHS["half_width"], LENGTHS["half_width"], resolution) ** 2)
    return LinearQuadratic(
        num_states=resolution, initial_distribution=weights / weights.sum(), **LENGTHS, **COEFFICIENTS
    )


class GridErrors(NamedTuple):
    """Absolute errors of a grid's equilibrium: of the population's mean and variance, the value, the policy's mean."""

    spacing: float
    mean: float
    variance: float
    value: np.ndarray
    policy: float


def grid_errors(resolution: int) -> tuple[GridErrors, GridErrors]:
    """Errors of one grid against the closed form, and against that of a noise larger by h^2 / 6: the floor."""
    game = game_on_grid(resolution)
    found, grid = solve_equilibrium(game, LOGITS), np.asarray(game.positions)
    places = [int(np.argmin(np.abs(grid - position))) for position in POSITIONS]
    spacing, mean = float(grid[1] - grid[0]), float(found.mean_field @ grid)
    variance = float(found.mean_field @ grid**2) - mean**2
    efforts = np.asarray(game.efforts)
    # The entropy of a policy on a grid of actions is the differential one minus the logarithm of the spacing.
    bonus = float(game.temperature) * math.log(efforts[1] - efforts[0]) / (1.0 - float(game.discount))
    value = np.asarray(found.follower_value)[places] + bonus
    policy = (np.asarray(found.follower_policy) @ efforts)[places]
    inflated = jnp.sqrt(game.noise**2 + spacing**2 / 6.0)
    errors = []
    for reference in (game, eqx.tree_at(lambda g: g.noise, game, inflated)):
        exact = linear_quadratic_equilibrium(reference, LOGITS)
        errors.append(
            GridErrors(
                spacing,
                abs(mean - float(exact.mean)),
                abs(variance - float(exact.variance)),
                np.abs(value - np.asarray(exact.value(grid[places]))),
                float(np.max(np.abs(policy - np.asarray(exact.policy.mean(grid[places]))))),
            )
        )
    return errors[0], errors[1]


def order_table(resolutions: Iterable[int]) -> str:
    """One row a grid: spacing, errors, the order between one grid and the next, and the floor."""
    values = [f"V({position:g})" for position in POSITIONS]
    lines = [["n", "h", "mean", "variance", *values, "policy's mean", "order: variance", "order: V", "floor"]]
    previous = None
    for resolution in resolutions:
        errors, floor = grid_errors(resolution)
        numbers = [errors.mean, errors.variance, *errors.value, errors.policy]
        orders = ["", ""] if previous is None else [f"{order:.4f}" for order in observed_orders(previous, errors)]
        worst = max(floor.mean, floor.variance, floor.policy, *floor.value)
        lines.append([str(resolution), f"{errors.spacing:g}", *(f"{e:.2e}" for e in numbers), *orders, f"{worst:.1e}"])
        previous = errors
    return markdown_table(lines[0], lines[1:])


def observed_orders(coarse: GridErrors, fine: GridErrors) -> tuple[float, float]:
    """Powers of the spacing with which the errors of the variance and of the value fall."""
    ratio = math.log(coarse.spacing / fine.spacing)
    variance = math.log(coarse.variance / fine.variance) / ratio
    return variance, math.log(np.max(coarse.value) / np.max(fine.value)) / ratio


class Descent(NamedTuple):
    """Errors of an iteration's point, one an iteration, and the factor that theory predicts."""

    errors: np.ndarray
    predicted: float


def descents() -> dict[str, Descent]:
    """Exact policy gradient on (K, k): at a frozen mean, one step for each update of the mean, and many steps."""
    game = game_on_grid(25)
    exact = linear_quadratic_equilibrium(game, LOGITS)
    variance = exact.policy.variance
    policy, start = jnp.stack([exact.policy.gain, exact.policy.offset]), jnp.array([0.2, 0.0])

    def gradient_step(point, mean):
        def objective(point):
            return policy_objective(game, LOGITS, GaussianPolicy(point[0], point[1], variance), mean)

        return point + STEP_SIZE * jax.grad(objective)(point)

    def together(point):
        moved = gradient_step(point[:2], point[2])
        return jnp.append(moved, population_mean(game, GaussianPolicy(moved[0], moved[1], variance)))

    def in_turn(mean):
        found = iterate(lambda point: gradient_step(point, mean[0]), start, NUM_STEPS)[-1]
        return population_mean(game, GaussianPolicy(found[0], found[1], variance))[None]

    frozen = functools.partial(gradient_step, mean=exact.mean)
    both = jnp.append(policy, exact.mean)
    return {
        "gradient steps, mean frozen": Descent(
            distances(iterate(frozen, start, NUM_STEPS), policy), spectral_radius(frozen, policy)
        ),
        "a gradient step and an update of the mean": Descent(
            distances(iterate(together, jnp.append(start, 0.0), NUM_STEPS), both), spectral_radius(together, both)
        ),
        f"{NUM_STEPS} gradient steps and an update of the mean": Descent(
            distances(iterate(in_turn, jnp.zeros(1), NUM_UPDATES), exact.mean[None]), abs(float(exact.mean_response))
        ),
    }


def iterate(step: Callable[[jax.Array], jax.Array], start: jax.Array, number: int) -> jax.Array:
    """The points of an iteration, the start included."""
    _, points = jax.lax.scan(lambda point, _: (step(point), point), start, length=number)
    return points


def distances(points: jax.Array, fixed_point: jax.Array) -> np.ndarray:
    return np.linalg.norm(np.asarray(points - fixed_point), axis=1)


def spectral_radius(step: Callable[[jax.Array], jax.Array], fixed_point: jax.Array) -> float:
    return float(np.max(np.abs(np.linalg.eigvals(np.asarray(jax.jacobian(step)(fixed_point))))))


def tail_ratios(errors: np.ndarray, above: float = 1e-10, below: float = 1e-3) -> np.ndarray:
    """Ratios of successive errors, once the error is small and while it is above rounding."""
    used = errors[:-1][(errors[:-1] < below) & (errors[1:] > above)]
    following = errors[1:][(errors[:-1] < below) & (errors[1:] > above)]
    return following / used


def descent_table() -> str:
    lines = [["iteration", "fitted factor", "predicted", "smallest ratio", "largest ratio", "iterations to 1e-10"]]
    for name, descent in descents().items():
        ratios = tail_ratios(descent.errors)
        fitted = math.exp(np.mean(np.log(ratios)))
        reached = int(np.argmax(descent.errors < 1e-10))
        numbers = (fitted, descent.predicted, ratios.min(), ratios.max())
        lines.append([name, *(f"{number:.6f}" for number in numbers), str(reached) if reached else "not reached"])
    return markdown_table(lines[0], lines[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resolutions", type=int, nargs="+", default=[13, 25, 49, 97, 193])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    tables = f"{GRID}\n\n{order_table(options.resolutions)}\n{DESCENT}\n\n{descent_table()}"
    print(tables)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out / "linear-quadratic.md", tables.encode())


if __name__ == "__main__":
    main()
