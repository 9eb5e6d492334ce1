"""How hard a check searches, the same for every property."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.errors import InputError
from smfg_verify.learners import LEARNERS
from smfg_verify.suggestions import closest


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """How hard to search, the same for every property.

    Attributes:
        num_leaders: random leaders.
        num_starts: starts of each worst-case search and of each flow to a rest point.
        num_steps: steps of a worst-case search.
        seed: of all random draws.
        leader_scale: standard deviation of the random leaders' logits.
        trajectory: leader logits met along a run, (..., O, B), or None.
        num_boxes: boxes of each branch and bound.
        time_limit: seconds after which a branch and bound is cut short, or None. Off unless asked for, since what is
            reached by then depends on the machine; a finding with such a bound says so.
        step_sizes: constants c of the step sizes c / sqrt(k + 1) by learner (leader, mean_field, follower, critic), or
            None.
    """

    num_leaders: int = 1024
    num_starts: int = 16
    num_steps: int = 150
    seed: int = 0
    leader_scale: float = 1.5
    trajectory: Float[ArrayLike, "... O B"] | None = None
    num_boxes: int = 2000
    time_limit: float | None = None
    step_sizes: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name, low in (("num_leaders", 1), ("num_starts", 1), ("num_steps", 0), ("seed", 0), ("num_boxes", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < low:
                raise InputError(
                    f"{name}: got {value!r}, expected an integer, at least {low}; likely cause: a float such as 1e3."
                )
        if not _is_positive(self.leader_scale):
            raise InputError(
                f"leader_scale: got {self.leader_scale!r}, expected a positive number, the spread of random logits; "
                "likely cause: a scale of 0, which draws the uniform policy again and again."
            )
        if self.time_limit is not None and not _is_positive(self.time_limit):
            raise InputError(
                f"time_limit: got {self.time_limit!r}, expected a positive number of seconds, or None for no limit; "
                "num_boxes bounds the work in any case."
            )
        _check_step_sizes(self.step_sizes)


# How hard to search, by name; each is a set of `SearchSettings`.
BUDGETS: dict[str, dict[str, int]] = {
    "quick": {"num_leaders": 128, "num_starts": 4, "num_steps": 30, "num_boxes": 200},
    "normal": {"num_leaders": 1024, "num_starts": 16, "num_steps": 150, "num_boxes": 2000},
    "thorough": {"num_leaders": 8192, "num_starts": 64, "num_steps": 500, "num_boxes": 100_000},
}


def budget_settings(name: str) -> dict[str, int]:
    """Search settings of a named budget.

    Args:
        name: "quick", "normal" or "thorough".

    Returns:
        Name of a setting -> its number.

    Raises:
        ValueError: an unknown name; the closest is named.

    Examples:
        >>> from smfg_verify.assumptions import budget_settings
        >>> all(budget_settings("quick")[name] <= number for name, number in budget_settings("thorough").items())
        True
    """
    if name not in BUDGETS:
        raise InputError(f"budget: got {name!r}{closest(name, BUDGETS)}; expected one of: {', '.join(BUDGETS)}.")
    return dict(BUDGETS[name])


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    return bool(math.isfinite(value) and value > 0.0)


def _check_step_sizes(step_sizes: Mapping[str, float] | None) -> None:
    if step_sizes is None:
        return
    if set(step_sizes) != set(LEARNERS):
        raise InputError(
            f"step_sizes: got the names {sorted(step_sizes)}, expected {', '.join(LEARNERS)}: one constant a learner."
        )
    for name, value in step_sizes.items():
        if not (_is_positive(value) or value == 0):
            raise InputError(f"step_sizes: got {name} = {value!r}, expected a finite number >= 0.")
