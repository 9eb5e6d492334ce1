"""Every way to take an entry away from a record, or to make it another type, is refused by the entry's name."""

import copy
import json

import pytest

from smfg_verify.errors import InputError
from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.saved import read_saved
from smfg_verify.report.formats.whole import require_whole
from tests.support.saved_results import record_of_all_stages

pytestmark = pytest.mark.wrong_types


@pytest.fixture(scope="module")
def record():
    return record_of_all_stages()


def places(entry, place=()):
    """Every key of every mapping in a record, and the first entry of every list, as paths."""
    items = entry.items() if isinstance(entry, dict) else enumerate(entry[:1]) if isinstance(entry, list) else ()
    for key, inner in items:
        yield (*place, key)
        yield from places(inner, (*place, key))


def damaged(record, place, value=None):
    """A copy with the entry at a place taken away, or replaced."""
    found = copy.deepcopy(record)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found


def test_a_whole_record_is_one(record):
    require_whole(record)


def document_or_refusal(record, directory):
    """The document of a record; the refusal where its reader calls it bad input. Anything else is our fault."""
    (directory / "report.json").write_text(json.dumps(record))
    try:
        return contents(read_saved(directory))
    except InputError as refusal:
        return refusal


@pytest.mark.parametrize(
    "value",
    [None, 17, pytest.param("text", marks=pytest.mark.slow), [], pytest.param({}, marks=pytest.mark.slow)],
    ids=["gone", "number", "text", "list", "mapping"],
)
def test_a_damaged_record_is_bad_input_and_no_fault_of_ours(record, tmp_path, value):
    """Whatever is done to an entry outside findings and rates, which have readers of their own."""
    ours = {name: entry for name, entry in record.items() if name not in ("assumptions", "bounds")}
    refused = []
    for place in places(ours):
        found = document_or_refusal(damaged(record, place, value), tmp_path)
        if isinstance(found, InputError):
            refused.append(place)
            assert "fault" not in str(found)
    assert len(refused) > 40


def test_shapes_are_held_against_labels(record):
    for name in ("gradient", "mean_field", "follower_policy", "follower_value"):
        wrong = damaged(record, ("uniform_leader", name), [[1.0, 2.0, 3.0]])
        with pytest.raises(InputError, match=rf"uniform_leader\.{name}: got an array of shape \(1, 3\)"):
            require_whole(wrong)
