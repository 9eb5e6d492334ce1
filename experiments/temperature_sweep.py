"""Contraction of one game over temperatures: certified bounds beside what a search finds, as a table.

`random-game --out docs/data` writes temperature-sweep.md.
"""

import argparse
import math
from pathlib import Path

import jax

from smfg_verify.assumptions import Finding, check
from smfg_verify.files import write_atomically
from smfg_verify.games import load
from smfg_verify.report.tables.markdown import markdown_table

CURVES = {
    "sup-norm": "certified, sup norm",
    "span": "certified, span",
    "modulus": "largest modulus found",
    "spectral-radius": "spectral radius",
    "softmax-scheme": "softmax scheme",
    "weighted-norm": "weighted norm",
}


def cell(value: float) -> str:
    return "none" if math.isinf(value) else "not known" if math.isnan(value) else f"{value:.4g}"


def markdown(finding: Finding) -> str:
    """One row a temperature, then from which temperature on each criterion is below one."""
    sweep, smallest = finding.details["sweep"], finding.details["smallest"]
    curves = [curve for curve in CURVES if curve in sweep or curve in smallest]
    rows = []
    for k, tau in enumerate(sweep["temperature"]):
        rows.append([cell(tau), *(cell(sweep[curve][k]) if curve in sweep else "" for curve in curves)])
    rows.append(["**below 1 from**", *(f"**{cell(smallest[curve])}**" for curve in curves)])
    return markdown_table(["tau", *(CURVES[curve] for curve in curves)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("game", nargs="?", default="random-game")
    parser.add_argument("--budget", default="normal")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    report = check(load(options.game), "contraction", budget=options.budget)
    table = markdown(report.finding("contraction", "smallest-temperature"))
    print(table)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        write_atomically(options.out / "temperature-sweep.md", table.encode())


if __name__ == "__main__":
    main()
