"""The options of the command line that say where results go, one class for each kind of command."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smfg_verify.cli.options import FLAG, option_group
from smfg_verify.report.formats.kinds import Format


@option_group("Results", 9)
class OutOptions:
    """Where results go, and whether an interrupted command is gone on with."""

    out: Annotated[Path | None, Parameter(help="Directory of the results; results/GAME if not given.")] = None
    resume: Annotated[
        bool, FLAG, Parameter(help="Go on from what an interrupted command of these settings left in --out.")
    ] = False


@option_group("Results", 9)
class StrictOptions(OutOptions):
    """The same, for what may refute a property."""

    strict: Annotated[bool, FLAG, Parameter(help="Exit with 1 if a property is refuted or a rate slower.")] = False


_Formats = Annotated[
    tuple[Format, ...],
    Parameter(
        "--format",
        metavar="FORMAT",
        show_default=False,
        help="Also write the whole of it as a document: html, latex or markdown, as `report` does; json is written in "
        "any case; repeatable.",
    ),
]


@option_group("Results", 9)
class RunOutOptions(StrictOptions):
    """The same, for what writes a run."""

    formats: _Formats = ()
    overwrite: Annotated[bool, FLAG, Parameter(help="Replace another run in the results' directory.")] = False


_FULL = Parameter(help="Print all there is to say of each statement, not one screen.", show_default=False)


@option_group("Results", 9)
class CheckOutOptions(StrictOptions):
    """The same, for what prints findings."""

    formats: _Formats = ()
    certificates: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            show_default=False,
            help="Write the certified findings that can travel into this directory, one file each, for `verify`.",
        ),
    ] = None
    full: Annotated[bool, _FULL] = False


@option_group("Results", 9)
class ValidateOutOptions(RunOutOptions):
    """The same, for what writes a run and prints findings."""

    full: Annotated[bool, _FULL] = False


def _only_to(files: str) -> Parameter:
    return Parameter(help=f"Directory of {files}; nothing is written if not given.")


@option_group("Results", 9)
class CasesOutOptions(OutOptions):
    """The same, where nothing is written unless asked for."""

    out: Annotated[Path | None, _only_to("cases.json and cases.md")] = None


@option_group("Results", 9)
class PlanOutOptions(OutOptions):
    """The same, of a plan."""

    out: Annotated[Path | None, _only_to("plan.json")] = None


@option_group("Results", 9)
class BoundOutOptions(OutOptions):
    """The same, of the theorem's bound."""

    out: Annotated[Path | None, _only_to("bound.json and its figure")] = None


@option_group("Results", 9)
class TheoremsOutOptions(OutOptions):
    """The same, of theorems."""

    out: Annotated[Path | None, _only_to("theorems.json and theorems.md")] = None


@option_group("Results", 9)
class DriftOutOptions(OutOptions):
    """The same, of a drift report."""

    out: Annotated[Path | None, _only_to("drift.json")] = None
