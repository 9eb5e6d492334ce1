"""What a search for an equilibrium found, how it ended, and what is said where it did not converge."""

import enum
from typing import ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.errors import NumericalError
from smfg_verify.game import SourceGap
from smfg_verify.records.portable import Portable
from smfg_verify.records.readable import Readable
from smfg_verify.records.status import NamedStatus

# Largest accepted error, of the mean field in l1 and of the value relative to its size.
TOLERANCE = 1e-8
# A residual this small is that of an equilibrium, whatever its error.
SMALL = 1e-6


class EquilibriumMethod(NamedStatus, enum.IntEnum):
    """Which search found an equilibrium; NONE when no search did.

    NEWTON: from the mean field it was given. COOLING: Newton's method at falling temperatures, each started on the
    tangent of the one before. DAMPED: from where best-response iteration ended. CONTINUATION: along the path of
    solutions in the temperature, folds included.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, solve_equilibrium
        >>> from smfg_verify.exact import EquilibriumMethod
        >>> equilibrium = solve_equilibrium(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> EquilibriumMethod(int(equilibrium.method)).name
        'NEWTON'
    """

    NONE = 0
    NEWTON = 1
    DAMPED = 2
    CONTINUATION = 3
    COOLING = 4


class Status(NamedStatus, enum.IntEnum):
    """How a search for an equilibrium ended.

    NOT_FOUND: no search came near one. CONVERGED: the error is within the tolerance. INACCURATE: the residual is small,
    but the error that rounding and curvature allow is not. SEVERAL_CLASSES: the chain has more than one recurrent
    class, so its law is not determined. NO_SLOPE: a function of the game has no finite slope where the search ended.
    OTHER_SOURCE: an equilibrium of the tables, which the code they were read from contradicts there.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, solve_equilibrium
        >>> from smfg_verify.exact import Status
        >>> equilibrium = solve_equilibrium(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> Status(int(equilibrium.status)).name
        'CONVERGED'
    """

    NOT_FOUND = 0
    CONVERGED = 1
    INACCURATE = 2
    SEVERAL_CLASSES = 3
    NO_SLOPE = 4
    OTHER_SOURCE = 5


class Equilibrium(Readable, Portable, eqx.Module):
    r"""A mean field equilibrium $(\pi^*, \mu^*)$ of a leader's policy, and how well it holds.

    Attributes:
        mean_field: (n,) on states or (n, A) on state-action pairs; NaN where not converged.
        follower_policy: pi*(a|s), (n, A); NaN where not converged.
        follower_value: V*(s), (n,), in units of reward; NaN where not converged.
        residual: largest entry of (m - nu(m), F_V / max(tau, max |V|)) at the best point, whether converged or not.
        converged: error_bound <= tolerance and value_error_bound <= tolerance * max(tau, max |V|).
        steps: Newton steps taken in all.
        method: a `EquilibriumMethod`: which search found it.
        cycled: whether best-response iteration met a period-2 cycle on the way (only tried when Newton failed).
        error_bound: bound on the l1 distance of `mean_field` from the equilibrium: residual, rounding of its
            evaluation and conditioning, with the curvature tried; infinite where nothing is known (`exact.accuracy`).
        value_error_bound: the same for the largest error of `follower_value`, in units of reward.
        spectral_radius: of the derivative of the best-response map at the equilibrium: stable under best-response
            iteration when below 1.
        status: a `Status`: how the search ended.
        steep_entry: entry of the flattened mean field in which a slope of the game is not finite; -1 if none.
        source_gap: how far the game is there from the code it was read from, not converged where more than rounding;
            None for a game that stands for itself.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, solve_equilibrium
        >>> equilibrium = solve_equilibrium(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> equilibrium.follower_policy.round(3).tolist()
        [[0.774, 0.226], [0.774, 0.226]]
        >>> bool(equilibrium.converged), bool(equilibrium.error_bound < 1e-9), bool(equilibrium.stable)
        (True, True, True)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("mean_field", "residual", "error_bound", "converged", "steps")

    mean_field: Float[Array, "..."]
    follower_policy: Float[Array, "n A"]
    follower_value: Float[Array, " n"]
    residual: Float[Array, ""]
    converged: Bool[Array, ""]
    steps: Int[Array, ""]
    method: Int[Array, ""]
    cycled: Bool[Array, ""]
    error_bound: Float[Array, ""]
    value_error_bound: Float[Array, ""]
    spectral_radius: Float[Array, ""]
    status: Int[Array, ""]
    steep_entry: Int[Array, ""]
    source_gap: SourceGap | None = None

    @property
    def stable(self) -> Bool[Array, ""]:
        """Whether best-response iteration comes back to the equilibrium from nearby: spectral radius below 1."""
        return self.spectral_radius < 1.0


def raise_unless_converged(equilibrium: Equilibrium) -> None:
    """Raise when an equilibrium, or one of a batch, has not converged; under tracing it cannot be known and passes.

    Raises:
        RuntimeError: with the residual and the error bound reached, and the cause.
        ValueError: the game's tables differ there from the code they were read from.
    """
    if isinstance(equilibrium.converged, jax.core.Tracer):
        return
    if equilibrium.source_gap is not None:
        equilibrium.source_gap.require_agreement()
    converged = np.asarray(equilibrium.converged)
    if not np.all(converged):
        raise NumericalError(_refusal(equilibrium, converged))


_CAUSES = {
    Status.NOT_FOUND: "likely causes: functions that jump in the mean field (then no equilibrium need exist), or a "
    "temperature far below the scale of rewards, or a bound on steps that cut the search short",
    Status.INACCURATE: "the residual is small, but rounding, conditioning and curvature leave a larger error than the "
    "tolerance; likely causes: an equilibrium that is not isolated, or nearly so (a fold), or a temperature far below "
    "the scale of values, whose rounding the policy then magnifies",
    Status.SEVERAL_CLASSES: "the chain has more than one recurrent class where the search ended, so that its "
    "stationary law is not determined",
    Status.OTHER_SOURCE: "the code that the game was read from says something else there",
    Status.NO_SLOPE: "a function of the game has no finite slope in the mean field where the search ended",
}


def _refusal(equilibrium: Equilibrium, converged: np.ndarray) -> str:
    """What failed, of an equilibrium or of the worst of a batch, and why."""
    failed = ~converged
    residual, error = (np.max(np.asarray(leaf)[failed]) for leaf in (equilibrium.residual, equilibrium.error_bound))
    status = Status(int(np.asarray(equilibrium.status)[failed][0]))
    cause = _CAUSES[status]
    entry = int(np.asarray(equilibrium.steep_entry)[failed][0])
    if status is Status.NO_SLOPE:
        shape = equilibrium.mean_field.shape[converged.ndim :]
        state = np.unravel_index(entry, shape)
        where = f"state {state[0]}" if len(state) == 1 else f"state {state[0]} and action {state[1]}"
        cause += f", in the mass of {where}"
    return (
        f"equilibrium: {int(np.sum(failed))} of {converged.size} not converged ({status.name}), residual "
        f"{residual:.3g}, error bound {error:.3g}; {cause}. Pass throw=False to get NaN and the status."
    )
