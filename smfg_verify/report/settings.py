"""What a job is asked to do; importing this loads neither JAX nor a solver."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

Command = Literal["check", "run", "validate"]


@dataclasses.dataclass(frozen=True)
class GameSettings:
    """Which game: what `smfg_verify.games.load` is called with.

    Attributes:
        name: a registered name, or file.py:ClassName.
        parameters: name -> value; the game's defaults for the others.
    """

    name: str
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def short_name(self) -> str:
        """The name as a directory can be called."""
        return self.name.rpartition(":")[2]


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """A stochastic run. The defaults end in well under a minute on two cores for games of a few states.

    Attributes:
        seeds: number of seeds; they are 0, 1, ..., seeds - 1.
        iterations: of AC-SMFG.
        sampling: "markov" or "iid".
        schedule: constants of the step sizes by name; `Schedule`'s defaults for the others.

    Raises:
        ValueError: a number of seeds that is none.
    """

    seeds: int = 64
    iterations: int = 400_000
    sampling: str = "markov"
    schedule: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.seeds, int) or isinstance(self.seeds, bool) or self.seeds < 1:
            raise ValueError(f"seeds: got {self.seeds!r}, expected an integer >= 1, the number of seeds.")


@dataclasses.dataclass(frozen=True)
class CheckSettings:
    """How hard the assumptions are checked.

    Attributes:
        leaders: random leader policies.
        starts: starts of each worst-case search and of each flow to a rest point.
        seed: of all random draws.
    """

    leaders: int = 1024
    starts: int = 16
    seed: int = 0
