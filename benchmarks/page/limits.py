"""Where the remaining time goes: each workload beside the least that memory and BLAS of this machine could take for it.

The least is a count of what no solver of the kind can leave out, divided by the rates of `benchmarks.page.rates`: a
table is read once a Newton step, a system of 2 n unknowns (values and mean field) is factored once a step, and a
seed-step reads the rows of its two transitions. It says how far away the limits of the machine are, not what is wasted:
small workloads are calls and chains of dependent operations, which neither rate knows of.
"""

import numpy as np

from benchmarks.page.recorded import Parts, duration
from smfg_verify.report.tables.markdown import markdown_table

_ACTIONS = 3  # of each player, in the dense games and in the seed-steps


def limits_section(parts: Parts) -> str:
    """The rates of the machine, and a table of workloads."""
    rates = parts.get("limits")
    if not rates:
        return "not measured\n"
    said = (
        f"Rates of this machine, {rates['threads']} threads: copy {_giga(rates['copy'])} GB/s (one thread "
        f"{_giga(rates['copy, one thread'])}, in its caches {_giga(rates['copy in cache, one thread'])}), `dgemm` "
        f"{_giga(rates['dgemm'])} Gflop/s, `dgetrf` {_giga(rates['dgetrf'])} Gflop/s.\n\n"
    )
    rows = [*dense_rows(parts, rates), *chain_rows(parts, rates), *seed_step_rows(parts, rates)]
    head = ("work", "time", "bytes at least", "flops at least", "at the copy's rate", "at LAPACK's rate", "share")
    return said + markdown_table(head, rows) + _WORDS


_WORDS = """
Bytes and flops at least: each table of n x n x A x B numbers read once a step, one factorisation of a system of values
and mean field (2 n unknowns, 16/3 n^3 operations) a step; of a seed-step the two rows of its transitions, n x n numbers
each where they depend on the mean field. The share is the larger of the two least times by the time taken: 100% is the
limit of the machine, and a share of a few percent is the cost of calls, of operations that wait for each other, of
logarithms and exponentials, and of steps that are not Newton's.
"""


def _giga(rate: float) -> str:
    return f"{rate / 1e9:.1f}"


def _row(work: str, time: float, moved: float, flops: float, rates: dict, of_memory: str) -> tuple[str, ...]:
    memory, factors = moved / rates[of_memory], flops / rates["dgetrf"]
    share = max(memory, factors) / time
    amounts = (f"{moved:.2g}", f"{flops:.2g}" if flops else "", duration(memory), duration(factors) if flops else "")
    return (work, duration(time), *amounts, f"{100.0 * share:.2g}%")


def dense_rows(parts: Parts, rates: dict) -> list[tuple[str, ...]]:
    rows = []
    for found in parts.get("dense", []):
        size, steps = found["states"], max(1, found["steps"])
        moved = 8.0 * steps * size * size * _ACTIONS * _ACTIONS
        work = f"dense equilibrium, n = {size}, {steps} steps"
        flops = 16.0 / 3.0 * steps * size**3
        rows.append(_row(work, found["equilibrium"]["median"], moved, flops, rates, "copy, one thread"))
    return rows


def chain_rows(parts: Parts, rates: dict) -> list[tuple[str, ...]]:
    rows = []
    for size, found in [*parts.get("chain").items(), *parts.get("chain of 1000").items()]:
        mine = [row for row in found if row["solver"] == "smfg_verify, new object" and row["seconds"]]
        for row in mine:
            steps, n = max(1, row["iterations"]), int(size)
            work = f"crowded chain, n = {n}, to {row['target']:.2g}, {steps} steps"
            rows.append(_row(work, row["seconds"]["median"], 8.0 * steps * n * 3 * 3, 0.0, rates, "copy, one thread"))
    return rows


def seed_step_rows(parts: Parts, rates: dict) -> list[tuple[str, ...]]:
    rows = []
    for name in [name for name in parts.names if name.startswith("seed-steps")]:
        clocks = parts.get(name).get("ac_smfg, random affine game", [])
        if clocks:
            size = 50 if "n = 50" in name else 10
            moved = (8.0 if "float64" in name else 4.0) * 2 * size * size
            time = float(np.median([clock["processor"] for clock in clocks]))
            work = f"{name.replace('seed-steps', 'seed-step')}, seconds of one processor"
            rows.append(_row(work, time, moved, 0.0, rates, "copy in cache, one thread"))
    return rows
