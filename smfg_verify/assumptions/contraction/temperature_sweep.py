"""The smallest temperature that each criterion of contraction admits, and the criteria over a range of temperatures."""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify import conic
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.measured_modulus import (
    from_points,
    moduli,
    negative_size,
    random_points,
    search_size,
)
from smfg_verify.assumptions.contraction.proved_bounds import BOUNDS, BoundInputs
from smfg_verify.assumptions.contraction.weighted_norm import LARGEST_SIZE, NO_NORM, attempt, find_weighted_norm
from smfg_verify.assumptions.search import minimise, slopes_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.response_jacobian import (
    LocalResponse,
    at_equilibria,
    at_mean_fields,
    on_tangents,
    scheme_ratio,
    tangent_norms,
    tangent_radius,
    uniform_field,
)
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

# A grid in logarithms ends at its last temperature up to rounding.
_ROUNDED = 1.0 + 1e-12
COLDEST, HOTTEST = 1e-3, 1e3
# Temperatures of the figure: so many, up to so many decades on either side of the game's.
_NUM_SWEPT = 13
_DECADES = 1.5
_STEPS_PER_DECADE = 4
_BISECTIONS = 16
_SEARCH_STEPS = 12
_NUM_LEADERS = 16
_NUM_PROBES = 16
# A weighted norm counts where it is a contraction by this factor.
_CLEAR_CONTRACTION = 0.999


class Sweep(NamedTuple):
    """Criteria over temperatures.

    Attributes:
        curves: "temperature" and one curve for each criterion, each (T,); NaN where not known.
        smallest: criterion -> smallest temperature from which on it holds up to the hottest; infinite where none.
        searched: what was looked at.
    """

    curves: Mapping[str, Float[np.ndarray, " T"]]
    smallest: Mapping[str, float]
    searched: Entries


def smallest_admitted(value: Callable[[float], float]) -> float:
    r"""The smallest tau such that value < 1 there and at all hotter temperatures of a grid, up to `HOTTEST`.

    Args:
        value: of a temperature; called from hot to cold, then by bisection in log tau. NaN counts as not below 1.

    Returns:
        tau; `COLDEST` where the criterion holds at all, infinite where it fails at `HOTTEST`.
    """
    decades = np.log10(HOTTEST / COLDEST)
    grid = np.geomspace(HOTTEST, COLDEST, int(decades * _STEPS_PER_DECADE) + 1)
    held = float("inf")
    for tau in grid:
        if not value(float(tau)) < 1.0:
            break
        held = float(tau)
    if not np.isfinite(held) or held <= COLDEST * _ROUNDED:
        return held
    low, high = float(tau), held
    for _ in range(_BISECTIONS):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if value(middle) < 1.0 else (middle, high)
    return high


def smallest_by_bound(inputs: BoundInputs, name: str | None = None) -> float:
    """The smallest temperature that a proved bound admits; the better of both bounds where no name is given."""
    chosen = BOUNDS.values() if name is None else [BOUNDS[name]]
    return min(smallest_admitted(functools.partial(_with_margin, bound, inputs)) for bound in chosen)


def _with_margin(bound: Callable[[BoundInputs, float], float], inputs: BoundInputs, temperature: float) -> float:
    """A bound and the margin that a certificate keeps, so that every temperature admitted is certified."""
    return bound(inputs, temperature) + CLEARLY_BELOW_ONE


def swept_temperatures(temperature: float) -> Float[np.ndarray, " T"]:
    """Temperatures of the figure, cold to hot, the game's own in the middle."""
    return temperature * np.logspace(-_DECADES, _DECADES, _NUM_SWEPT)


class _Followed:
    """Equilibria of some leaders, each search started from where the last one, at a nearby temperature, ended."""

    def __init__(self, game: AbstractGame, logits: Float[np.ndarray, "N O B"]) -> None:
        self.game, self.logits = game, logits
        self.fields = np.tile(uniform_field(game), (len(logits), 1))
        self.failed = 0

    def at(self, temperature: float) -> LocalResponse:
        found = at_equilibria(self.game, self.logits, self.fields, np.full(len(self.logits), temperature))
        self.fields = np.where(found.converged[:, None], found.mean_field, self.fields)
        self.failed += int(np.sum(~found.converged))
        return found

    def largest(self, measure: Callable[[LocalResponse, int], float]) -> Callable[[float], float]:
        """Largest measure over the leaders at a temperature; NaN where an equilibrium was not found."""

        def value(temperature: float) -> float:
            found = self.at(temperature)
            if not np.all(found.converged):
                return float("nan")
            return max(measure(found, k) for k in range(len(self.logits)))

        return value


