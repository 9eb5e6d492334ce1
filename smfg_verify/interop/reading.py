"""Reading an environment's tables, and refusing what no table can hold."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.errors import InputError
from smfg_verify.game.foreign import field_text
from smfg_verify.interop.environment import Environment
from smfg_verify.interop.probes import joint_fields, probe_fields, spread_over_actions

_FUNCTIONS = ("prob", "reward")
# The first probe is read again after every so many others.
_REPEAT = 100
_LAST_REPEATS = 8
# Time steps looked at, and mean fields at each.
_MAX_TIMES, _TIME_PROBES = 32, 6


class Reading(NamedTuple):
    """A function at the vertices of the simplex, and how it differs elsewhere from what these make of it.

    Attributes:
        corners: (M, n, A) or (M, n, A, n), rows of probabilities scaled to sum to one.
        accepted: largest deviation taken for rounding, in units of the table.
        deviation: largest found from the affine interpolation of the vertices.
        where: mean field of that deviation, (M,).
        probes: mean fields read.
        values: what was read at the first few, bytes for a fingerprint.
    """

    corners: Float[np.ndarray, "M n A *n"]
    accepted: float
    deviation: float
    where: Float[np.ndarray, " M"]
    probes: int
    values: bytes

    @property
    def is_affine(self) -> bool:
        """Whether rounding explains all deviations; false for NaN."""
        return bool(self.deviation <= self.accepted)


def read(environment: Environment, name: str) -> Reading:
    """Read a function at the vertices and at the probes of the simplex.

    Args:
        environment: to call.
        name: "prob" or "reward".

    Returns:
        The reading.

    Raises:
        ValueError: numbers that are not finite, that change from call to call or with the actions where the mean field
            has none, or rows that are no probabilities; with the mean field where.
    """
    relative = environment.tolerance(name)
    fields = _probes(environment)
    corners = np.stack([_table(environment, name, field, relative) for field in np.eye(fields.shape[1])])
    first = _table(environment, name, fields[0], relative)
    largest, deviation, worst = float(np.abs(corners).max()), -1.0, 0
    for index, field in enumerate(fields):
        value = _table(environment, name, field, relative)
        off = float(np.max(np.abs(value - np.tensordot(field, corners, axes=1))))
        largest = max(largest, float(np.abs(value).max()))
        if off > deviation:
            deviation, worst = off, index
        if index % _REPEAT == 0:
            _require_same(environment, name, fields[0], first)
    if environment.support == "states":
        _require_no_actions(environment, name, fields, relative, relative * largest)
    values = corners[:8].tobytes() + first.tobytes()
    return Reading(corners, relative * largest, deviation, fields[worst], len(fields), values)


def _probes(environment: Environment) -> Float[np.ndarray, "F M"]:
    if environment.support == "states":
        return probe_fields(environment.num_states)
    return joint_fields(environment.num_states, environment.num_actions)


def require_steady(environment: Environment) -> None:
    """Read both functions again, in turn: what depends on earlier calls, or on chance, now says something else.

    Raises:
        ValueError: it does.
    """
    fields = probe_fields(environment.spread.shape[1], seed=1)[:_LAST_REPEATS]
    calls = [(name, field) for field in fields for name in _FUNCTIONS]
    told = [_scaled(name, environment.at(name, environment.spread @ field)) for name, field in calls]
    # Backwards, so that each call now comes after another one than before.
    for (name, field), value in reversed(list(zip(calls, told, strict=True))):
        _require_same(environment, name, field, value)


def require_stationary(environment: Environment) -> None:
    """Refuse an environment whose functions depend on the time step.

    Raises:
        ValueError: they do; the two steps and by how much.
    """
    fields = probe_fields(environment.spread.shape[1], seed=2)[:_TIME_PROBES]
    for name in _FUNCTIONS:
        relative = environment.tolerance(name)
        for field in fields:
            joint = environment.spread @ field
            first = environment.at(name, joint)
            for time, value in _at_other_times(environment, name, joint):
                off = float(np.max(np.abs(value - first)))
                if not off <= relative * float(np.abs(first).max()):
                    raise InputError(
                        f"environment.{name}: differs by {off:.3g} between the time steps {environment.time} and "
                        f"{time} at mean field {field_text(field)}, expected the same at all: the game is stationary. "
                        "Pass time= to hold one step for ever."
                    )


def _at_other_times(environment: Environment, name: str, joint: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """A function at the steps of the environment's horizon, or at a few where it has none."""
    horizon: Any = getattr(environment.environment, "T", None)
    known = isinstance(horizon, int | np.integer)
    times = np.linspace(0, max(0, int(horizon) - 1), _MAX_TIMES).astype(int) if known else (1, 2, 3, 10)
    for time in dict.fromkeys(int(time) for time in times):
        try:
            yield time, environment.at(name, joint, time)
        except Exception:
            if known:
                raise
            return  # it has no such step


