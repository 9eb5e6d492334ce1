"""The theorem unrolled: bounds of the expected residuals after each iteration of a run."""

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from smfg_verify.bounds.theorem.coefficients import Coefficients, TheoremInputs
from smfg_verify.errors import InputError
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.schedules import Schedule

LINES = ("e_Vf", "e_Vl", "e_theta", "e_mu")
LEADER = "e_omega"
# What one turn of the recursion may round by, with room.
_UP = 1.0 + 2.0**-49


class Drive(NamedTuple):
    """One line of the theorem, $y_{k+1} \\le (1 - rate_k)_+ y_k + parts$, the parts beside it.

    Attributes:
        rate: by which the residual contracts, (K,).
        parts: "noise" of its own samples, "moves" of slower players, and the residual that feeds it, (K,) each.
    """

    rate: Float[np.ndarray, " K"]
    parts: dict[str, Float[np.ndarray, " K"]]

    @property
    def total(self) -> Float[np.ndarray, " K"]:
        """All parts together."""
        result: Float[np.ndarray, " K"] = np.sum(list(self.parts.values()), axis=0)
        return result


@kept
class TheoremCurve(NamedTuple):
    """Bounds of expected residuals.

    Attributes:
        iterations: completed iterations k, (C,).
        tracking: name of a residual -> bound of its expectation after k iterations, (C,); at most the trivial bound.
        trivial: name -> the trivial bound, that of e_omega among them; infinite where none is known.
        leader: bound of the weighted mean, hence of the smallest, of E e_omega over iterations before k, (C,); at most
            the trivial bound; infinite at 0, before which there are none, and where the leader's line has no constants.
        shares: name -> what the bound's last step adds -> its share of it.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.assumptions import search_settings
        >>> from smfg_verify.bounds import certified_inputs, coefficients_of, theorem_curve
        >>> inputs = certified_inputs(games.load("independent-leader", temperature=2), search_settings("quick")).inputs
        >>> curve = theorem_curve(inputs, coefficients_of(inputs, 0.1), Schedule(), [0, 100])
        >>> curve.tracking["e_mu"][0] == curve.trivial["e_mu"], sorted(curve.shares["e_mu"])
        (np.True_, ['e_theta', 'moves', 'noise'])
    """

    iterations: Int[np.ndarray, " C"]
    tracking: dict[str, Float[np.ndarray, " C"]]
    trivial: dict[str, float]
    leader: Float[np.ndarray, " C"]
    shares: dict[str, dict[str, float]]


def theorem_curve(
    inputs: TheoremInputs,
    coefficients: Coefficients,
    schedule: Schedule,
    iterations: Int[np.ndarray, " C"] | list[int],
    start: Mapping[str, float] | None = None,
) -> TheoremCurve:
    """Unroll the theorem's lines, one after another, from the errors at the start.

    Args:
        inputs: certified constants.
        coefficients: of them and of the run's floor.
        schedule: step sizes, each constant > 0.
        iterations: k at which the bounds are wanted, increasing.
        start: expected residuals before the first iteration by name, of those that are known; the trivial bounds of
            the others.

    Returns:
        The bounds.

    Raises:
        ValueError: a step constant of zero.

    Source: docs/theorem.md.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.assumptions import search_settings
        >>> from smfg_verify.bounds import certified_inputs, coefficients_of, theorem_curve
        >>> inputs = certified_inputs(games.load("independent-leader", temperature=2), search_settings("quick")).inputs
        >>> schedule = Schedule(leader=1e-4, mean_field=0.1)
        >>> curve = theorem_curve(inputs, coefficients_of(inputs, 0.1), schedule, [0, 100, 10_000])
        >>> [round(float(bound), 3) for bound in curve.tracking["e_mu"]]
        [2.0, 0.345, 0.011]
    """
    at = np.asarray(iterations)
    steps = steps_before(schedule, int(at[-1]))
    trivial = dict(zip((*LINES, LEADER), coefficients.largest, strict=True))
    paths: dict[str, np.ndarray] = {}
    drives: dict[str, Drive] = {}
    for name in LINES:
        drives[name] = drive(name, coefficients, inputs.num_states, steps, paths)
        first = min(trivial[name], (start or {}).get(name, math.inf))
        paths[name] = unrolled(drives[name], first, trivial[name])
    leader = _leader(inputs, coefficients, steps[0], paths)
    return TheoremCurve(
        iterations=at,
        tracking={name: path[at] for name, path in paths.items()},
        trivial=trivial,
        leader=leader[at],
        shares={name: _shares(line) for name, line in drives.items()},
    )


