"""Contraction wants a large temperature, closeness to the game without entropy a small one: is there one for both?"""

import dataclasses
import enum
from typing import ClassVar

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions.report import AssumptionReport
from smfg_verify.errors import InputError
from smfg_verify.exact.equilibrium.entropy_bias import entropy_bias
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.readable import Readable
from smfg_verify.records.status import NamedStatus

PROPERTY, STATEMENT = "contraction", "smallest-temperature"
# Temperatures between the hottest that is close enough and the next one.
_BETWEEN = 8


class Conflict(NamedStatus, enum.Enum):
    """Whether a temperature does both.

    NONE: contraction is certified at a temperature that is close enough.
    OPEN: neither that nor the contrary was found.
    CONFLICT: what is close enough ends below the temperature from which on a search finds no expansion, and at every
    temperature at which both were looked at the map expands or an equilibrium is not close enough. A measurement, on a
    grid.
    """

    NONE = "none"
    OPEN = "open"
    CONFLICT = "conflict"


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TemperatureConflict(Readable):
    r"""Both thresholds, and what equilibria are worth without entropy between them.

    Attributes:
        conflict: a `Conflict`.
        allowed: what a follower may gain, without entropy, by leaving its equilibrium's policy, in units of its
            objective.
        certified_from: smallest temperature from which on contraction is proved; infinite where none is.
        found_from: smallest temperature from which on a search finds l1 moduli below 1 only; infinite where none is.
        close_up_to: largest temperature looked at such that the gain is allowed there and at all colder ones looked at;
            zero where none.
        temperature: those looked at, cold to hot, (T,).
        gain: largest over the leaders, (T,); NaN where an equilibrium was not found.
        modulus: largest l1 modulus found, (T,); NaN where it was not looked for.

    Examples:
        >>> from smfg_verify import check, games
        >>> from smfg_verify.assumptions import temperature_conflict
        >>> game = games.load("laffer-tax")
        >>> found = temperature_conflict(game, check(game, "contraction", budget="quick"), allowed=0.05)
        >>> found.conflict.label, found.close_up_to < found.found_from < found.certified_from
        ('conflict', True)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("conflict", "certified_from", "found_from", "close_up_to")

    conflict: Conflict
    allowed: float
    certified_from: float
    found_from: float
    close_up_to: float
    temperature: Float[np.ndarray, " T"]
    gain: Float[np.ndarray, " T"]
    modulus: Float[np.ndarray, " T"]


def temperature_conflict(
    game: AbstractGame,
    report: AssumptionReport,
    *,
    allowed: float,
    leader_logits: Float[ArrayLike, "N O B"] | None = None,
) -> TemperatureConflict:
    r"""Hold what contraction asks of the temperature against how far its equilibria are from those without entropy.

    The gain is $\max_{\pi'} J_f(\pi', \phi, \mu) - J_f(\pi_\tau, \phi, \mu)$ without entropy, $\mu$ the population of
    the equilibrium's policy $\pi_\tau$.

    Args:
        game: the game.
        report: of a check of contraction of this game, which has moduli over temperatures.
        allowed: the largest gain that counts as close, in units of the follower's objective.
        leader_logits: leaders whose equilibria are looked at; the uniform leader if None.

    Returns:
        The thresholds and what lies between.

    Raises:
        ValueError: a report of another game or without contraction, or a gain that is negative.

    Examples:
        >>> from smfg_verify import check, games
        >>> from smfg_verify.assumptions import temperature_conflict
        >>> game = games.load("laffer-tax")
        >>> report = check(game, "contraction", budget="quick")
        >>> [temperature_conflict(game, report, allowed=gain).conflict.label for gain in (0.2, 1.0)]
        ['open', 'none']
    """
    if not allowed >= 0.0:
        raise InputError(f"allowed: got {allowed!r}, expected a gain >= 0, in units of the follower's objective.")
    if PROPERTY not in report.properties:
        raise InputError("report: got one without contraction, expected `check(game, 'contraction')`.")
    game = checked(game)
    report.require_about(game)
    finding = report.finding(PROPERTY, STATEMENT)
    certified, sweep = float(finding.constant), finding.details["sweep"]
    looked = np.asarray(sweep["temperature"], dtype=float)
    logits = np.zeros((1, *leader_logits_shape(game))) if leader_logits is None else np.asarray(leader_logits, float)
    temperature = np.unique(np.append(looked, [certified] if np.isfinite(certified) else []))
    gain = _gains(game, logits, temperature)
    temperature, gain = _finer(game, logits, temperature, gain, allowed)
    modulus = np.full(len(temperature), np.nan)
    modulus[np.searchsorted(temperature, looked)] = np.asarray(sweep["modulus"], dtype=float)
    close = _close_up_to(temperature, gain, allowed)
    with np.errstate(invalid="ignore"):
        neither = bool(np.all(((modulus >= 1.0) | (gain > allowed))[np.isfinite(modulus)]))
    found = float(finding.details["smallest"]["modulus"])
    return TemperatureConflict(
        conflict=_told(certified <= close, neither and close < found),
        allowed=float(allowed),
        certified_from=certified,
        found_from=found,
        close_up_to=close,
        temperature=temperature,
        gain=gain,
        modulus=modulus,
    )


def _told(both: bool, neither: bool) -> Conflict:
    if both:
        return Conflict.NONE
    return Conflict.CONFLICT if neither else Conflict.OPEN


def _gains(game: AbstractGame, logits: np.ndarray, temperature: np.ndarray) -> Float[np.ndarray, " T"]:
    """Largest gains over the leaders, cold to hot."""
    worst: Float[np.ndarray, " T"] = np.max(entropy_bias(game, logits, temperature).gain[::-1], axis=1)
    return worst


def _close_up_to(temperature: np.ndarray, gain: np.ndarray, allowed: float) -> float:
    """The hottest of the cold end at which the gain is allowed; a gain that is not known is not."""
    close = np.logical_and.accumulate(gain <= allowed)
    return float(np.max(temperature[close], initial=0.0))


def _finer(
    game: AbstractGame, logits: np.ndarray, temperature: np.ndarray, gain: np.ndarray, allowed: float
) -> tuple[Float[np.ndarray, " T"], Float[np.ndarray, " T"]]:
    """The same with temperatures between the hottest that is close and the next one."""
    close = _close_up_to(temperature, gain, allowed)
    hotter = temperature[temperature > close]
    if close == 0.0 or not len(hotter):
        return temperature, gain
    between = np.geomspace(close, hotter[0], _BETWEEN + 2)[1:-1]
    # Followed from the same hottest temperature, so that they are on the same branch.
    finer = _gains(game, logits, np.append(between, hotter))[:_BETWEEN]
    order = np.argsort(np.append(temperature, between))
    return np.append(temperature, between)[order], np.append(gain, finer)[order]
