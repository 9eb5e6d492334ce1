"""The atlas as one table, on the screen and as Markdown; nothing is computed here."""

from rich.table import Table
from rich.text import Text

from smfg_verify.jobs.atlas import Atlas
from smfg_verify.report.tables.findings import verdict_text
from smfg_verify.report.tables.layout import brief_table
from smfg_verify.report.tables.markdown import markdown_table


def atlas_table(atlas: Atlas) -> Table:
    """Games by properties, one verdict a cell."""
    # A name broken at its hyphens and one blank between columns: nine verdicts fit on a line of 120.
    headings = (name.replace("-", "-\n") for name in atlas.properties)
    table = brief_table(f"Atlas, {atlas.settings.budget} budget", "game", *headings, unbroken="game")
    table.padding = (0, 1, 0, 0)
    for name, report in atlas.reports.items():
        cells = [
            verdict_text(report.verdict(entry)) if entry in report.properties else Text("-")
            for entry in atlas.properties
        ]
        table.add_row(Text(name), *cells)
    return table


def atlas_markdown(atlas: Atlas) -> str:
    """The same table as Markdown, for the documentation."""
    head = ["game", *atlas.properties]
    rows = [
        [name, *(report.verdict(entry).value if entry in report.properties else "-" for entry in atlas.properties)]
        for name, report in atlas.reports.items()
    ]
    return markdown_table(head, rows)