def _table(environment: Environment, name: str, field: np.ndarray, relative: float) -> np.ndarray:
    """A function's table at a mean field of the game, checked; rows scaled to sum to one."""
    return _checked(name, environment.at(name, environment.spread @ field), field, relative)


def _checked(name: str, value: np.ndarray, field: np.ndarray, relative: float) -> np.ndarray:
    if not np.all(np.isfinite(value)):
        state, action, *_ = (int(i) for i in np.argwhere(~np.isfinite(value))[0])
        raise InputError(
            f"environment.{name}: got NaN or an infinite number at (state, action) = ({state}, {action}), mean field "
            f"{field_text(field)}, expected numbers everywhere; the likely cause is a logarithm or division at an "
            "empty state."
        )
    if name != "prob":
        return value
    sums = value.sum(axis=-1)
    state, action = (int(i) for i in np.unravel_index(np.argmax(np.abs(sums - 1.0)), sums.shape))
    if abs(sums[state, action] - 1.0) > relative or value.min() < -relative:
        raise InputError(
            f"environment.prob: got rows that do not sum to 1 or have entries below 0 (sum {sums[state, action]:.9g} "
            f"at (state, action) = ({state}, {action}), least entry {value.min():.3g}, mean field "
            f"{field_text(field)}), expected the probabilities of the next states along the first axes (S, then S and "
            "A)."
        )
    return _scaled(name, value)


def _scaled(name: str, value: np.ndarray) -> np.ndarray:
    return value / value.sum(axis=-1, keepdims=True) if name == "prob" else value


def _require_same(environment: Environment, name: str, field: np.ndarray, before: np.ndarray) -> None:
    again = _scaled(name, environment.at(name, environment.spread @ field))
    if np.array_equal(again, before):
        return
    raise InputError(
        f"environment.{name}: two calls at the same time and mean field differ by {np.max(np.abs(again - before)):.3g} "
        f"(mean field {field_text(field)}), expected a function of them alone; likely causes are random numbers and "
        "attributes that a call changes."
    )


def _require_no_actions(
    environment: Environment, name: str, fields: np.ndarray, relative: float, accepted: float
) -> None:
    """A game on states must not look at the actions: move them about, leave the states as they are."""
    for field, joint in zip(fields, spread_over_actions(fields, environment.num_actions), strict=True):
        moved = _checked(name, environment.at(name, joint), field, relative)
        off = float(np.max(np.abs(moved - _table(environment, name, field, relative))))
        if off > accepted:
            raise InputError(
                f"environment.{name}: got a result that differs by {off:.3g} where the population acts differently in "
                f"the same states, mean field {field_text(field)}, expected the same with mean_field_support 'states'; "
                "use 'state_actions'."
            )


def describe_deviation(environment: Environment, name: str, reading: Reading) -> str:
    """Where and by how much a function is not affine, in words."""
    value = _scaled(name, environment.at(name, environment.spread @ reading.where))
    guess = np.tensordot(reading.where, reading.corners, axes=1)
    entry = np.unravel_index(np.argmax(np.abs(value - guess)), value.shape)
    place = f"(state, action) = ({entry[0]}, {entry[1]})" + (f", next state {entry[2]}" if len(entry) > 2 else "")
    return (
        f"environment.{name}: differs by {reading.deviation:.3g} from its affine interpolation: at mean field "
        f"{field_text(reading.where)}, {place} it is {value[entry]:.6g}, the interpolation {guess[entry]:.6g} "
        f"({reading.probes} mean fields read)"
    )
