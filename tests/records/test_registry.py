"""A registry: names in the order they came, one maker a name, refusals that say what was meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.records.registry import Registry

NAMES = st.lists(st.text(min_size=1), unique=True, max_size=12)


@given(NAMES)
def test_it_is_a_mapping_in_the_order_of_arrival(names):
    known = Registry("thing")
    for position, name in enumerate(names):
        known.add(name, position, maker="here")
    assert list(known.items()) == [(name, position) for position, name in enumerate(names)]
    assert [known.find(name) for name in names] == list(range(len(names)))


@given(NAMES, st.text(min_size=1))
def test_an_unknown_name_is_refused_and_changes_nothing(names, other):
    known = Registry("thing")
    for name in names:
        known.add(name, name, maker="here")
    if other not in names:
        with pytest.raises(ValueError, match="thing: got unknown name"):
            known.find(other)
    assert list(known) == names


def test_a_name_belongs_to_its_maker_who_may_come_again():
    known = Registry("thing")
    known.add("one", 1, maker="here")
    known.add("one", 2, maker="here")
    with pytest.raises(ValueError, match="'one' for there, expected a new name; it belongs to here"):
        known.add("one", 3, maker="there")
    assert known.find("one") == 2


def test_the_name_that_was_meant_is_said():
    known = Registry("thing")
    known.add("laffer-tax", 1, maker="here")
    with pytest.raises(ValueError, match=r"\(did you mean 'laffer-tax'\?\)"):
        known.find("laffer-tex")
