r"""Proved bounds of the l1 modulus of $\Gamma_\phi$, from constants that do not depend on the temperature."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from smfg_verify.assumptions.constants.game_constants import ENVELOPES, GameConstants
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.records.entries import Algebraic, Entries

# A probability below this may be a rounding error.
_POSSIBLE = 1e-9
# Roundings this small stand for numbers put to zero.
_NOTHING = 1e-200
# What the roundings of a game's functions may move the fixed points of Gamma by, in mass, where a bound is to count as
# proved: as near as two equilibria have to be to be one.
ALLOWED_MOVE = 1e-8
Logarithm = Callable[[Algebraic], Algebraic]


class BoundInputs(NamedTuple):
    """What the bounds are made of, each an upper bound over all policies and mean fields.

    Attributes:
        transition_lipschitz: L_P, rows and mean fields in l1.
        follower_lipschitz: L_f, reward.
        reward_span: of the follower's reward over states, actions and mean fields.
        one_step: largest total variation d1 between two rows of the kernel at one mean field.
        action_spread: largest total variation delta_A between two follower actions at one state.
        mixing_factor: m / (1 - delta_m).
        single_class: whether the stationary law is unique under any softmax policies, proved; certain where the mixing
            factor is finite.
        num_actions: A.
        discount: gamma.
        on_pairs: whether the mean field is a law of (state, action).
        transition_rounding: what the machine's rows may be off by in l1 from the function that has L_P.
        follower_rounding: the same of the reward and L_f.
    """

    transition_lipschitz: float
    follower_lipschitz: float
    reward_span: float
    one_step: float
    action_spread: float
    mixing_factor: float
    single_class: float
    num_actions: int
    discount: float
    on_pairs: bool
    transition_rounding: float = 0.0
    follower_rounding: float = 0.0

    @property
    def constant_map(self) -> bool:
        """Whether Gamma is constant: nothing the followers face depends on the mean field, and their law is unique."""
        return bool(self.transition_lipschitz == 0.0 and self.follower_lipschitz == 0.0 and self.single_class)


# The constants of a game that the inputs are made of.
USED = ("transition_lipschitz", "follower_lipschitz", "one_step", "action_spread", *ENVELOPES.values())
# Those of the inputs that a witness holds; the others are the game's.
_STORED = (*BoundInputs._fields[:7], "transition_rounding", "follower_rounding")


def inputs_of(game: AbstractGame, constants: GameConstants) -> BoundInputs:
    """The inputs of the bounds, from the game's proved constants."""
    return BoundInputs(
        transition_lipschitz=float(constants.transition_lipschitz),
        follower_lipschitz=float(constants.follower_lipschitz),
        reward_span=float(constants.follower_reward_high) - float(constants.follower_reward_low),
        one_step=float(constants.one_step),
        action_spread=float(constants.action_spread),
        mixing_factor=float(constants.mixing_factor),
        single_class=float(np.isfinite(constants.mixing_factor) or _has_single_class(game, constants)),
        num_actions=game.num_follower_actions,
        discount=float(game.discount),
        on_pairs=game.mean_field_support == "state_actions",
        transition_rounding=float(constants.bounds["transition_lipschitz"].rounding),
        follower_rounding=float(constants.bounds["follower_lipschitz"].rounding),
    )


def _has_single_class(game: AbstractGame, constants: GameConstants) -> bool:
    """Whether some state is reached from all others under any softmax policies, where the kernel is proved fixed.

    Softmax policies take every action, so a step is possible where one pair of actions allows it.
    """
    if constants.transition_lipschitz != 0.0 or "rows" in constants.unproved:
        return False
    shape = mean_field_shape(game)
    table = np.asarray(tabulate(game, jnp.full(shape, 1.0 / np.prod(shape), dtype=float)).transition)
    steps = np.max(table, axis=(1, 2)) > _POSSIBLE
    reached = steps | np.eye(len(steps), dtype=bool)
    for _ in range(len(steps)):
        reached = reached @ reached
    return bool(np.any(np.all(reached, axis=0)))


def inputs_from(game: AbstractGame, witness: Entries) -> BoundInputs:
    """The inputs of the bounds from a witness; sizes and discount are the game's."""
    stored = {name: float(witness[name]) for name in _STORED}
    on_pairs = game.mean_field_support == "state_actions"
    return BoundInputs(
        **stored, num_actions=game.num_follower_actions, discount=float(game.discount), on_pairs=on_pairs
    )


def witness_of(inputs: BoundInputs) -> dict[str, np.ndarray]:
    """What `inputs_from` reads."""
    return {name: np.asarray(getattr(inputs, name)) for name in _STORED}


def theory_bound(inputs: BoundInputs, temperature: float) -> float:
    r"""$\frac{m}{1-\delta_m}\big(L_P + \delta_A \frac{L_Q}{\tau}\big)$, $L_Q = \frac{L_f + \gamma L_P S/2}{1-\gamma}$.

    S bounds the span of the soft optimal value by $(\mathrm{span}\,r_f + \tau \log A) / (1-\gamma)$. A law of (state,
    action) moves by that of the states and by the policy's, so on pairs the policy's constant is added.

    Args:
        inputs: what the bound is made of.
        temperature: tau, in units of reward.

    Returns:
        An upper bound of the l1 Lipschitz constant of Gamma for every softmax leader; 0 for a constant map; infinite
        where the roundings of the game's functions may move Gamma, see `rounding_step`.

    Source: perturbation bound of stationary laws, sup-norm Lipschitz bound of soft optimal action values.
    """
    return _unless_rough(sup_norm_formula, inputs, temperature)


