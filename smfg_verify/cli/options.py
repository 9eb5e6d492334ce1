"""The options of the command line in groups, dataclasses that commands share: name, type, help and default of each.

Fields of the run, the step constants and the check are called as the keys of the tables of a TOML file that they win
over, see `smfg_verify.cli.config`.
"""

import dataclasses
import decimal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

from cyclopts import Group, Parameter, Token, convert

from smfg_verify.errors import InputError
from smfg_verify.records.entries import Arguments
from smfg_verify.report.figures.widths import FigureWidth

_Options = TypeVar("_Options")

GameName = Annotated[
    str,
    Parameter(
        metavar="GAME",
        help="A name out of `games`, or a file of yours: file.py, file.py:Class, :instance or :function.",
    ),
]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def option_group(title: str, position: int) -> Callable[[type[_Options]], type[_Options]]:
    """Make a class a group of options, under its own title of --help, the lowest position first."""

    def decorate(cls: type[_Options]) -> type[_Options]:
        made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        return Parameter(name="*", group=Group(title, sort_key=position))(made)

    return decorate


def _whole_numbers(kind: object, tokens: Sequence[Token]) -> object:
    """Refuse what the parser would round, such as 5.7 seeds; 5.0 is 5, and 1e5 is 100000."""
    return convert(kind, tokens, converter=lambda _, text: whole_number(text))


def whole_number(text: str) -> int:
    """The whole number that a text is, in any notation of decimals.

    Raises:
        ValueError: it is none.
    """
    try:
        value = decimal.Decimal(text.strip())
    except decimal.InvalidOperation:
        raise _no_whole_number(text) from None
    # No number of seeds or iterations has more digits; 1e999999999 would fill the memory.
    if not value.is_finite() or value != value.to_integral_value() or value.adjusted() > _MAX_DIGITS:
        raise _no_whole_number(text)
    return int(value)


def _no_whole_number(text: str) -> InputError:
    return InputError(f"got {text!r}, expected a whole number, such as 100000 or 1e5")


_COUNT = Parameter(converter=_whole_numbers)
_MAX_DIGITS = 30
FLAG = Parameter(show_default=False)


@option_group("Game", 1)
class GameOptions:
    """Parameters of the game."""

    assignments: Annotated[
        tuple[str, ...] | None,
        Parameter(
            "--set", metavar="NAME=VALUE", help="A parameter of the game, such as kappa=2 or kappa=[1,2]; repeatable."
        ),
    ] = None
    config: Annotated[
        Path | None, Parameter(help="TOML file with tables game, run, schedule, check; the command line wins over it.")
    ] = None


@option_group("Run", 2)
class RunOptions:
    """A stochastic run: keys of the table [run]."""

    seeds: Annotated[int | None, _COUNT, Parameter(help="Number of seeds of the run [64].")] = None
    iterations: Annotated[int | None, _COUNT, Parameter(help="Iterations of the run [400000].")] = None
    sampling: Annotated[str | None, Parameter(help="markov or iid [markov].")] = None


@option_group("Pilot", 2)
class PilotOptions(RunOptions):
    """The run that a plan is made from."""

    seeds: Annotated[int, _COUNT, Parameter("--pilot-seeds", help="Seeds of the pilot.")] = 32
    iterations: Annotated[int, _COUNT, Parameter("--pilot-iterations", help="Iterations of the pilot.")] = 100_000


@option_group("Plan", 3)
class PlannedOptions:
    """What a plan is made for: arguments of `plan_power`."""

    seeds: Annotated[
        tuple[int, ...] | None,
        _COUNT,
        Parameter(metavar="INT", help="A number of seeds to plan for; repeatable [8, 16, ... 256]."),
    ] = None
    planned_iterations: Annotated[
        tuple[int, ...] | None,
        _COUNT,
        Parameter(
            "--iterations",
            metavar="INT",
            help="A number of iterations to plan for; repeatable [1, 4, 16 times the pilot's].",
        ),
    ] = None


@option_group("Run", 2)
class DriftRunOptions(RunOptions):
    """The run that is held against a proof's inequalities."""

    seeds: Annotated[int, _COUNT, Parameter(help="Seeds that the constants are fitted to.")] = 4
    iterations: Annotated[int, _COUNT, Parameter(help="Iterations of each seed.")] = 5000


@option_group("Run", 2)
class BoundRunOptions(RunOptions):
    """The run that the theorem's bound is held beside."""

    seeds: Annotated[int, _COUNT, Parameter(help="Seeds that errors are averaged over.")] = 16
    iterations: Annotated[int, _COUNT, Parameter(help="Iterations of each seed.")] = 20_000
    sampling: Annotated[str, Parameter(help="iid, which alone the theorem is about.")] = "iid"


@option_group("Proofs", 5)
class ProofOptions:
    """How hard constants are proved."""

    budget: Annotated[str, Parameter(help="Boxes and cells of each proof: quick, normal or thorough.")] = "normal"


@option_group("Run", 2)
class LabRunOptions(RunOptions):
    """The runs of a sweep over step sizes."""

    seeds: Annotated[int, _COUNT, Parameter(help="Seeds of every choice of step sizes.")] = 16
    iterations: Annotated[int, _COUNT, Parameter(help="Iterations of each run.")] = 10_000


