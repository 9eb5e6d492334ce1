"""Many cells: games, parameters, step sizes and seeds from one file, here or on a cluster, and one dataset of all."""

import functools
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from smfg_verify.cli.computing import prepare
from smfg_verify.cli.config import assigned_texts
from smfg_verify.cli.endings import FINISHED, INTERRUPTED, say
from smfg_verify.cli.options import FigureOptions, ProgramOptions, SliceOptions, SweepOptions, given
from smfg_verify.cli.screen import say_written, screen


def sweep(
    file: Annotated[Path, Parameter("FILE", metavar="PATH", help="TOML file of the sweep, see docs/sweep.md.")],
    /,
    how: SweepOptions = SweepOptions(),
    drawn: SliceOptions = SliceOptions(),
    figures: FigureOptions = FigureOptions(),
    programs: ProgramOptions = ProgramOptions(),
) -> int:
    """Compute every cell of a design over games, parameters, step sizes and seeds; the same command goes on."""
    prepare(programs)
    from smfg_verify.files import results_folder
    from smfg_verify.jobs.sweep import SweepRun, run_sweep
    from smfg_verify.report.sweep.files import write_sweep
    from smfg_verify.report.sweep.tables import slice_table, sweep_tables
    from smfg_verify.sweep.slices import slice_of

    options = given(how)
    directory = options.pop("out", None) or Path("results") / file.stem
    run = SweepRun(**options)
    at = assigned_texts("--at", drawn.at or (), "axis=value, such as temperature=0.5")
    try:
        with results_folder(directory) as folder:
            found = run_sweep(file, folder, run, functools.partial(prepare, programs))
            shown = slice_of(found.dataset, drawn.value, drawn.x, drawn.y, at) if drawn.wanted else None
            written = write_sweep(found, shown, folder, width=figures.width)
    except KeyboardInterrupt:
        return say(
            f"interrupted; the cells that were finished are in {directory}; the same command goes on", INTERRUPTED
        )
    screen().print(sweep_tables(found), *([] if shown is None else [slice_table(shown)]))
    say_written(written)
    return FINISHED
