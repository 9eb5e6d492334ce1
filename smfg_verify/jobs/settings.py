"""What a job is asked to do; importing this loads neither JAX nor a solver."""

import dataclasses
import math
from pathlib import Path
from typing import Literal

from smfg_verify.errors import InputError
from smfg_verify.records.entries import Arguments, Entries

Command = Literal["check", "run", "validate"]


@dataclasses.dataclass(frozen=True)
class GameSettings:
    """Which game: what `smfg_verify.games.load` is called with.

    Attributes:
        name: a registered name, file.py:ClassName, or whatever else `load` takes.
        parameters: name -> value; the game's defaults for the others.
    """

    name: str
    parameters: Entries = dataclasses.field(default_factory=dict)

    @property
    def short_name(self) -> str:
        """The name as a directory can be called."""
        inside = self.name.rpartition(":")[2]
        return Path(inside).stem if inside.endswith(".py") else inside


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """A stochastic run. The defaults end in well under a minute on two cores for games of a few states.

    Attributes:
        seeds: number of seeds; they are 0, 1, ..., seeds - 1.
        iterations: of AC-SMFG.
        sampling: "markov" or "iid".
        schedule: constants of the step sizes by name; `Schedule`'s defaults for the others.

    Raises:
        ValueError: a setting of the wrong type or range.
    """

    seeds: int = 64
    iterations: int = 400_000
    sampling: Literal["markov", "iid"] = "markov"
    schedule: Entries = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_count("seeds", self.seeds, 1, "the number of seeds")
        _require_count("iterations", self.iterations, 1, "the number of iterations")
        if self.sampling not in ("markov", "iid"):
            raise InputError(f"sampling: got {self.sampling!r}, expected 'markov' or 'iid'.")
        for name, value in self.schedule.items():
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value < math.inf:
                raise InputError(f"schedule: got {name} = {value!r}, expected a finite number >= 0, a step constant.")


@dataclasses.dataclass(frozen=True)
class CheckSettings:
    """Which assumptions are checked, and how hard.

    Attributes:
        properties: names; all that are known if None.
        budget: "quick", "normal" or "thorough".
        leaders: random leader policies; the budget's number if None.
        starts: starts of each worst-case search and of each flow to a rest point; the budget's number if None.
        seed: of all random draws.
        time_limit: seconds after which each proof by branch and bound is cut short; never if None. With one, a finding
            depends on the machine and its load, and says so.

    Raises:
        ValueError: a setting of the wrong type or range.
    """

    properties: tuple[str, ...] | None = None
    budget: str = "normal"
    leaders: int | None = None
    starts: int | None = None
    seed: int = 0
    time_limit: float | None = None

    def __post_init__(self) -> None:
        if self.properties is not None:
            object.__setattr__(self, "properties", _names("property", self.properties))
        if self.leaders is not None:
            _require_count("leaders", self.leaders, 1, "the number of random leaders")
        if self.starts is not None:
            _require_count("starts", self.starts, 1, "the number of starts of a search")
        _require_count("check seed", self.seed, 0, "the seed of the random draws")
        limit = self.time_limit
        if limit is not None and not (
            isinstance(limit, int | float) and not isinstance(limit, bool) and 0.0 < limit < math.inf
        ):
            raise InputError(
                f"time limit: got {limit!r}, expected a positive number of seconds; leave it out for none."
            )

    def as_arguments(self) -> Arguments:
        """How hard to search, as `smfg_verify.check` takes it by keyword."""
        return {
            "budget": self.budget,
            "num_leaders": self.leaders,
            "num_starts": self.starts,
            "seed": self.seed,
            "time_limit": self.time_limit,
        }


def _names(what: str, values: object) -> tuple[str, ...]:
    listed = (values,) if isinstance(values, str) else values
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(value, str) for value in listed):
        raise InputError(f"{what}: got {values!r}, expected a name or a list of names.")
    return tuple(listed)


def _require_count(name: str, value: object, low: int, what: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise InputError(f"{name}: got {value!r}, expected an integer >= {low}, {what}.")
