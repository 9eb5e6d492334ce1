"""docs/benchmarks.md out of the numbers that `python -m benchmarks.collect` kept: nothing on the page is typed by hand.

The numbers go into docs/data beside it, so that a test can write the page again. What was not measured, or failed, is
said in its place. Ratios above one are in this package's favour.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.page.limits import limits_section
from benchmarks.page.recorded import Parts, duration, spread
from benchmarks.peers.environments import FOLDER, ROOT
from smfg_verify.report.tables.markdown import markdown_table

PAGE, KEPT = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "data" / "benchmarks.json"
OURS = "smfg_verify, "
MISSING = "not measured"


def rows_of(parts: Parts, part: str, size: int) -> list[dict]:
    return parts.get(part).get(str(size), [])


def of_target(rows: Sequence[dict], place: int) -> list[dict]:
    """Those of the first or second target."""
    wanted = sorted({row["target"] for row in rows}, reverse=True)
    return [row for row in rows if len(wanted) > place and row["target"] == wanted[place] and row["seconds"]]


def best_peer(rows: Iterable[dict], word: str = "") -> dict | None:
    found = [row for row in rows if not row["solver"].startswith(OURS) and word in row["solver"]]
    return min(found, key=lambda row: row["seconds"]["median"], default=None)


def ours(rows: Iterable[dict], kind: str) -> dict | None:
    return next((row for row in rows if row["solver"] == OURS + kind), None)


def shown(row: dict | None) -> str:
    return MISSING if row is None else spread(row["seconds"])


def nash_line(parts: Parts, part: str, size: int, place: int) -> tuple[str, str]:
    """Peer and package now, at one target."""
    rows = of_target(rows_of(parts, part, size), place)
    same, new, peer, shipped = (
        ours(rows, "same object"),
        ours(rows, "new object"),
        best_peer(rows, "best step size, lean"),
        best_peer(rows, "shipped step size, shipped"),
    )
    theirs = f"{shown(peer)} at the best step size, {shown(shipped)} as shipped"
    return theirs, f"{shown(same)} same object, {shown(new)} new object"


def dense_line(parts: Parts, sizes: Sequence[int]) -> str:
    known = {row["states"]: row["equilibrium"]["median"] for row in parts.get("dense", [])}
    return " / ".join(duration(known[size]) if size in known else MISSING for size in sizes)


def gradient_line(parts: Parts, sizes: Sequence[int]) -> tuple[str, str]:
    known = {row["states"]: row for row in parts.get("dense", [])}
    rows = [known.get(size) for size in sizes]
    ratios = [row and row["gradient"]["median"] / row["equilibrium"]["median"] for row in rows]
    slower = [row and row["differences"] and row["differences"] / row["equilibrium"]["median"] for row in rows]
    return (
        f"central differences {_joined(slower, '.0f')} solves",
        f"{_joined(ratios, '.2f')} solves",
    )


def _joined(values: Sequence[float | None], form: str) -> str:
    return " / ".join(MISSING if value is None else format(value, form) for value in values)


def seed_step(parts: Parts, seeds: str, floats: str) -> dict[str, float]:
    """Contender -> median nanoseconds of the wall clock."""
    return {
        name: 1e9 * float(np.median([clock["wall"] for clock in clocks]))
        for name, clocks in parts.get(f"seed-steps, {seeds}, {floats}").items()
    }


def seed_line(parts: Parts, seeds: str) -> tuple[str, str]:
    columns = [seed_step(parts, seeds, floats) for floats in ("float32", "float64")]
    wanted = ("Numba loop, 1 thread", "Numba loop, 2 threads", "ac_smfg, random affine game")
    one, two, mine = (_joined([column.get(name) for column in columns], ".0f") for name in wanted)
    return f"Numba {one} ns on one thread, {two} ns on two", f"{mine} ns"


def command_line(parts: Parts) -> str:
    found = {(row["command"], row["kept"]): row for row in parts.get("first minute", [])}
    commands = ("show laffer-tax", "check laffer-tax --budget quick", "check laffer-tax")
    texts = []
    for state, word in (("none", "cold"), ("all", "warm")):
        times = [found.get((command, state)) for command in commands]
        texts.append(" / ".join(MISSING if row is None else f"{row['clock']:.1f}" for row in times) + f" s {word}")
    return ", ".join(texts)


# What each line was when the work on speed began: version 0.2.0 on two quiet cores.
_FILED = (
    ("Crowded chain S = 7 to 1e-3", "23.7 ms, 36.5 ms as shipped", "4.9 ms same object, 24.9 ms new object"),
    ("the same to 1e-6", "30 ms in double precision", "48 ms"),
    ("Crowded chain S = 1000, to 1e-3 / 1e-6 of the rewards' scale", "0.24 s / 0.61 s", "no answer in 280 s"),
    ("Dense game, n = 50 / 100 / 200 / 400 / 800", "", "18 ms / 180 ms / 0.87 s / 4.9 s / over 60 s"),
    ("Gradient, n = 10 / 50 / 200", "central differences 59 / 289 / 1030 times slower", "1.4 to 1.55 solves"),
    ("AC-SMFG seed-step, n = 10, 64 seeds, float32 / float64", "Numba 517 / 665 ns, on two 290 / 331", "546 / 813 ns"),
    ("the same, 1 seed", "Numba 659 / 645 ns", "30,400 / 45,600 ns"),
    ("`show`, `check --budget quick`, `check`, seconds", "", "14.3 / 63 / 70 s cold"),
)


def then_and_now(parts: Parts) -> str:
    long = [of_target(rows_of(parts, "chain of 1000", 1000), place) for place in (0, 1)]
    differences, gradient = gradient_line(parts, (10, 50, 200))
    now = (
        nash_line(parts, "chain", 7, 0),
        nash_line(parts, "chain", 7, 1),
        ("", " / ".join(shown(ours(rows, "new object")) for rows in long)),
        ("", dense_line(parts, (50, 100, 200, 400, 800))),
        (differences, gradient),
        seed_line(parts, "64 seeds"),
        seed_line(parts, "1 seed"),
        ("", command_line(parts)),
    )
    head = ("work", "peer, version 0.2.0", "package, version 0.2.0", "peer, this run", "package, this run")
    return markdown_table(head, [(*then, *later) for then, later in zip(_FILED, now, strict=True)])


def against_peers(parts: Parts) -> str:
    head = ("game", "n", "target", "new object", "best peer", "which", "times ours", "times ours, as shipped")
    rows = []
    for part, title in (("chain", "crowded chain"), ("garnet", "garnet")):
        for size in parts.get(part):
            for place in (0, 1):
                at = of_target(rows_of(parts, part, int(size)), place)
                mine, peer = ours(at, "new object"), best_peer(at)
                if mine is None:
                    continue
                theirs = (shown(peer), "", "none reaches it") if peer is None else (shown(peer), *_told(peer, mine))
                rows.append(
                    (title, size, f"{mine['target']:.2g}", shown(mine), *theirs, _ratio(best_peer(at, "shipped"), mine))
                )
    return markdown_table(head, rows) if rows else f"{MISSING}\n"


def _told(peer: dict, mine: dict) -> tuple[str, str]:
    which = peer["solver"].removeprefix("Bench-MFG mirror descent, ")
    return f"{which}, {peer['precision']}, {peer['iterations']} iterations", _ratio(peer, mine)


def _ratio(peer: dict | None, mine: dict) -> str:
    return "not reached" if peer is None else f"{peer['seconds']['median'] / mine['seconds']['median']:.2g}"


def dense_growth(parts: Parts) -> str:
    head = (
        "n",
        "steps",
        "equilibrium",
        "growth",
        "gradient",
        "gradient / solve",
        "differences / gradient",
        "SciPy / ours",
    )
    rows, last = [], None
    for row in parts.get("dense", []):
        solve, gradient = row["equilibrium"], row["gradient"]
        growth = "" if last is None else _exponent(last, (row["states"], solve["median"]))
        last = (row["states"], solve["median"])
        rows.append(
            (
                *(str(row["states"]), str(row["steps"]), spread(solve), growth, spread(gradient)),
                f"{gradient['median'] / solve['median']:.2f}",
                "" if row["differences"] is None else f"{row['differences'] / gradient['median']:.0f}",
                "" if row["scipy"] is None else f"{row['scipy'] / solve['median']:.0f}",
            )
        )
    return markdown_table(head, rows) if rows else f"{MISSING}\n"


def _exponent(before: tuple[int, float], after: tuple[int, float]) -> str:
    return f"{np.log(after[1] / before[1]) / np.log(after[0] / before[0]):.2f}"


def sparse_growth(parts: Parts) -> Iterator[str]:
    for family, rows in parts.get("sparse").items():
        yield f"{family}:\n"
        yield markdown_table(tuple(rows[0]), [tuple(row.values()) for row in rows])


def seed_steps(parts: Parts) -> str:
    head = (
        "run",
        "contender",
        "wall [ns]",
        "least to most",
        "processor [ns]",
        "ours / it, wall",
        "ours / it, processor",
    )
    rows = []
    for name in [name for name in parts.names if name.startswith("seed-steps")]:
        clocks = {
            contender: {kind: [1e9 * clock[kind] for clock in found] for kind in ("wall", "processor")}
            for contender, found in parts.get(name).items()
        }
        mine = clocks.get("ac_smfg, random affine game")
        for contender, found in clocks.items():
            wall, processor = np.median(found["wall"]), np.median(found["processor"])
            ratios = [
                ""
                if mine is None or "loop" not in contender
                else f"{np.median(mine[kind]) / np.median(found[kind]):.2g}"
                for kind in ("wall", "processor")
            ]
            span = f"{min(found['wall']):.0f} to {max(found['wall']):.0f}"
            rows.append(
                (name.removeprefix("seed-steps, "), contender, f"{wall:.0f}", span, f"{processor:.0f}", *ratios)
            )
    return markdown_table(head, rows) if rows else f"{MISSING}\n"


def sweeps(parts: Parts) -> str:
    head = ("cells", "two workers over one", "over one with all threads", "processor a cell, two over one")
    rows = []
    for name, found in parts.get("sweep").items():
        cpu = [turn["two"]["cpu"] / turn["one"]["cpu"] for turn in found["turns"] if turn["one"]["cpu"]]
        ratios = [f"{np.median(found['ratios'][way]):.2f}" for way in ("one", "one with all threads")]
        rows.append((name, *ratios, f"{np.median(cpu):.2f}" if cpu else ""))
    return markdown_table(head, rows) if rows else f"{MISSING}\n"


def first_minute(parts: Parts) -> str:
    found = parts.get("first minute", [])
    if not found:
        return f"{MISSING}\n"
    columns = [name for name in found[0] if name not in ("command", "kept")]
    rows = [
        (f"`{row['command']}`", row["kept"], *(f"{row[name]:.{0 if 'programs' in name else 1}f}" for name in columns))
        for row in found
    ]
    return markdown_table(("command", "kept programs", *columns), rows)


def measured_how(record: dict, parts: Parts) -> str:
    machine, versions = record["machine"], record["versions"]
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    peers = "; ".join(" ".join(pins) for pins in record["peers"].values())
    lines = [
        f"{record['date']}, {machine['processor']}, {machine['cores']} cores, {machine['system']}, Python "
        f"{machine['python']}. {said}. Peers, each in an environment of its own: {peers}.\n"
    ]
    rows = [
        (name, f"{part['seconds']:.0f}", *(f"{load:.1f}" for load in part["load"]), parts.trouble(name))
        for name, part in record["parts"].items()
    ]
    return "".join([*lines, "\n", markdown_table(("part", "seconds", "load before", "load after", "trouble"), rows)])


_PAGE = """# Benchmarks