def steps_before(schedule: Schedule, count: int) -> tuple[Float[np.ndarray, " K"], ...]:
    """Step sizes zeta, xi, alpha, beta of the first iterations, at least of one.

    Raises:
        ValueError: a step constant of zero, for which the theorem has no line.
    """
    zero = [name for name, constant in schedule.constants().items() if not constant > 0.0]
    if zero:
        raise InputError(f"schedule: got 0 for {', '.join(zero)}, expected constants > 0: all four learn.")
    return tuple(np.asarray(step, float) for step in schedule.at(jnp.arange(max(count, 1))))


def drive(
    name: str,
    found: Coefficients,
    num_states: int,
    steps: tuple[Float[np.ndarray, " K"], ...],
    paths: Mapping[str, Float[np.ndarray, " K1"]],
) -> Drive:
    """What each iteration does to one residual, given the bounds of those before it in the cascade.

    Args:
        name: of the residual, out of `LINES`.
        found: the theorem's coefficients.
        num_states: n.
        steps: zeta_k, xi_k, alpha_k, beta_k, (K,) each.
        paths: bounds of the residuals that feed this one.

    Returns:
        The line.
    """
    leader, field, follower, critic = steps
    leader_move, follower_move = leader * found.leader_error, follower * found.follower_error
    if name in ("e_Vf", "e_Vl"):
        error = found.follower_error if name == "e_Vf" else found.leader_error
        moves = found.follower_moves if name == "e_Vf" else found.leader_moves
        rate = critic * found.critic_rate
        moved = moves[0] * follower_move + moves[1] * leader_move + 2.0 * moves[2] * field
        parts = {"noise": (1.0 + rate) * (critic * error) ** 2, "moves": (1.0 + 1.0 / rate) * num_states * moved**2}
        return Drive(rate, parts)
    if name == "e_theta":
        rate = follower * found.follower_rate
        first, slope = found.follower_noise
        moved = found.gap_moves[0] * leader_move + 2.0 * found.gap_moves[1] * field
        parts = {
            "e_Vf": (1.0 + rate) * found.critic_to_follower * follower * paths["e_Vf"][:-1],
            "noise": (1.0 + rate) * follower**2 * (first + slope * follower),
            "moves": _over(rate) * moved**2,
        }
        return Drive(rate, parts)
    rate = field * found.field_rate
    parts = {
        "e_theta": (1.0 + 0.5 * rate)
        * 2.0
        * field
        / found.field_rate
        * found.follower_to_field
        * paths["e_theta"][:-1],
        "noise": (1.0 + 0.5 * rate) * 2.0 * field**2,
        "moves": _over(0.5 * rate) * (found.equilibrium_move * leader_move) ** 2,
    }
    return Drive(rate, parts)


def _over(rate: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    """1 + 1 / rate, infinite where the rate is too small for a float."""
    with np.errstate(divide="ignore", over="ignore"):
        result: Float[np.ndarray, " K"] = 1.0 + 1.0 / rate
    return result


def unrolled(line: Drive, first: float, largest: float) -> Float[np.ndarray, " K1"]:
    """Bounds after 0, 1, ..., K iterations, none above the trivial one."""
    kept, added = np.maximum(1.0 - line.rate, 0.0), line.total

    def step(bound: float, now: tuple[float, float]) -> float:
        following = (now[0] * bound + now[1]) * _UP
        return following if following < largest else largest  # what is no number is replaced, too

    pairs = zip(kept.tolist(), added.tolist(), strict=True)
    return np.fromiter(itertools.accumulate(pairs, step, initial=first), float, count=len(kept) + 1)


def _leader(
    inputs: TheoremInputs, found: Coefficients, steps: Float[np.ndarray, " K"], paths: Mapping[str, np.ndarray]
) -> Float[np.ndarray, " K1"]:
    """The last line of the theorem for every K; infinite at 0."""
    if not math.isfinite(found.smoothness):
        return np.full(len(steps) + 1, np.inf)
    # Alignment is certified by independence alone: c_a = 1, e_a = 0, and then the critic is the only error.
    terms = inputs.discount * paths["e_Vl"][:-1]
    coupled = found.follower_to_leader**2 * paths["e_theta"][:-1] + found.field_to_leader**2 * paths["e_mu"][:-1]
    count = 1.0 if inputs.own_world else 3.0
    fed = np.cumsum(steps * count * (terms + coupled)) / (2.0 * inputs.patience)
    noise = found.smoothness * found.leader_error**2 * np.cumsum(steps**2)
    total = inputs.leader_span / inputs.patience + fed + noise
    bounds = (1.0 + 1e-9) * 2.0 * total / (inputs.patience * np.cumsum(steps))
    return np.append(np.inf, np.fmin(bounds, found.largest[-1]))


def _shares(line: Drive) -> dict[str, float]:
    """Shares of what the last step adds; without numbers where it is infinite."""
    last = {name: float(part[-1]) for name, part in line.parts.items()}
    total = sum(last.values())
    return {name: value / total if total > 0.0 and math.isfinite(total) else math.nan for name, value in last.items()}
