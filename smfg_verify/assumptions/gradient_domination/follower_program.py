r"""The follower's regularised optimum as a convex program, and a certificate of it that trusts no solver.

Over occupation measures $x(s, a) \ge 0$ the follower's problem is
$$ \max_x \sum_{s,a} x\,r - \tau \sum_{s,a} x(s,a) \log \frac{x(s,a)}{\sum_{a'} x(s,a')} \quad \text{subject to} \quad
\sum_a x(s', a) = (1 - \gamma) \rho(s') + \gamma \sum_{s,a} x(s,a) P(s'|s,a), $$
an exponential-cone program whose optimum is $(1 - \gamma) \rho^T V^*$. Both ends of the bracket around it are
evaluated in NumPy: any policy bounds it from below, any W with $W \ge T W$ from above.
"""

import functools
import math
from typing import NamedTuple

import jax
import numpy as np
import scipy.special
from jaxtyping import Array, Float

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.gradient_domination.measures import PROPERTY
from smfg_verify.conic import ConicResult, solve
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.exact.kernel import FollowerModel, follower_model, tabulate
from smfg_verify.game import AbstractGame, compiled_for_game, leader_logits_shape, mean_field_shape
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.records.entries import Entries

STATEMENT = "follower-program"
_finding = functools.partial(
    Finding,
    property=PROPERTY,
    statement=STATEMENT,
    side=Side.UPPER,
    evidence=Evidence.PROOF,
    searched={"leaders": 1},
)
# Widest bracket that certifies, and largest accepted difference of the solver's optimum from the exact one, both
# relative to the largest value of the problem (at least 1).
TOLERANCE = 1e-6


class FollowerProblem(NamedTuple):
    """The follower's problem at one leader and mean field, in NumPy.

    Attributes:
        transition: P(s' | s, a), (n, A, n).
        reward: r(s, a), (n, A).
        initial: rho, (n,).
        discount: gamma.
        temperature: tau.
    """

    transition: Float[np.ndarray, "n A n"]
    reward: Float[np.ndarray, "n A"]
    initial: Float[np.ndarray, " n"]
    discount: float
    temperature: float


class Bracket(NamedTuple):
    r"""Proved bounds $lower \le \rho^T V^* \le upper$, and the largest |V| met on the way."""

    lower: float
    upper: float
    scale: float


def follower_problem(game: AbstractGame, leader_logits: np.ndarray, mean_field: np.ndarray) -> FollowerProblem:
    """The problem of a follower who faces a leader and a mean field, tabulated."""
    model = _model(game, jax.device_put(leader_logits), jax.device_put(mean_field))
    return FollowerProblem(
        np.asarray(model.transition),
        np.asarray(model.reward),
        np.asarray(game.initial_distribution, dtype=float),
        float(game.discount),
        float(game.temperature),
    )


@compiled_for_game
def _model(game: AbstractGame, leader_logits: Float[Array, "O B"], mean_field: Float[Array, "..."]) -> FollowerModel:
    rows = observed_rows(softmax_policy(leader_logits), game.leader_observation)
    return follower_model(tabulate(game, mean_field), rows)


def solve_program(problem: FollowerProblem) -> tuple[ConicResult, Float[np.ndarray, "n A"], float]:
    """Solve the exponential-cone program.

    Args:
        problem: the follower's problem.

    Returns:
        What the solvers say (values in units of the temperature), the policy read off the occupation measure
        (uniform where nothing is occupied, NaN where there is no measure), and the optimum in units of value.
    """
    # cvxpy takes a second to import, which only this check should pay.
    import cvxpy

    n, num_actions = problem.reward.shape
    centre = float(np.mean(problem.reward))
    occupation = cvxpy.Variable((n, num_actions), nonneg=True, name="occupation")
    total = cvxpy.sum(occupation, axis=1, keepdims=True)
    inflow = problem.transition.reshape(n * num_actions, n).T @ cvxpy.reshape(occupation, (n * num_actions,), order="C")
    scaled = (problem.reward - centre) / problem.temperature
    entropy = -cvxpy.sum(cvxpy.rel_entr(occupation, total @ np.ones((1, num_actions))))
    flow = total[:, 0] == (1.0 - problem.discount) * problem.initial + problem.discount * inflow
    result = solve(cvxpy.Problem(cvxpy.Maximize(cvxpy.sum(cvxpy.multiply(scaled, occupation)) + entropy), [flow]))
    optimum = (problem.temperature * result.value + centre) / (1.0 - problem.discount)
    return result, _policy_of(result.variables.get("occupation"), (n, num_actions)), optimum


