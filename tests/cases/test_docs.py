"""The page of the cases says what the code says."""

import json
from pathlib import Path

import pytest

from smfg_verify.cases import CaseVerdict, case_names, find_case

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", case_names())
def test_page_shows_the_case(name):
    page, case = (DOCS / "cases.md").read_text(), find_case(name)
    section = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert case.statement in section
    assert case.formula in section
    assert case.source in section
    assert f"| {name} | " in page


def test_table_is_that_of_the_record():
    page = (DOCS / "cases.md").read_text()
    record = json.loads((DOCS / "data" / "cases.json").read_text())
    assert [case["name"] for case in record["cases"]] == list(case_names())
    for case in record["cases"]:
        assert f"| {case['name']} | {case['measured']:.6g}" in page
        assert case["verdict"] == CaseVerdict.HOLDS
