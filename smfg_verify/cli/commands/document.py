"""What a job left, as a document to read, print or include."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smfg_verify.cli.endings import FINISHED
from smfg_verify.cli.screen import say_written_to
from smfg_verify.errors import InputError
from smfg_verify.report.formats.kinds import FILES, Format


def report(
    directory: Annotated[
        Path,
        Parameter("DIR", metavar="PATH", help="The directory that check, run or validate wrote to (its --out)."),
    ],
    /,
    *,
    format: Annotated[
        Format,
        Parameter(help="One file with everything in it, a fragment for a paper, tables, or the record."),
    ] = "html",
    out: Annotated[
        Path | None, Parameter(help="File to write [DIR/report.html, .tex or .md; json is printed].")
    ] = None,
    date: Annotated[
        str | None, Parameter(help="When the results were made, in your words [when report.json was last written].")
    ] = None,
    to_screen: Annotated[bool, Parameter("--print", show_default=False, help="Print it, and write no file.")] = False,
) -> int:
    """Make one document of saved results: summary, findings, equilibrium, alignment, rates, provenance."""
    from smfg_verify.files import write_atomically
    from smfg_verify.report.formats.writing import rendered
    from smfg_verify.watching import doing

    if to_screen and out is not None:
        raise InputError(f"--print: got it beside --out {out}, expected one of the two.")
    path = out or (directory / FILES[format] if format in FILES and not to_screen else None)
    with doing(f"making the document of {directory}"):
        text = rendered(directory, format, date)
    if path is None:
        print(text, end="")
    else:
        say_written_to(write_atomically(path, text.encode()))
    return FINISHED
