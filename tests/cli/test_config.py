"""Values of --set are what TOML would read, lists with bare commas, or else the text itself."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.cli.config import parse_assignments, parse_value, read_config

NAMES = st.text(string.ascii_lowercase + "_", min_size=1, max_size=12)
SCALARS = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(string.ascii_letters + string.digits + " -_.", max_size=12)


def written(value):
    """As TOML writes it: its numbers, booleans and basic strings of such letters are JSON's."""
    return json.dumps(value)


@given(st.dictionaries(NAMES, SCALARS | WORDS | st.lists(SCALARS, max_size=4), max_size=4), st.sampled_from(["", " "]))
def test_assignments_hold_what_was_written(values, space):
    found = parse_assignments(f"{name}{space}={space}{written(value)}" for name, value in values.items())
    assert found == values
    for name, value in values.items():
        assert type(found[name]) is type(value)


@given(st.lists(SCALARS, min_size=2, max_size=5))
def test_bare_commas_are_a_list(values):
    assert parse_value(",".join(map(written, values))) == values
    assert parse_value(f"[{', '.join(map(written, values))}]") == values


@given(st.text(string.ascii_letters + "/:._-", min_size=1).filter(lambda text: text not in ("true", "false", "inf")))
def test_what_is_no_toml_value_is_the_text_itself(text):
    if text.lstrip("-+") in ("inf", "nan", "true", "false"):
        return
    assert parse_value(text) == text
    assert parse_assignments([f"name={text}"]) == {"name": text}


@given(NAMES, st.sampled_from(["{}", "={}", "{}=", " = "]))
def test_an_assignment_without_a_name_or_a_value_is_refused_and_so_is_one_made_twice(name, shape):
    with pytest.raises(ValueError, match="expected name=value"):
        parse_assignments([shape.format(name)])
    with pytest.raises(ValueError, match="more than once"):
        parse_assignments([f"{name}=1", f" {name} = 2"])


@given(NAMES.filter(lambda name: name not in ("game", "run", "schedule", "check")), st.sampled_from(["table", "key"]))
def test_an_unknown_table_or_key_is_named(tmp_path_factory, name, kind):
    path = tmp_path_factory.getbasetemp() / "unknown.toml"
    known = {"seeds", "iterations", "sampling"}
    if kind == "key" and name in known:
        return
    path.write_text(f"[{name}]\n" if kind == "table" else f"[run]\n{name} = 1\n")
    with pytest.raises(ValueError, match=f"unknown {kind}.*'{name}'"):
        read_config(path)
    path.write_text(f"[game]\n{name} = 1\n[run]\nseeds = 3\n")
    assert read_config(path) == {"game": {name: 1}, "run": {"seeds": 3}}
