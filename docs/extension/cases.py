"""The gallery of cases: every claim with its formula, out of the registry, and what a kept run measured."""

import json
from pathlib import Path

from docs.extension.markdown import described
from smfg_verify.cases import Case, case_names, find_case
from smfg_verify.report.tables.markdown import markdown_table

KEPT = Path(__file__).resolve().parents[1] / "data" / "cases.json"
_HEAD = """# Gallery of cases

Written from the registry of cases when the site is built. Numbers are those of a run that is kept in
`docs/data/cases.json`; nothing is measured while the site is built. [The cases](/cases.md) says how a verdict is made
and what to read with care; `smfg-verify cases NAME` measures one again.

"""


def page() -> str:
    """The page."""
    kept = {record["name"]: record for record in json.loads(KEPT.read_text())["cases"]}
    cases = [find_case(name) for name in case_names()]
    rows = [
        [
            f"[{case.name}](#{case.name})",
            case.statement,
            kept[case.name]["verdict"] if case.name in kept else "not kept",
        ]
        for case in cases
    ]
    table = markdown_table(("case", "claim", "verdict of the kept run"), rows)
    return _HEAD + table + "".join(_section(case, kept.get(case.name)) for case in cases)


def _section(case: Case, kept: dict | None) -> str:
    parts = [f"## {case.name}", described(case.function), f"Source: {case.source}"]
    if kept is not None:
        parts.append(
            markdown_table(
                ("kind", "measured", "predicted", "granted", "looked at", "version", "verdict"),
                [
                    [
                        kept["kind"],
                        *(f"{kept[key]:.4g}" for key in ("measured", "predicted", "error")),
                        kept["looked_at"],
                        kept["version"],
                        kept["verdict"],
                    ]
                ],
            )
        )
    return "\n" + "\n\n".join(part.strip() for part in parts) + "\n"