def sup_norm_formula(inputs: BoundInputs, temperature: Algebraic, log: Logarithm = math.log) -> Algebraic:
    """The formula of `theory_bound` and nothing else: plain arithmetic, for symbols too, with their logarithm.

    Args:
        inputs: what the bound is made of.
        temperature: tau, in units of reward.
        log: the natural logarithm.

    Returns:
        Its value.
    """
    span = _reward_and_entropy(inputs, temperature, log) / (1.0 - inputs.discount)
    action_value = _one_step_change(inputs, span) / (1.0 - inputs.discount)
    return _assembled(inputs, action_value / temperature)


def span_bound(inputs: BoundInputs, temperature: float) -> float:
    r"""The same with spans in the place of sup norms, which one-step mixing d1 discounts.

    $S = (\mathrm{span}\,r_f + \tau \log A) / (1 - \gamma d_1)$, $E = L_f + \gamma L_P S / 2$, and
    $\|\pi - \pi'\|_1 \le \frac{E}{\tau} \big(1 + \frac{\gamma \delta_A}{1 - \gamma d_1}\big) \|m - m'\|_1$: the
    derivative of a softmax is a mean absolute deviation, at most half the span over actions of dQ / tau; that span is
    at most $2E + \gamma \delta_A\,\mathrm{span}(dV)$, and $\mathrm{span}(dV) \le 2E / (1 - \gamma d_1)$.

    Args:
        inputs: what the bound is made of.
        temperature: tau, in units of reward.

    Returns:
        As `theory_bound`.

    Source: ours, from the contraction of spans by the kernel (Seneta; Puterman, section 6.6).
    """
    return _unless_rough(span_formula, inputs, temperature)


def span_formula(inputs: BoundInputs, temperature: Algebraic, log: Logarithm = math.log) -> Algebraic:
    """The formula of `span_bound` and nothing else, as `sup_norm_formula`.

    Args:
        inputs: what the bound is made of.
        temperature: tau, in units of reward.
        log: the natural logarithm.

    Returns:
        Its value.
    """
    mixed = 1.0 - inputs.discount * inputs.one_step
    change = _one_step_change(inputs, _reward_and_entropy(inputs, temperature, log) / mixed)
    policy = change / temperature * (1.0 + inputs.discount * inputs.action_spread / mixed)
    return _assembled(inputs, policy)


BOUNDS: dict[str, Callable[[BoundInputs, float], float]] = {"sup-norm": theory_bound, "span": span_bound}
FORMULAS = {"sup-norm": sup_norm_formula, "span": span_formula}


def smaller_bound(inputs: BoundInputs, temperature: float) -> float:
    """The smaller of both bounds; infinite where a constant it needs is not proved."""
    return min(bound(inputs, temperature) for bound in BOUNDS.values())


def rounding_step(inputs: BoundInputs, temperature: float) -> float:
    r"""How far the roundings of rows and rewards may move $\Gamma_\phi(m)$, in l1; both bounds hold.

    The machine's functions are within e of those that have the Lipschitz constants, so between two mean fields they
    change by 2e more; both bounds are linear in what rows and rewards change by. A cold temperature, or a chain that
    hardly mixes, makes of a last place a step of any size, and a map that jumps contracts nowhere.

    Args:
        inputs: what the bounds are made of.
        temperature: tau, in units of reward.

    Returns:
        The l1 distance; 0 where the functions are exact.
    """
    return min(_step_of(bound, inputs, temperature) for bound in FORMULAS.values())


def step_of_roundings(inputs: BoundInputs, temperature: float, mixing_factor: float) -> float:
    """The same step where the mixing factor is known from elsewhere."""
    return _step_of(sup_norm_formula, inputs._replace(mixing_factor=mixing_factor), temperature)


def _step_of(bound: Callable[[BoundInputs, float], float], inputs: BoundInputs, temperature: float) -> float:
    if max(inputs.transition_rounding, inputs.follower_rounding) < _NOTHING:
        return 0.0
    moved = 2.0 * inputs.transition_rounding, 2.0 * inputs.follower_rounding
    return bound(inputs._replace(transition_lipschitz=moved[0], follower_lipschitz=moved[1]), temperature)


def _unless_rough(bound: Callable[[BoundInputs, float], float], inputs: BoundInputs, temperature: float) -> float:
    """The bound, unless steps from roundings could move a fixed point of a contraction of that modulus visibly."""
    modulus = bound(inputs, temperature)
    allowed = ALLOWED_MOVE * (1.0 - modulus if modulus < 1.0 else 1.0)
    return modulus if rounding_step(inputs, temperature) <= allowed else float("inf")


def _reward_and_entropy(inputs: BoundInputs, temperature: Algebraic, log: Logarithm) -> Algebraic:
    return inputs.reward_span + temperature * log(inputs.num_actions)


def _one_step_change(inputs: BoundInputs, span: Algebraic) -> Algebraic:
    """E: how far r + gamma P V moves with the mean field while V, of that span, is held fixed."""
    moved = 0.0 if inputs.transition_lipschitz == 0.0 else inputs.transition_lipschitz * span
    return inputs.follower_lipschitz + 0.5 * inputs.discount * moved


def _assembled(inputs: BoundInputs, policy: Algebraic) -> Algebraic:
    """From the policy's Lipschitz constant to that of the stationary law."""
    if inputs.constant_map:
        return 0.0
    rows = inputs.transition_lipschitz + (inputs.action_spread * policy if inputs.action_spread > 0.0 else 0.0)
    if rows == 0.0 and inputs.single_class:
        law = 0.0  # rows that do not move leave a unique law where it is, however badly the chain mixes
    else:
        # Zero times an infinite factor is no number, nor is anything made of one; symbols equal themselves only.
        law = float("inf") if rows == 0.0 or rows != rows else inputs.mixing_factor * rows
    return law + (policy if inputs.on_pairs else 0.0)
