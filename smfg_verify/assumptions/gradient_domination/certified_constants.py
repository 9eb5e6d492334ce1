r"""Lower bounds of Mei et al.'s constant that hold for all leaders and mean fields: the formulas, and at a game.

$C = \frac{2\tau}{n} \min\rho\, p^2$ where no probability of a policy is smaller than p and both occupancies are equal.
The formulas are plain arithmetic but for the functions they are given, so that they take symbols too.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.special

from smfg_verify.assumptions.search import LOGIT_BOX
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Algebraic, Entries


class DominationInputs(NamedTuple):
    """What the constants are made of; spans and variations are upper bounds over all leaders and mean fields.

    Attributes:
        reward_span: of the follower's reward.
        action_reward_span: of the same over the follower's actions at one state and leader's action.
        one_step: largest total variation between the next-state laws of two states.
        action_spread: that of two actions of the follower at one state.
        coverage: the least initial probability, min rho.
        num_states: n.
        num_actions: A.
        discount: gamma.
        temperature: tau.
    """

    reward_span: float
    action_reward_span: float
    one_step: float
    action_spread: float
    coverage: float
    num_states: int
    num_actions: int
    discount: float
    temperature: float


class Functions(NamedTuple):
    """Logarithm and logistic function of the numbers in use."""

    log: Callable[[Algebraic], Algebraic]
    expit: Callable[[Algebraic], Algebraic]


class NearOptimum(NamedTuple):
    """What holds of every policy near the optimum.

    Attributes:
        gap: policies within this of the optimum.
        probability: have no smaller one,
        constant: and at least this for C.
    """

    gap: float
    probability: float
    constant: float


# What the few operations of these formulas round by, generously.
_DOWN = 1.0 - 1e-10
FLOATS = Functions(math.log, lambda x: float(scipy.special.expit(x)))


def inputs_of(game: AbstractGame, bounds: Entries) -> DominationInputs:
    """The inputs from a game and `bounds`, the first four of them by name."""
    return DominationInputs(
        **{name: float(bounds[name]) for name in DominationInputs._fields[:4]},
        coverage=float(np.min(np.asarray(game.initial_distribution))),
        num_states=game.num_states,
        num_actions=game.num_follower_actions,
        discount=float(game.discount),
        temperature=float(game.temperature),
    )


def action_value_span(inputs: DominationInputs, log: Callable[[Algebraic], Algebraic] = math.log) -> Algebraic:
    r"""$span_a Q \le span_a r + \gamma \delta_A \frac{span\,r + \tau \log A}{1 - \gamma \kappa}$ at the optimum."""
    value_span = (inputs.reward_span + inputs.temperature * log(inputs.num_actions)) / (
        1.0 - inputs.discount * inputs.one_step
    )
    # Zero times an infinite span is zero: actions that move alike see the same future.
    future = value_span * inputs.action_spread if inputs.action_spread > 0.0 else 0.0
    return inputs.action_reward_span + inputs.discount * future


def optimal_probability(inputs: DominationInputs, functions: Functions = FLOATS) -> Algebraic:
    r"""$\pi^* \ge 1 / (1 + (A - 1) e^{span_a Q / \tau})$."""
    exponent = action_value_span(inputs, functions.log) / inputs.temperature
    return functions.expit(-exponent - functions.log(inputs.num_actions - 1))


def probability_in_box(inputs: DominationInputs, box: Algebraic, functions: Functions = FLOATS) -> Algebraic:
    r"""$\pi \ge 1 / (1 + (A - 1) e^{2 L})$ for logits within L of zero."""
    return functions.expit(-2.0 * box - functions.log(inputs.num_actions - 1))


def mei_formula(inputs: DominationInputs, probability: Algebraic) -> Algebraic:
    """Mei et al.'s constant where both occupancies are equal and no probability is smaller."""
    return 2.0 * inputs.temperature / inputs.num_states * inputs.coverage * probability**2


