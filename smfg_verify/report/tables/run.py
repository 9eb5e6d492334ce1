"""What was run, and the leader's policy at its end."""

import numpy as np
from rich.table import Table
from rich.text import Text

from smfg_verify.game import AbstractGame
from smfg_verify.report.labels import labels_of
from smfg_verify.report.leader_policies import final_policies
from smfg_verify.report.tables.layout import SHOWN_ROWS, brief_table, pairs_table
from smfg_verify.stochastic import Trace


def run_table(trace: Trace, file: str) -> Table:
    """What was run and how it ended."""
    metadata = trace.metadata
    names = {"leader": "zeta", "mean_field": "xi", "follower": "alpha", "critic": "beta"}
    steps = [f"{names[key]} ({key.replace('_', ' ')}) {value:g}" for key, value in metadata.step_constants.items()]
    diverged = int(np.sum(trace.diverged))
    rows = {
        "algorithm": f"AC-SMFG, {metadata.sampling} sampling, {metadata.transitions_per_iteration} transitions an "
        "iteration",
        "seeds": f"{trace.seeds.size}",
        "iterations": f"{int(trace.iterations[-1]):,} of {metadata.num_iterations:,}",
        "checkpoints": f"{trace.iterations.size}",
        "step sizes c/sqrt(k+1)": ", ".join(steps),
        "diverged seeds": f"{diverged} of {trace.seeds.size}",
        "trace": file,
    }
    return pairs_table("Run", rows)


def learned_table(game: AbstractGame, trace: Trace) -> Table:
    """The leader's policy at the end of the run: mean and range over the seeds that did not diverge."""
    labels = labels_of(game)
    policies = final_policies(trace)
    title = f"Leader's policy after {int(trace.iterations[-1]):,} iterations, mean [smallest, largest] over seeds"
    table = brief_table(f"{title} ({len(policies)} of {trace.seeds.size})", "observation", *labels.leader_actions)
    if len(policies) == 0:
        table.add_row("every seed diverged")
        return table
    columns = (policies.mean(axis=0), policies.min(axis=0), policies.max(axis=0))
    for label, *numbers in list(zip(labels.observations, *columns, strict=True))[:SHOWN_ROWS]:
        cells = (f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in zip(*numbers, strict=True))
        table.add_row(Text(label), *cells)
    if len(labels.observations) > SHOWN_ROWS:
        table.caption = f"the first {SHOWN_ROWS} of {len(labels.observations)} observations"
    return table