Written by `make bench-page` from what `make bench` measured: run both on a quiet machine. Medians with their range,
compilation apart. Exploitability and consistency are recomputed for everyone by one SciPy program in double precision.
A load above zero before a part began says that the machine was not quiet: ratios then say more than times, and seconds
of the processor more than those of the clock.

## Then and now

Columns of version 0.2.0 are from a machine whose rates were not recorded: the ratios of one run say more than the
times of two.

{then}
## Equilibria without entropy, beside Bench-MFG

Online mirror descent at the step size that it ships and at the best of a grid, in single and double precision, as
shipped and without its exploitability at each step; the best of all these is the best peer. Above one in the last two
columns this package is the faster one.

{peers}
## Dense games

Random games with A = B = 3 ([source](methods.md)); growth is the exponent of n from one size to the next.

{dense}
## Games of local moves

{sparse}
## AC-SMFG, a seed-step

{steps}
## Sweeps

Cells a second; each of the workers with one thread.

{sweeps}
## The first minute

{minute}
## Where the remaining time goes

{limits}
## How it was measured

{how}"""


def page(record: dict) -> str:
    parts = Parts(record["parts"])
    sections: dict[str, Callable[[], str]] = {
        "then": lambda: then_and_now(parts),
        "peers": lambda: against_peers(parts),
        "dense": lambda: dense_growth(parts),
        "sparse": lambda: "\n".join(sparse_growth(parts)) or f"{MISSING}\n",
        "steps": lambda: seed_steps(parts),
        "sweeps": lambda: sweeps(parts),
        "minute": lambda: first_minute(parts),
        "limits": lambda: limits_section(parts),
        "how": lambda: measured_how(record, parts),
    }
    return _PAGE.format(**{name: write() for name, write in sections.items()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER / "results.json")
    arguments = parser.parse_args()
    record = json.loads(arguments.results.read_text())
    KEPT.write_text(json.dumps(record, indent=None, separators=(",", ":")) + "\n")
    PAGE.write_text(page(record))
    print(f"wrote {PAGE} and {KEPT}")


if __name__ == "__main__":
    main()
