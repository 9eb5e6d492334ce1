"""What was found along a run, and its rows."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt

from smfg_verify.assumptions.along.conditions import CONDITIONS, Condition
from smfg_verify.errors import InputError
from smfg_verify.records.codec import kept
from smfg_verify.records.readable import Readable
from smfg_verify.suggestions import closest


class Row(NamedTuple):
    """One number along the run, in brief.

    Attributes:
        condition: what is asked of it.
        held: iterates at which it lies on its side of the limit.
        known: iterates at which there is a number.
        worst: nearest to failing, or farthest beyond.
        seed, iteration: of the worst; -1 where there is none.
        last: least, median and largest over the seeds at the last checkpoint.
    """

    condition: Condition
    held: int
    known: int
    worst: float
    seed: int
    iteration: int
    last: tuple[float, float, float]


class Near(NamedTuple):
    """What is proved of a number around all those iterates of a run around which anything is.

    Attributes:
        proved: iterates around which it is proved.
        tried: iterates at which it lies on its side, around which it could be.
        radius: within which of each that is proved, least and median.
        constant: of the numbers proved, that nearest to the limit.
    """

    proved: int
    tried: int
    radius: tuple[float, float]
    constant: float


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AlongRun(Readable):
    r"""Numbers of every property at the iterates of a run.

    Attributes:
        game_name, game_hash: of the game.
        seeds: (S,).
        iterations: checkpoints, (C,).
        not_finite: iterates that are no numbers.
        not_converged: iterates whose leader's equilibrium was not found.
        values: name of a condition -> its number at each iterate, (S, C); NaN where there is none.
        radius: name of a condition that is proved around iterates -> within which of each, (S, C); zero where it is
            not. Of alignment in log-ratios of the leader's policy, of the others in total variation of each of its rows
            and of the mean field.
        certified: the same names -> the number proved of all leaders, and mean fields, that near, (S, C); NaN where
            none is.
        uncertified: the same names -> why no proof was tried; empty where one was.

    Examples:
        >>> from smfg_verify import ac_smfg, check_along, games
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> found = check_along(game, trace, "coverage")
        >>> found.iterations.tolist(), found.values["occupancy"].shape, found.not_converged
        ([10, 20], (2, 2), 0)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("game_name", "iterations", "not_finite", "not_converged")

    game_name: str
    game_hash: str
    seeds: UInt[np.ndarray, " S"]
    iterations: Int[np.ndarray, " C"]
    not_finite: int
    not_converged: int
    values: Mapping[str, Float[np.ndarray, "S C"]]
    radius: Mapping[str, Float[np.ndarray, "S C"]]
    certified: Mapping[str, Float[np.ndarray, "S C"]]
    uncertified: Mapping[str, str]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every number in brief, in the order of the properties' conditions."""
        return tuple(self.row(name) for name in self.values)

    def row(self, name: str) -> Row:
        """One number in brief.

        Args:
            name: of the condition.

        Returns:
            Its row.

        Raises:
            ValueError: it was not asked for.
        """
        if name not in self.values:
            raise InputError(
                f"along: got {name!r}{closest(name, self.values)}, expected one of: {', '.join(self.values)}."
            )
        condition, values = CONDITIONS[name], self.values[name]
        worst = condition.worst(values)
        place = np.argwhere(values == worst)
        seed, checkpoint = place[0] if len(place) else (-1, -1)
        at_end = values[:, -1][np.isfinite(values[:, -1])]
        last = (float(at_end.min()), float(np.median(at_end)), float(at_end.max())) if at_end.size else (np.nan,) * 3
        return Row(
            condition,
            held=int(np.sum(condition.holds(values))),
            known=int(np.sum(np.isfinite(values))),
            worst=worst,
            seed=int(self.seeds[seed]) if len(place) else -1,
            iteration=int(self.iterations[checkpoint]) if len(place) else -1,
            last=last,
        )

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the conditions that fail at an iterate that has a number."""
        rows = {name: self.row(name) for name in self.values}
        return tuple(name for name, row in rows.items() if row.held < row.known)

    @property
    def near(self) -> dict[str, Near]:
        """What is proved around the iterates, of every number of which a proof was tried."""
        return {name: self._near(name) for name, reason in self.uncertified.items() if not reason}

    def _near(self, name: str) -> Near:
        condition, radius = CONDITIONS[name], self.radius[name]
        tried = int(np.sum(condition.holds(self.values[name])))
        with np.errstate(invalid="ignore"):
            proved = radius > 0.0
        if not proved.any():
            return Near(0, tried, (0.0, 0.0), float("nan"))
        radii = float(radius[proved].min()), float(np.median(radius[proved]))
        return Near(int(proved.sum()), tried, radii, condition.worst(self.certified[name][proved]))
