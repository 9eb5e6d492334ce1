r"""m-step mixing under every policy and every mean field, by dynamic programming on a table known up to intervals."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.records.entries import Algebraic


class Mixing(NamedTuple):
    r"""The best certified mixing found.

    Attributes:
        steps: m.
        coefficient: upper bound of the Dobrushin coefficient of any m steps, 1 where none was found.
        factor: $m / (1 - \delta_m)$; infinite where no coefficient is below one.
        mass: lower bounds of the probability to be at each state after m steps, whatever the first, (n,).
        stationary_mass: the same, best over all numbers of steps looked at: bounds every stationary law, (n,).
        mass_steps: the number of steps it is best at, (n,).
        coefficients: $\delta_1, \delta_2, \dots$ as far as looked at.
    """

    steps: int
    coefficient: float
    factor: float
    mass: Float[np.ndarray, " n"]
    stationary_mass: Float[np.ndarray, " n"]
    mass_steps: Int[np.ndarray, " n"]
    coefficients: Float[np.ndarray, " T"]


# Below one by less than this a coefficient, or a modulus, may be rounding: more than what rows that are proved to be
# probabilities may miss them by, see `certified_rows`.
CLEARLY_BELOW_ONE = 1e-8
# Roundings of the sums over a row, in spacings of a float for each entry.
_SPACINGS = 8.0 * 2.0**-52
_NO_GAIN = 1e-9


def best_mixing(
    lower: Float[np.ndarray, "n A B n"],
    upper: Float[np.ndarray, "n A B n"],
    *,
    one_step: float,
    max_steps: int,
    max_work: float = np.inf,
    slack: float = 0.0,
) -> Mixing:
    r"""The number of steps m with the smallest certified $m / (1 - \delta_m)$.

    With $v_0 = 1\{s = t\}$ and $v_{j+1}(s) = \min_{a,b} \min_p \sum_{s'} p(s') v_j(s')$ over the distributions p within
    the intervals of row (s, a, b), the probability to be at t after m steps is at least $v_m^t(s)$ from every state s,
    whatever the policies and mean fields of each step: hence for policies that change in time too. Two laws with
    these minorants overlap, $\delta_m \le 1 - \min_{s, s'} \sum_t \min(v_m^t(s), v_m^t(s'))$, which is at least as
    sharp as Doeblin's $1 - \sum_t \min_s v_m^t(s)$.

    Args:
        lower, upper: entrywise bounds of P(s' | s, a, b, m) over all mean fields.
        one_step: an upper bound of the one-step coefficient, found otherwise.
        max_steps: largest m looked at.
        max_work: number of table entries visited after which to stop.
        slack: what the sum of a row may be off by from one.

    Returns:
        The best mixing, m = 1 included.

    Source: Doeblin minorisation and Dobrushin's ergodicity coefficient (textbook), here for interval Markov chains.
    """
    num_states = lower.shape[0]
    value, coefficients, masses = np.eye(num_states), [one_step], [np.zeros(num_states)]
    for step in range(1, max_steps + 1):
        if step * lower.size * num_states > max_work:
            break
        value = lower_expectation(lower, upper, value, slack)
        coefficients.append(min(overlap_coefficient(value), one_step))
        masses.append(np.min(value, axis=0))
        if _finished(coefficients, masses):
            break
    # The one-step bound stands first, for m = 1; whatever number of steps, the coefficient is at most that.
    coefficients[:2] = [min(coefficients[:2])]
    masses = masses[1:] or masses
    factors = [_factor(step, delta) for step, delta in enumerate(coefficients, start=1)]
    best = int(np.argmin(factors))
    return Mixing(
        steps=best + 1,
        coefficient=coefficients[best],
        factor=factors[best],
        mass=masses[best],
        stationary_mass=np.max(masses, axis=0),
        mass_steps=1 + np.argmax(masses, axis=0),
        coefficients=np.array(coefficients),
    )


def lower_expectation(
    lower: Float[np.ndarray, "n A B n"],
    upper: Float[np.ndarray, "n A B n"],
    value: Float[np.ndarray, "n T"],
    slack: float = 0.0,
) -> Float[np.ndarray, "n T"]:
    r"""$\min_{a,b} \min_p \sum_{s'} p(s') v(s')$ over the distributions p within the intervals of row (s, a, b).

    The inner minimum gives each entry its least probability and what is left to the entries of smallest value first.
    Rounded down: what is left is taken smaller, so that no mass is there by rounding.

    Args:
        lower, upper: intervals of the rows' entries.
        value: one column a target, >= 0.
        slack: what the sum of a row may be off by from one.

    Returns:
        One column a target.
    """
    rounding = _SPACINGS * len(value)
    missing = np.maximum(1.0 - np.sum(lower, axis=-1) - slack - rounding, 0.0)[..., None]
    least = np.empty_like(value)
    for target, column in enumerate(value.T):
        order = np.argsort(column, kind="stable")
        room = (upper - lower)[..., order]
        before = np.cumsum(room, axis=-1) - room
        filled = np.clip(missing - before, 0.0, room)
        least[:, target] = np.min(lower @ column + filled @ column[order], axis=(1, 2))
    return least * (1.0 - rounding)


def minorised_coefficient(
    lower: Float[np.ndarray, "n A B n"], upper: Float[np.ndarray, "n A B n"], *, steps: int
) -> float:
    """The bound of `best_mixing` for one number of steps, the one-step bound left aside."""
    return overlap_coefficient(_minorants(lower, upper, steps))


def minorised_mass(
    lower: Float[np.ndarray, "n A B n"], upper: Float[np.ndarray, "n A B n"], *, steps: int
) -> Float[np.ndarray, " n"]:
    """Lower bounds of the probability to be at each state after some steps, whatever the first, (n,)."""
    result: Float[np.ndarray, " n"] = np.min(_minorants(lower, upper, steps), axis=0)
    return result


def _minorants(lower: np.ndarray, upper: np.ndarray, steps: int) -> np.ndarray:
    value = np.eye(lower.shape[0])
    for _ in range(steps):
        value = lower_expectation(lower, upper, value)
    return value


def overlap_coefficient(minorants: Float[np.ndarray, "n T"]) -> float:
    r"""Upper bound of the total variation between laws that lie above minorants, the largest over pairs of rows.

    $1 - \min_{s, s'} \sum_t \min(v^t(s), v^t(s'))$, at most 1.
    """
    num_states = len(minorants)
    overlaps = [np.min(np.sum(np.minimum(minorants[i], minorants[i + 1 :]), axis=-1)) for i in range(num_states - 1)]
    return float(np.clip(1.0 - min(overlaps, default=1.0), 0.0, 1.0))


def _finished(coefficients: list[float], masses: list[np.ndarray]) -> bool:
    """Whether more steps help neither the factor, which is at least m, nor the stationary mass."""
    step = len(coefficients) - 1
    smallest = min(_factor(max(k, 1), delta) for k, delta in enumerate(coefficients))
    gain = np.max(masses[-1] - masses[-2])
    return bool(step + 1 >= smallest and gain <= _NO_GAIN)


def _factor(steps: int, coefficient: float) -> float:
    return mixing_formula(steps, coefficient) if coefficient < 1.0 - CLEARLY_BELOW_ONE else np.inf


def mixing_formula(steps: Algebraic, coefficient: Algebraic) -> Algebraic:
    r"""$m / (1 - \delta_m)$ and nothing else: plain arithmetic, for symbols too."""
    return steps / (1.0 - coefficient)
