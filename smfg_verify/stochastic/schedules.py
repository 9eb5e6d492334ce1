"""Step sizes of AC-SMFG: four constants over the square root of the iteration."""

import itertools
import math
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import as_parameter, parameter
from smfg_verify.records.portable import Portable, reduce_portable

_NAMES = {"leader": "zeta", "mean_field": "xi", "follower": "alpha", "critic": "beta"}


def check_constant(where: str, value: Array) -> None:
    """Refuse an option that is not one finite number >= 0; traced numbers pass.

    Raises:
        ValueError: what was got.
    """
    if value.shape != ():
        raise InputError(f"{where}: got shape {value.shape}, expected one number.")
    if not isinstance(value, jax.core.Tracer) and not (math.isfinite(float(value)) and float(value) >= 0.0):
        raise InputError(f"{where}: got {float(value):g}, expected a finite number >= 0.")


class StepSizes(NamedTuple):
    """The step sizes of one iteration: zeta_k, xi_k, alpha_k, beta_k."""

    leader: Float[Array, ""]
    mean_field: Float[Array, ""]
    follower: Float[Array, ""]
    critic: Float[Array, ""]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


class Schedule(Portable, eqx.Module):
    r"""Step sizes $c / \sqrt{k + 1}$, one constant a learner.

    $\zeta_k$ (leader) $\le \xi_k$ (mean field) $\le \alpha_k$ (follower) $\le \beta_k$ (critics): the separation of
    time scales is in the constants, not in the exponents. The steps of the mean field and of the critics are clipped to
    at most 1, where an update is already a full replacement; a larger step would leave the simplex or overshoot.

    Args:
        leader: $c_\zeta$, dimensionless, >= 0.
        mean_field: $c_\xi$, dimensionless, >= 0.
        follower: $c_\alpha$, dimensionless, >= 0.
        critic: $c_\beta$, dimensionless, >= 0, for both critics.

    Raises:
        ValueError: a constant that is negative, not finite, or not a number.

    Source: order and exponent of Zeng et al. (arXiv 2509.15392); the default constants are ours.

    Examples:
        >>> from smfg_verify import Schedule
        >>> Schedule(leader=0.1).constants()
        {'leader': 0.1, 'mean_field': 0.5, 'follower': 1.0, 'critic': 2.0}
        >>> steps = Schedule(leader=0.1).at(3)  # c / sqrt(4); the critics' is clipped to 1 before that
        >>> round(float(steps.leader), 3), round(float(steps.critic), 3)
        (0.05, 1.0)
    """

    leader: Float[Array, ""] = parameter(default=0.2)
    mean_field: Float[Array, ""] = parameter(default=0.5)
    follower: Float[Array, ""] = parameter(default=1.0)
    critic: Float[Array, ""] = parameter(default=2.0)

    def __check_init__(self) -> None:
        for name in _NAMES:
            check_constant(f"Schedule.{name}", getattr(self, name))

    def at(self, iteration: Int[Array, "..."] | Float[Array, "..."] | int) -> StepSizes:
        """The four step sizes of an iteration k = 0, 1, ..., a floating count where it may pass the largest integer.

        Args:
            iteration: k, or several of them.

        Returns:
            The step sizes, one for each k; those of mean field and critics at most 1.
        """
        scale = 1.0 / jnp.sqrt(jnp.asarray(iteration + 1, self.leader.dtype))
        return _clipped(*(getattr(self, name) * scale for name in _NAMES))

    def at_lane(self, lane: Int[Array, ""]) -> "Schedule":
        """The schedule of one lane: the same for all.

        Args:
            lane: number of the lane.

        Returns:
            The schedule itself.
        """
        return self

    @classmethod
    def from_constants(cls, constants: Mapping[str, float]) -> "Schedule":
        """The schedule of four constants by name, as `constants` gives them.

        Args:
            constants: learner -> constant, > 0.

        Returns:
            The schedule.
        """
        return cls(**{name: as_parameter(value) for name, value in constants.items()})

    def constants(self) -> dict[str, float]:
        """The four constants by name, as Python floats."""
        return {name: float(getattr(self, name)) for name in _NAMES}


class PowerSchedule(Portable, eqx.Module):
    r"""Step sizes $c / (k + 1)^p$ with a constant and an exponent a learner, one choice of all eight a lane.

    For sweeps over step sizes; AC-SMFG's own are those of `Schedule`, p = 1/2. Clipped to 1 as there.

    Attributes:
        constants: $c_\zeta, c_\xi, c_\alpha, c_\beta$, (4, lanes), dimensionless, >= 0.
        exponents: p of each, (4, lanes).
    """

    constants: Float[Array, "4 lanes"]
    exponents: Float[Array, "4 lanes"]

    def at(self, iteration: Int[Array, "..."] | int) -> StepSizes:
        """The step sizes of an iteration k = 0, 1, ..., (lanes,) each."""
        base = jnp.asarray(iteration + 1, self.constants.dtype)
        return _clipped(*(self.constants * base ** (-self.exponents)))

    def at_lane(self, lane: Int[Array, ""]) -> "PowerSchedule":
        """The schedule of one lane, as one of one lane.

        Args:
            lane: number of the lane.

        Returns:
            Constants and exponents of it alone, (4, 1).
        """
        return PowerSchedule(self.constants[:, lane, None], self.exponents[:, lane, None])


def _clipped(leader: Array, mean_field: Array, follower: Array, critic: Array) -> StepSizes:
    """Step sizes with those of the mean field and of the critics at most 1."""
    return StepSizes(leader, jnp.minimum(mean_field, 1.0), follower, jnp.minimum(critic, 1.0))


def warn_if_misordered(schedule: Schedule) -> None:
    """Warn, for each pair, where the constants break the order zeta <= xi <= alpha <= beta."""
    for (slow, slow_value), (fast, fast_value) in itertools.pairwise(schedule.constants().items()):
        if slow_value > fast_value:
            warnings.warn(
                f"step sizes: got {_NAMES[slow]} ({slow} = {slow_value:g}) > {_NAMES[fast]} ({fast} = {fast_value:g}); "
                "the theory's order zeta <= xi <= alpha <= beta is broken, so its rate does not apply to this run.",
                UserWarning,
                stacklevel=3,
            )