@option_group("Step sizes", 4)
class StepOptions:
    """Constants of the step sizes: keys of the table [schedule]."""

    leader: Annotated[
        float | None, Parameter("--leader-step", help="c of the leader's step size zeta = c / sqrt(k + 1).")
    ] = None
    mean_field: Annotated[float | None, Parameter("--mean-field-step", help="The same of the mean field's, xi.")] = None
    follower: Annotated[float | None, Parameter("--follower-step", help="The same of the follower's, alpha.")] = None
    critic: Annotated[float | None, Parameter("--critic-step", help="The same of the critics', beta.")] = None


@option_group("Check", 5)
class CheckOptions:
    """What is checked and how hard: keys of the table [check], fields of `CheckSettings`."""

    properties: Annotated[
        tuple[str, ...] | None, Parameter("--property", metavar="NAME", help="A property to check; repeatable [all].")
    ] = None
    budget: Annotated[
        str | None, Parameter(help="How hard the check searches: quick, normal or thorough [normal].")
    ] = None
    leaders: Annotated[int | None, _COUNT, Parameter(help="Random leaders of the check [the budget's].")] = None
    starts: Annotated[int | None, _COUNT, Parameter(help="Starts of each worst-case search [the budget's].")] = None
    seed: Annotated[int | None, _COUNT, Parameter("--check-seed", help="Seed of the check's random draws [0].")] = None
    time_limit: Annotated[
        float | None,
        Parameter(
            metavar="SECONDS",
            help="Cut each proof by branch and bound short after so long [never]; its finding then says so.",
        ),
    ] = None


@option_group("Theorems", 6)
class MatchOptions:
    """What theorems are held against besides the game."""

    exponent: Annotated[
        tuple[str, ...] | None,
        Parameter(
            metavar="LEARNER=S",
            help="Steps c/(k+1)^S of a learner, S a fraction or a decimal; repeatable [1/2 for all].",
        ),
    ] = None
    report: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="Take the findings of a saved report about the same game, and check nothing."),
    ] = None


@option_group("Along a run", 6)
class AlongOptions:
    """The run at whose iterates the properties are looked at."""

    along: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            show_default=False,
            help="Look at the iterates of the run in this directory, or file, instead of searching all policies: "
            "numbers with a band over seeds, and what is certified around each leader.",
        ),
    ] = None


@option_group("Comparison", 2)
class CompareOptions:
    """Which methods are compared, on how many samples."""

    methods: Annotated[
        tuple[str, ...] | None, Parameter("--method", metavar="NAME", help="A method; repeatable [all seven].")
    ] = None
    samples: Annotated[int, _COUNT, Parameter(help="Transitions that each sampled method may draw.")] = 100_000
    seeds: Annotated[int, _COUNT, Parameter(help="Seeds of the comparison.")] = 16
    trials: Annotated[int, _COUNT, Parameter(help="Random step sizes tried for each method, on other seeds.")] = 8


@option_group("Sweep", 2)
class SweepOptions:
    """Where the cells of a sweep are computed, and where they are kept."""

    scheduler: Annotated[
        str,
        Parameter(metavar="ADDRESS", help="local, or the Dask scheduler of a cluster, tcp://host:port."),
    ] = "local"
    workers: Annotated[
        int, _COUNT, Parameter(help="Processes on this machine; 1 is this process, more need smfg-verify[distributed].")
    ] = 1
    threads_per_worker: Annotated[
        int | None,
        _COUNT,
        Parameter(help="Of each worker; the processors of its machine by the number of workers there if not given."),
    ] = None
    attempts: Annotated[int, _COUNT, Parameter(help="How often a cell is begun whose worker dies.")] = 3
    retry_failed: Annotated[bool, FLAG, Parameter(help="Begin cells that failed in an earlier sweep again.")] = False
    format: Annotated[
        Literal["zarr", "netcdf"],
        Parameter(help="Of the dataset: sweep.zarr, which needs smfg-verify[distributed], or sweep.nc."),
    ] = "zarr"
    out: Annotated[
        Path | None, Parameter(help="Directory of the results; results/FILE if not given. What is there is skipped.")
    ] = None


@option_group("Figure of the sweep", 7)
class SliceOptions:
    """What of a sweep is drawn."""

    value: Annotated[
        str, Parameter(metavar="NAME", show_default=False, help="Variable of the dataset, such as solve_objective.")
    ] = ""
    x: Annotated[
        str, Parameter("--x", metavar="AXIS", show_default=False, help="Axis to the right, such as discount.")
    ] = ""
    y: Annotated[
        str, Parameter("--y", metavar="AXIS", show_default=False, help="Axis upwards; a curve over --x without.")
    ] = ""
    at: Annotated[
        tuple[str, ...] | None, Parameter(metavar="AXIS=VALUE", help="Where another axis is held; repeatable.")
    ] = None

    @property
    def wanted(self) -> bool:
        """Whether a figure was asked for."""
        return bool(self.value or self.x or self.y or self.at)


@option_group("Figures", 8)
class FigureOptions:
    """How figures are drawn."""

    width: Annotated[
        FigureWidth,
        Parameter(help="Width of the figures: one column of a paper set in two (3.3 inches), or both (6.9 inches)."),
    ] = "two"


@option_group("Compiled programs", 10)
class ProgramOptions:
    """What an earlier command compiled."""

    no_cache: Annotated[
        bool,
        FLAG,
        Parameter(
            "--no-cache",
            help="Compile everything anew, keep nothing. Their folder is the user's or what SMFG_VERIFY_CACHE says.",
        ),
    ] = False


def given(options: Any) -> Arguments:
    """The options of a group by name, those left out excepted."""
    values = ((field.name, getattr(options, field.name)) for field in dataclasses.fields(options))
    return {name: value for name, value in values if value is not None}