def box_formula(inputs: DominationInputs, probability: Algebraic) -> Algebraic:
    r"""The same where they are not: $d^*(s) / d(s) \le 1 / ((1 - \gamma) \min\rho)$."""
    return mei_formula(inputs, probability) * (1.0 - inputs.discount) * inputs.coverage


def smallest_optimal_probability(game: AbstractGame, bounds: Entries) -> float:
    r"""Lower bound of every entry of $\pi^*$, over all leaders and mean fields.

    $span V \le (span\,r + \tau \log A) / (1 - \gamma \kappa)$ with $\kappa$ the largest total variation between the
    next-state laws of two states; at one state $span_a Q \le span_a r + \gamma \delta_A span V$ with $\delta_A$ that of
    two actions of the follower; and $\pi^* \ge 1 / (1 + (A - 1) e^{span_a Q / \tau})$.

    Args:
        game: gives discount, temperature and number of actions.
        bounds: `reward_span`, `action_reward_span` (two actions of the follower at one state and leader's action),
            `one_step` and `action_spread`, upper bounds over all leaders and mean fields.

    Returns:
        The bound; zero where it is too small for a float, or a span is infinite.
    """
    return float(optimal_probability(inputs_of(game, bounds)))


def measured_constant(game: AbstractGame, probability: float) -> float:
    """The constant of a game where no probability is smaller than one that was measured."""
    return float(mei_formula(_without_bounds(game), probability))


def constant_at_optimum(game: AbstractGame, bounds: Entries) -> float:
    r"""Lower bound of $C = \frac{2\tau}{n} \min\rho \min\pi^{*2}$ over all leaders and mean fields; there $d^* = d$."""
    inputs = inputs_of(game, bounds)
    return float(mei_formula(inputs, optimal_probability(inputs)))


def constant_in_box(game: AbstractGame) -> float:
    r"""Lower bound of $C(\theta)$ over all leaders, mean fields and follower's logits within `LOGIT_BOX` of zero."""
    inputs = _without_bounds(game)
    return float(box_formula(inputs, probability_in_box(inputs, LOGIT_BOX)))


def near_optimum(game: AbstractGame, floor: float) -> NearOptimum:
    r"""Gradient domination of all policies within a gap of the optimum, by the floor p of the optimal policy.

    $J_f^* - J_f = \frac{\tau}{1-\gamma} \sum_s d^\pi(s) KL(\pi \| \pi^*)$ with $d^\pi \ge (1 - \gamma) \rho$, and the
    divergence of two laws is no less than that of one of their probabilities, kl, which falls as the first rises to the
    second: where the gap is at most $\tau \min\rho\, kl(p/2, p)$ no probability of $\pi$ is below p/2.

    Args:
        game: gives discount, temperature, sizes and initial distribution.
        floor: p, of the optimal policy at one leader and mean field, or at all that this is to hold for.

    Returns:
        Gap, floor and constant; zeros where the floor is too small for a float.
    """
    inputs, floor = _without_bounds(game), _DOWN * floor
    half = 0.5 * floor
    apart = (1.0 - half) * (math.log1p(-half) - math.log1p(-floor)) - half * math.log(2.0)
    gap = _DOWN * inputs.temperature * inputs.coverage * apart
    return NearOptimum(gap, half, _DOWN * float(box_formula(inputs, half)))


def constant_near_optimum(game: AbstractGame, bounds: Entries) -> float:
    """The constant of `near_optimum` for all leaders and mean fields, from bounds of spans."""
    return near_optimum(game, smallest_optimal_probability(game, bounds)).constant


def constant_of_policies(game: AbstractGame, probability: float) -> float:
    r"""Lower bound of $C(\theta)$ over all leaders, mean fields and policies with no smaller probability."""
    return _DOWN * float(box_formula(_without_bounds(game), _DOWN * probability))


def _without_bounds(game: AbstractGame) -> DominationInputs:
    return inputs_of(game, dict.fromkeys(DominationInputs._fields[:4], math.nan))
