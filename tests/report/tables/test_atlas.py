"""The atlas' cells are the verdicts of the reports, on the screen and as Markdown; what was not checked has a dash."""

import pytest

from smfg_verify.jobs.atlas import Atlas
from smfg_verify.jobs.settings import CheckSettings
from smfg_verify.report.tables.atlas import atlas_markdown, atlas_table
from tests.report.records import assumptions, finding
from tests.report.tables.test_markdown import rendered
from tests.support.screens import cells, heads


@pytest.fixture
def atlas():
    reports = {
        "one": assumptions(finding("coverage", "initial"), finding("step-sizes", "order", "refuted")),
        "a|b.py:Two": assumptions(finding("coverage", "initial", "inconclusive", float("nan"))),
    }
    return Atlas(settings=CheckSettings(budget="quick"), reports=reports, seconds={})


def expected(atlas):
    return [
        (name, *(report.verdict(p).value if p in report.properties else "-" for p in atlas.properties))
        for name, report in atlas.reports.items()
    ]


def test_screen_and_markdown_show_every_verdict_of_every_report(atlas):
    assert atlas.properties == ("coverage", "step-sizes")
    table = atlas_table(atlas)
    assert [head.replace("\n", "") for head in heads(table)] == ["game", *atlas.properties]
    assert cells(table) == expected(atlas)
    assert "refuted" in str(cells(table))
    assert expected(atlas)[1][-1] == "-"
    assert rendered(atlas_markdown(atlas)) == [["game", *atlas.properties], *map(list, expected(atlas))]
