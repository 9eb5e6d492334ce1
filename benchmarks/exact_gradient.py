"""What a Stackelberg gradient costs and how exact it is: `python -m benchmarks.exact_gradient`.

Prints the ratio gradient / equilibrium solve at n = 200, A = B = 4 (compile time apart, medians), and a table of
relative errors of the implicit gradient against four oracles that share no code with it.
"""

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.timing import seconds
from smfg_verify import games
from smfg_verify.exact import leader_objective, solve_equilibrium, stackelberg_gradient
from smfg_verify.game import AbstractGame, TabularGame, leader_logits_shape
from tests.exact.gradient.test_stackelberg import road_closed_form
from tests.exact.unrolled import unrolled_objective
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game


def cost_table() -> Table:
    table = Table("game, n = 200, A = B = 4", "Newton steps", "equilibrium [s]", "gradient [s]", "ratio", title="Cost")
    sizes = dict(num_states=200, num_follower_actions=4, num_leader_actions=4)
    for dependence in ("affine", "general"):
        couplings = dict(follower_coupling=2.0, transition_coupling=0.5)
        table.add_row(dependence, *cost_row(games.load("random-game", dependence=dependence, **sizes, **couplings)))
    return table


def cost_row(game: AbstractGame) -> tuple[str, ...]:
    logits = np.random.default_rng(0).normal(size=leader_logits_shape(game))
    steps = int(solve_equilibrium(game, logits).steps)
    solve = seconds(lambda: solve_equilibrium(game, logits), 7).median
    gradient = seconds(lambda: stackelberg_gradient(game, logits), 7).median
    return str(steps), f"{solve:.3f}", f"{gradient:.3f}", f"{gradient / solve:.2f}"


def relative(found, expected) -> str:
    return f"{float(np.max(np.abs(np.asarray(found) - expected)) / np.max(np.abs(expected))):.1e}"


def central_differences(game, logits, step: float):
    """Richardson-extrapolated central differences of Phi, one logit at a time."""

    def slope(unit, h):
        return float(leader_objective(game, logits + h * unit) - leader_objective(game, logits - h * unit)) / (2 * h)

    units = np.eye(logits.size).reshape(-1, *logits.shape)
    return np.array([(4 * slope(u, step) - slope(u, 2 * step)) / 3 for u in units]).reshape(logits.shape)


def error_table() -> Table:
    table = Table(
        "game", "unrolled", "differences", "complex-step oracle", "closed form", title="Relative gradient error"
    )
    for support in ("states", "state_actions"):
        options = dict(reward_coupling=0.3, kernel_coupling=0.2, tau=0.5, gamma=0.8)
        arrays = random_array_game(np.random.default_rng(11), 4, 3, 2, support=support, **options)
        game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
        logits = np.random.default_rng(11).normal(size=(4, 2))
        exact = oracle.gradient(arrays, logits).total
        table.add_row(f"random, {support}", *generic_errors(game, logits, exact), "")
    roads = games.load("two-road-toll")
    closed = road_closed_form(roads, 0.7)[2] * np.array([[-1.0, 1.0]])
    unrolled, differences, against_closed = generic_errors(roads, np.array([[0.0, 0.7]]), closed)
    table.add_row("two-road-toll", unrolled, differences, "", against_closed)
    return table


def generic_errors(game: AbstractGame, logits: np.ndarray, exact: np.ndarray) -> tuple[str, ...]:
    """Errors against unrolled differentiation, central differences, and a reference."""
    found = stackelberg_gradient(game, logits).total
    unrolled = jax.grad(lambda x: unrolled_objective(game, x, num_sweeps=1500))(jnp.asarray(logits))
    return tuple(relative(found, other) for other in (unrolled, central_differences(game, logits, 1e-4), exact))


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    console = Console()
    console.print(error_table())
    console.print(cost_table())


if __name__ == "__main__":
    main()