def _policy_of(occupation: np.ndarray | None, shape: tuple[int, int]) -> Float[np.ndarray, "n A"]:
    if occupation is None:
        return np.full(shape, np.nan)
    mass = np.maximum(occupation, 0.0)
    total = np.sum(mass, axis=1, keepdims=True)
    return np.where(total > 0.0, mass / np.where(total > 0.0, total, 1.0), 1.0 / shape[1])


def bracket(problem: FollowerProblem, policy: Float[np.ndarray, "n A"], value: Float[np.ndarray, " n"]) -> Bracket:
    r"""Bounds of the optimum from any policy and any guess of V*, true whatever produced them.

    $W = V + \|(T V - V)_+\|_\infty / (1 - \gamma)$ satisfies $W \ge T W$, hence $W \ge V^*$; and in the same way
    $U - \|(U - T_\pi U)_+\|_\infty / (1 - \gamma) \le V^\pi \le V^*$ for the computed value U of the policy.

    Args:
        problem: the follower's problem.
        policy: pi(a|s).
        value: V.

    Returns:
        The bracket, NaN where policy or value hold NaN.
    """
    horizon = 1.0 / (1.0 - problem.discount)
    updated = problem.temperature * scipy.special.logsumexp(
        _action_values(problem, value) / problem.temperature, axis=1
    )
    above = value + horizon * np.max(np.maximum(updated - value, 0.0))
    running = np.sum(policy * problem.reward + problem.temperature * scipy.special.entr(policy), axis=1)
    moves = np.einsum("sa,sat->st", policy, problem.transition)
    own = np.linalg.solve(np.eye(len(running)) - problem.discount * moves, running)
    excess = own - (running + problem.discount * moves @ own)
    below = own - horizon * np.max(np.maximum(excess, 0.0))
    scale = max(problem.temperature, float(np.max(np.abs(value))))
    return Bracket(float(problem.initial @ below), float(problem.initial @ above), scale)


def _action_values(problem: FollowerProblem, value: np.ndarray) -> np.ndarray:
    result: np.ndarray = problem.reward + problem.discount * problem.transition @ value
    return result


def recompute_program(game: AbstractGame, witness: Entries) -> float:
    """Width of the bracket again, from the stored policy and value alone: no solver is asked."""
    game = checked(game)
    shapes = {"leader_logits": leader_logits_shape(game), "mean_field": mean_field_shape(game)}
    shapes |= {"policy": (game.num_states, game.num_follower_actions), "value": (game.num_states,)}
    require_shapes(witness, shapes)
    problem = follower_problem(game, witness["leader_logits"], witness["mean_field"])
    bounds = bracket(problem, witness["policy"], witness["value"])
    return bounds.upper - bounds.lower


def program_finding(game: AbstractGame) -> Finding:
    """Certify the soft best response to the uniform leader at its equilibrium, by a solver that is not ours.

    Args:
        game: the game, traced.

    Returns:
        The finding; CERTIFIED only where the bracket is tight and both optima agree.
    """
    logits = np.zeros(leader_logits_shape(game))
    found = evaluate_leaders(game, logits[None]).at(0)
    if not found.converged:
        return _finding(verdict=Verdict.INCONCLUSIVE, constant=math.nan, facts={"case": "no-equilibrium"})
    problem = follower_problem(game, logits, np.asarray(found.mean_field))
    value = np.asarray(found.follower_value)
    result, policy, optimum = solve_program(problem)
    exact = float(problem.initial @ value)
    details: dict[str, object] = {
        "status": result.status,
        "second_status": result.second_status,
        "solver_optimum": optimum,
        "second_optimum": (problem.temperature * result.second_value + float(np.mean(problem.reward)))
        / (1.0 - problem.discount),
        "exact_optimum": exact,
        "agreement": abs(optimum - exact),
    }
    if not result.solved or not np.all(np.isfinite(policy)):
        facts = {"case": "no-answer", "solved": bool(result.solved), "status": result.status}
        return _finding(verdict=Verdict.INCONCLUSIVE, constant=math.nan, facts=facts, details=details)
    witness = {"leader_logits": logits, "mean_field": np.asarray(found.mean_field), "policy": policy, "value": value}
    bounds = bracket(problem, policy, value)
    details |= {"lower": bounds.lower, "upper": bounds.upper, "tolerance": TOLERANCE * bounds.scale}
    return _judged(bounds, witness, details)


def _judged(bounds: Bracket, witness: Entries, details: Entries) -> Finding:
    width = bounds.upper - bounds.lower
    tight = width <= TOLERANCE * bounds.scale and details["agreement"] <= TOLERANCE * bounds.scale
    verdict = Verdict.CERTIFIED if tight else Verdict.INCONCLUSIVE
    facts = {"case": "bracketed", "agreement": float(details["agreement"])}
    return _finding(verdict=verdict, constant=width, facts=facts, witness=witness, details=details)
