"""Zeros of the alignment at a game's numbers, by bracketing; what each is of Phi is told by the signs beside it."""

from collections.abc import Callable, Mapping

import numpy as np
import scipy.optimize
import sympy as sp

from smfg_verify.symbolic import symbols
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.proofs.claims import Computed
from smfg_verify.symbolic.proofs.memoryless import choice

_ODDS, _LOGIT = sp.Symbol("odds", positive=True), sp.Symbol("logit", real=True)
_X = sp.Symbol("x", positive=True)
# Log-odds of the choices that are looked at, finest near even ones: floats hold the fourth power of their odds.
_MOST, _GRID = 170.0, 8001
_Function = Callable[[float | np.ndarray], np.ndarray]


def stationary_points(formulas: Mapping[str, sp.Expr], game: SymbolicGame) -> tuple[Computed, ...]:
    """Zeros of the alignment with 0 < x < 1, and the alignment at both ends.

    Choices are followed by their log-odds, so that nothing is lost where almost everyone or no one chooses state 0.

    Args:
        formulas: peak_x, equilibrium_x, share, direct, objective and ratio, in the choice p and in x.
        game: its numbers.

    Returns:
        Peaks, troughs and inflections of Phi, and the ratio at the ends; "no-values" where a formula has none.
    """
    numbers = {**game.substitution, symbols.discount: game.discount, symbols.temperature: game.temperature}
    # Where the leader's reward depends on the state it matters where the followers start.
    start = (0.5, 0.5) if game.initial_distribution is None else game.initial_distribution
    numbers[symbols.element("rho", (0,), positive=True)] = float(start[0])
    by_odds = {choice: _ODDS / (1 + _ODDS)}
    # Factored before numbers are put in: 1 - p is 1 / (1 + odds), exactly.
    values = {
        name: sp.factor(formula.subs(sp.log(choice / (1 - choice)), _LOGIT).subs(by_odds)).subs(numbers)
        for name, formula in formulas.items()
    }
    if any(value.has(sp.zoo, sp.nan, sp.oo) for value in values.values()):
        return (Computed("no-values", {}),)
    run = {name: sp.lambdify([_ODDS, _LOGIT, _X], value, "numpy") for name, value in values.items()}

    def at(name: str, logit: float | np.ndarray, x: float = 0.0) -> np.ndarray:
        return np.asarray(run[name](np.exp(logit), logit, x))

    grid = np.sinh(np.linspace(-np.arcsinh(_MOST), np.arcsinh(_MOST), _GRID))
    found = []
    for below, above in _brackets(lambda logit: at("peak_x", logit) - at("equilibrium_x", logit), grid):
        logit = _root(lambda logit: at("peak_x", logit) - at("equilibrium_x", logit), below, above)
        x = float(at("equilibrium_x", logit))
        if 0.0 < x < 1.0:
            values_there = {name: float(at(name, logit, x)) for name in ("share", "objective")}
            where = {"x": x, "p": float(1.0 / (1.0 + np.exp(-logit)))}
            point = {**where, "m_0": values_there["share"], "Phi": values_there["objective"]}
            found.append(Computed(_kind(at, below, above), point))
    return (*found, Computed("ratio-at-ends", dict(_ends(at, grid))))


def _kind(at: Callable[..., np.ndarray], *beside: float) -> str:
    """What a zero is of Phi, by the sign of its slope at the choices beside it, from the smaller x to the larger."""
    slopes = sorted(
        (x, float(at("ratio", logit, x) * at("direct", logit)))
        for logit, x in ((logit, float(at("equilibrium_x", logit))) for logit in beside)
    )
    first, last = (np.sign(slope) for _, slope in slopes)
    return "inflection" if first == last else "peak" if first > last else "trough"


def _ends(at: Callable[..., np.ndarray], grid: np.ndarray) -> list[tuple[str, float]]:
    found = []
    for end in (0.0, 1.0):

        def excess(logit: float | np.ndarray, end: float = end) -> np.ndarray:
            return at("equilibrium_x", logit) - end

        roots = [_root(excess, *bracket) for bracket in _brackets(excess, grid)]
        ratios = [float(at("ratio", logit, end)) for logit in roots]
        found += [(f"at x = {end:g}", ratio) for ratio in ratios if np.isfinite(ratio)]
    return found


def _brackets(function: _Function, grid: np.ndarray) -> list[tuple[float, float]]:
    signs = np.where(np.broadcast_to(function(grid), grid.shape) >= 0.0, 1, -1)
    return [(float(grid[i]), float(grid[i + 1])) for i in np.flatnonzero(signs[:-1] * signs[1:] < 0)]


def _root(function: _Function, below: float, above: float) -> float:
    return float(scipy.optimize.brentq(function, below, above, xtol=1e-15, rtol=1e-14))
