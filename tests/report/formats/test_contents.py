"""What a document says of a record: every section, each number where it belongs, and nothing of stages not run."""

import dataclasses
import math

import numpy as np
import pytest

from smfg_verify.assumptions import find_property
from smfg_verify.bounds import RateVerdict
from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.saved import Saved, read_saved
from smfg_verify.report.formats.sections.details import detail_lines, digits
from smfg_verify.report.formats.whole import require_whole
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return read_saved(save(tmp_path_factory.mktemp("saved"), record_of_all_stages(), ("contraction", "odd")), "today")


@pytest.fixture(scope="module")
def document(saved):
    return contents(saved)


def table(document, title):
    (found,) = [one for section in document.sections for one in section.tables if one.title == title]
    return found


def texts(found):
    return [[cell.text for cell in row] for row in found.rows]


def facts(document, title):
    return dict(texts(table(document, title)))


def test_sections_stand_in_the_order_of_a_reader(document):
    assert [section.title for section in document.sections] == [
        "Summary",
        "Findings",
        "Equilibrium",
        "Alignment",
        "Runs against bounds",
        "Provenance",
    ]


def test_the_summary_has_one_row_a_property_with_its_verdict_and_what_decides(saved, document):
    report = saved.assumptions
    rows = table(document, "Properties").rows
    assert [row[0].text for row in rows] == list(report.properties)
    for row in rows:
        assert row[1].text == row[1].verdict == report.verdict(row[0].text).value
        statement = row[2].text.split(" and ")[0]
        finding = report.finding(row[0].text, statement)
        assert row[4].text == finding.meaning
        assert math.isnan(finding.constant) or row[3].value == finding.constant
    said = " ".join(document.sections[0].sentences)
    assert "Refuted: coverage: 1 of 2 checked, 8 not checked. Refuted statements: coverage/initial." in said
    assert "gradient-alignment" in said.split("Not checked:")[1]
    assert "Warning: a warning" in said


def test_what_carries_no_claim_is_not_counted_against_it(saved):
    """The gap falls, if at all, for reasons of its own, and an average remembers its start: both may be slower."""
    slow = {"policy_gap", "running-average"}
    rows = tuple(
        dataclasses.replace(row, verdict=RateVerdict.SLOWER) if row.name in slow else row for row in saved.bounds.rows
    )
    found = contents(dataclasses.replace(saved, bounds=dataclasses.replace(saved.bounds, rows=rows)))
    (said,) = [words for words in found.sections[0].sentences if words.startswith("Slower")]
    assert said == "Slower than claimed: none; of 6 residuals judged: 6 consistent with -1/2."


def test_every_finding_is_a_row_with_its_role_witness_and_search(saved, document):
    for name in saved.assumptions.properties:
        found = table(document, name)
        assert found.verdict == saved.assumptions.verdict(name).value
        for row, finding in zip(found.rows, saved.assumptions[name], strict=True):
            assert (row[0].text, row[1].text, row[4].text) == (
                finding.statement,
                finding.verdict.value,
                finding.meaning,
            )
            assert (row[3].text == "decides") == find_property(name).decides(finding.statement)
            assert row[5].text == f"{finding.evidence.value}: {finding.method}"
            assert len(row[5].more) == len(finding.witness) + len(finding.searched)


def test_equilibrium_and_gradient_are_the_record_s(saved, document):
    uniform = saved.record["uniform_leader"]
    states = table(document, "Mean field and follower's policy").rows
    numbers = np.array([[cell.value for cell in row[1:]] for row in states])
    np.testing.assert_array_equal(numbers[:, 0], uniform["mean_field"])
    np.testing.assert_array_equal(numbers[:, 1:-1], uniform["follower_policy"])
    np.testing.assert_array_equal(numbers[:, -1], uniform["follower_value"])
    parts = np.array([[cell.value for cell in row[1:]] for row in table(document, _GRADIENT).rows])
    for column, name in enumerate(("gradient", "direct", "policy_response", "mean_field_response", "held_field")):
        np.testing.assert_array_equal(parts[:, column], np.ravel(uniform[name]))


_GRADIENT = "Gradient of the leader's objective under the uniform leader"


