"""AC-SMFG under many choices of its step sizes at once: which choices, and the leaders they end at."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Integer

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, traced
from smfg_verify.learners import LEARNERS
from smfg_verify.progress import Callback
from smfg_verify.records.codec import kept
from smfg_verify.stochastic.ac_smfg import AcSmfg
from smfg_verify.stochastic.engine.advance import advance_on_thread, goes_in_turn
from smfg_verify.stochastic.engine.groups import Groups, capacity, one_lane
from smfg_verify.stochastic.engine.initial import first_iterate, repeated_memory
from smfg_verify.stochastic.engine.threads import CompiledThenThreads
from smfg_verify.stochastic.iterate import Sampling
from smfg_verify.stochastic.method import Carry
from smfg_verify.stochastic.schedules import PowerSchedule
from smfg_verify.stochastic.value_bounds import value_bounds

# What a sweep may vary: the four constants, the leader's exponent, and that of the three others.
PARAMETERS = (*LEARNERS, "leader_exponent", "tracking_exponent")
_EXPONENT = 0.5
_EXPONENTS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_FACTORS = tuple(10.0 ** (k / 3.0) for k in range(-3, 4))


@kept
class StepPlane(NamedTuple):
    """Two parameters that vary while the others keep their base values.

    Attributes:
        x, y: names out of `PARAMETERS`.
        x_values, y_values: increasing, (X,) and (Y,).

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import StepPlane
        >>> StepPlane("leader", "critic", np.array([0.1, 0.2]), np.array([1.0, 2.0, 4.0])).shape
        (3, 2)
    """

    x: str
    y: str
    x_values: Float[np.ndarray, " X"]
    y_values: Float[np.ndarray, " Y"]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows are values of y, columns of x."""
        return len(self.y_values), len(self.x_values)

    def choices(self, base: Mapping[str, float]) -> Float[np.ndarray, "C 6"]:
        """Every choice of the plane, row by row, in the order of `PARAMETERS`.

        Args:
            base: name -> value of every parameter, for those that the plane does not vary.

        Returns:
            Rows of parameters in the order of `PARAMETERS`.
        """
        table = np.tile([base[name] for name in PARAMETERS], (len(self.y_values) * len(self.x_values), 1))
        y, x = (grid.ravel() for grid in np.meshgrid(self.y_values, self.x_values, indexing="ij"))
        table[:, PARAMETERS.index(self.y)], table[:, PARAMETERS.index(self.x)] = y, x
        return table


def whole_choice(constants: Mapping[str, float]) -> dict[str, float]:
    """AC-SMFG's own choice of all `PARAMETERS` with some step constants."""
    return {**{name: constants[name] for name in LEARNERS}, **dict.fromkeys(PARAMETERS[len(LEARNERS) :], _EXPONENT)}


def default_planes(base: Mapping[str, float]) -> tuple[StepPlane, ...]:
    """Each pair of constants, from a tenth to ten times the base, then the two exponents."""
    scaled = {name: base[name] * np.asarray(_FACTORS) for name in LEARNERS}
    pairs = [(x, y) for k, y in enumerate(LEARNERS) for x in LEARNERS[:k]]
    planes = [StepPlane(x, y, scaled[x], scaled[y]) for x, y in pairs]
    exponents = np.asarray(_EXPONENTS)
    return (*planes, StepPlane("leader_exponent", "tracking_exponent", exponents, exponents))


def check_planes(planes: tuple[StepPlane, ...]) -> None:
    """Refuse planes that hold no choice.

    Raises:
        ValueError: what was got and what was expected.
    """
    if not planes:
        raise InputError("planes: got none, expected at least one; leave them out for the default planes.")
    for plane in planes:
        if plane.x == plane.y or not {plane.x, plane.y} <= set(PARAMETERS):
            raise InputError(
                f"planes: got {plane.x!r} against {plane.y!r}, expected two different ones of {', '.join(PARAMETERS)}."
            )
        if 0 in plane.shape:
            raise InputError(
                f"planes: got {len(plane.x_values)} values of {plane.x} and {len(plane.y_values)} of {plane.y}, "
                "expected at least one of each."
            )


def power_schedule(choices: Float[np.ndarray, "V 6"]) -> PowerSchedule:
    """The schedules of some choices, one a lane."""
    leader, others = choices[:, 4], choices[:, 5]
    exponents = np.stack([leader, others, others, others])
    return PowerSchedule(jnp.asarray(choices[:, :4].T), jnp.asarray(exponents))


def final_leaders(
    game: AbstractGame,
    choices: Float[np.ndarray, "V 6"],
    seeds: Integer[np.ndarray, " S"],
    num_iterations: int,
    sampling: Sampling = "markov",
    *,
    callback: Callback | None = None,
) -> Float[np.ndarray, "V S O B"]:
    """Leader logits after a run of every choice with every seed, from the default start.

    Every choice meets the same random numbers, so that differences between choices are paired by seed.

    Args:
        game: the game, valid.
        choices: rows of `PARAMETERS`.
        seeds: distinct, as for `ac_smfg`.
        num_iterations: of each run.
        sampling: "markov" or "iid".
        callback: called with the number of finished runs.

    Returns:
        Logits; not finite where a run diverged.
    """
    game = traced(game)
    bounds = value_bounds(game)
    runs = np.tile(np.asarray(seeds, np.uint32), len(choices))
    first = first_iterate(game, bounds, np.asarray(seeds, np.uint32), None)
    repeated = {name: np.tile(array, (len(choices), *[1] * (array.ndim - 1))) for name, array in first.items()}
    method = AcSmfg(power_schedule(choices[:1]), sampling)
    start = repeated | repeated_memory(method.first_memory(game), len(runs))
    in_turn = goes_in_turn(game, bounds, method, one_lane(start))
    groups = Groups.of(len(runs), capacity(game), in_turn=in_turn)
    chosen = groups.split(np.repeat(choices, len(seeds), axis=0))
    float64 = jnp.result_type(float) == jnp.float64

    def run(keys: np.ndarray, choices: np.ndarray, carry: Carry, size: int) -> Carry:
        job = (
            game,
            bounds,
            AcSmfg(power_schedule(choices), sampling),
            jnp.asarray(keys),
            carry,
            0,
            num_iterations,
            size,
        )
        return advance_on_thread(*job, in_turn=in_turn, float64=float64)

    finished = []
    with CompiledThenThreads(len(groups.sizes)) as threads:
        for done in threads.map(run, groups.split(runs), chosen, groups.to_lanes(start), groups.sizes):
            finished.append(done)
            if callback is not None:
                callback(sum(groups.sizes[: len(finished)]))
    logits = groups.from_lanes(finished)["leader_logits"]
    return logits.reshape(len(choices), len(seeds), *logits.shape[1:])