def radius_at(found: LocalResponse, k: int) -> float:
    """Spectral radius of D Gamma at point k."""
    return tangent_radius(found.response[k])


def scheme_at(found: LocalResponse, k: int) -> float:
    """Ratio of the softmax scheme at point k."""
    return scheme_ratio(found.response[k], found.frozen[k])


def weighted_at(found: LocalResponse, k: int) -> float:
    """Modulus in a verified weighted norm at point k; infinite where the program finds none that clearly contracts."""
    jacobian = on_tangents(found.response[k])[None]
    if jacobian.shape[-1] > LARGEST_SIZE:
        return find_weighted_norm(jacobian).modulus
    best = attempt(jacobian, _CLEAR_CONTRACTION, NO_NORM)
    return best.modulus if best.statuses[-1] == conic.SOLVED else float("inf")


MEASURES = {"spectral-radius": radius_at, "softmax-scheme": scheme_at, "weighted-norm": weighted_at}


def sweep_temperatures(
    game: AbstractGame, settings: SearchSettings, inputs: BoundInputs, points: Float[np.ndarray, "K D"]
) -> Sweep:
    """All criteria over temperatures.

    Args:
        game: the game, traced.
        settings: how hard to search.
        inputs: of the proved bounds.
        points: ends of the search at the game's temperature, (K, D).

    Returns:
        Curves around the game's temperature, and smallest temperatures between `COLDEST` and `HOTTEST`.
    """
    temperature = float(game.temperature)
    swept = swept_temperatures(temperature)
    logits = random_points(game, _NUM_LEADERS, settings)[0]
    logits[0] = 0.0
    uniform = np.zeros((1, *leader_logits_shape(game)))
    curves: dict[str, np.ndarray] = {"temperature": swept}
    smallest: dict[str, float] = {}
    for name, bound in BOUNDS.items():
        curves[name] = np.array([bound(inputs, tau) for tau in swept])
        smallest[name] = smallest_by_bound(inputs, name)
    probes, searched = _worst_points(game, settings, swept, points)
    modulus: Callable[[float], float] = lambda tau: _modulus_at(game, probes, tau)  # noqa: E731
    curves["modulus"] = np.array([modulus(tau) for tau in swept])
    smallest["modulus"] = smallest_admitted(modulus)
    failed = 0
    for name, measure in MEASURES.items():
        leaders = logits if name == "spectral-radius" else uniform
        if name != "weighted-norm":
            hot_first = _Followed(game, leaders)
            value = hot_first.largest(measure)
            curves[name] = np.array([value(tau) for tau in swept[::-1]])[::-1]
            failed += hot_first.failed
        followed = _Followed(game, leaders)
        smallest[name] = smallest_admitted(followed.largest(measure))
        failed += followed.failed
    return Sweep(curves, smallest, {**searched, "leaders": _NUM_LEADERS, "unconverged": failed})


def _worst_points(
    game: AbstractGame, settings: SearchSettings, swept: np.ndarray, points: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], dict[str, int]]:
    """Leaders and mean fields of large tangent norms: ends of a short ascent at each temperature, and random ones."""
    logits, fields = random_points(game, _NUM_PROBES, settings)
    if not len(points):
        return (logits, fields), {"sweep_steps": 0}
    starts = points[np.arange(len(swept)) % len(points)]
    slopes = slopes_of(negative_size, game, moduli(game, swept), batch=search_size(settings))
    result = minimise(slopes, starts, num_steps=min(settings.num_steps, _SEARCH_STEPS))
    ends = from_points(game, np.concatenate([result.points, points]))
    pool = np.concatenate([ends[0], logits]), np.concatenate([ends[1], fields])
    return pool, {"sweep_steps": len(result.curve) - 1, "sweep_nan": result.num_failed, "probes": len(pool[0])}


def _modulus_at(game: AbstractGame, probes: tuple[np.ndarray, np.ndarray], temperature: float) -> float:
    norms = tangent_norms(at_mean_fields(game, *probes, np.full(len(probes[0]), temperature)).response)
    return float(np.nanmax(norms)) if np.isfinite(norms).any() else float("nan")