def test_rates_are_the_record_s(saved, document):
    rows = table(document, "Rates of 9 seeds' means").rows
    for row, found in zip(rows, saved.bounds.rows, strict=True):
        assert [row[k].value for k in (1, 2, 3)] == [found.means[0], found.means[-1], found.slope]
        assert (row[0].text, row[4].text) == (found.name, found.verdict.value)
        assert row[5].value == found.envelope.constant
    breaks = table(document, "Where the transient ends").rows
    assert [row[0].text for row in breaks] == list(saved.bounds.changes)


def test_provenance_says_what_it_takes_to_make_it_again(saved, document):
    origin = facts(document, "Origin")
    assert origin["date"] == "today"
    assert origin["command line"].startswith("smfg-verify validate laffer-tax --seeds 3")
    assert origin["content of the game"] == saved.record["game"]["identity"]
    assert origin["seeds of the run"] == ", ".join(map(str, saved.record["run"]["seeds"])).replace("0, 1, 2", "0 to 2")
    assert facts(document, "Versions") == saved.record["versions"]
    assert facts(document, "Seconds") == {"run": "1.5", "check": "10.2"}
    assert set(facts(document, "Parameters")) == set(saved.record["game"]["parameters"])


def test_every_figure_stands_somewhere(document):
    places = {picture.name: section.title for section in document.sections for picture in section.pictures}
    assert places == {"contraction": "Findings", "odd": "Provenance"}


def test_stages_that_were_not_run_have_no_section(saved, document):
    record = {name: part for name, part in saved.record.items() if name not in ("run", "bounds")}
    check = contents(Saved(record, saved.assumptions, None, {}, {}, (), "today"))
    assert "Runs against bounds" not in [section.title for section in check.sections]
    assert "seeds of the run" not in facts(check, "Origin")
    record = {name: part for name, part in saved.record.items() if name not in ("assumptions", "bounds")}
    run = contents(Saved(record, None, None, {}, {}, ("gone.svg",), "today"))
    assert "Findings" not in [section.title for section in run.sections]
    assert run.sections[0].tables == ()
    assert "gone.svg" in " ".join(run.sections[0].sentences)
    assert [one.title for section in run.sections for one in section.tables if "Rates" in one.title] == []


def test_what_is_no_number_is_none_and_long_arrays_are_cut():
    assert [digits(value) for value in ("NaN", "Infinity", 0.1234567, 3)] == ["none", "inf", "0.123457", "3"]
    lines = detail_lines({"a_b": np.arange(60), "c": {"d": np.float64(0.5), "e": "text"}})
    assert lines[0].startswith("a b: 60: 0 1 2 ")
    assert lines[0].endswith("47 ... (60 in all, in report.json)")
    assert lines[1:] == ("c d: 0.5", "c e: text")


def test_identifiers_do_not_clash(document):
    names = [section.identifier for section in document.sections]
    names += [one.identifier for section in document.sections for one in section.tables]
    assert len(names) == len(set(names))


def test_a_mean_field_over_states_and_actions_is_shown_action_by_action(saved):
    uniform = {**saved.record["uniform_leader"], "mean_field": [[0.1, 0.2], [0.3, 0.4]]}
    game = {**saved.record["game"], "mean_field_shape": [2, 2]}
    record = {**saved.record, "uniform_leader": uniform, "game": game}
    require_whole(record)
    joint = table(contents(dataclasses.replace(saved, record=record)), "Mean field and follower's policy")
    assert [column.name for column in joint.columns][1:3] == ["m(s, work formally)", "m(s, work informally)"]
    assert [[cell.value for cell in row[1:3]] for row in joint.rows] == uniform["mean_field"]


def test_an_equilibrium_that_was_not_found_is_said_so_and_no_number_is_made_up(saved):
    lost = {name: _lost(entry) for name, entry in saved.record["uniform_leader"].items()}
    record = {**saved.record, "uniform_leader": {**lost, "converged": False}}
    require_whole(record)
    document = contents(dataclasses.replace(saved, record=record))
    assert facts(document, "Under the uniform leader")["equilibrium"].startswith("NOT CONVERGED")
    for title in ("Mean field and follower's policy", _GRADIENT):
        assert {text for row in texts(table(document, title)) for text in row[1:]} == {"none"}


def _lost(entry):
    """NaN in place of every number with a fraction."""
    if isinstance(entry, dict):
        return {name: _lost(inner) for name, inner in entry.items()}
    if isinstance(entry, list):
        return [_lost(inner) for inner in entry]
    return "NaN" if isinstance(entry, float) else entry
