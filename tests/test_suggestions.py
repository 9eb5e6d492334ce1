"""The nearest known name: itself where it is known, one misspelt where one is near, none where none is."""

import string

from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.suggestions import closest

NAMES = st.lists(st.text(string.ascii_lowercase + "-", min_size=4, max_size=12), min_size=1, max_size=6, unique=True)


@given(NAMES, st.data())
def test_a_known_name_is_nearest_to_itself_and_whatever_is_suggested_is_known(names, data):
    name = data.draw(st.sampled_from(names))
    assert closest(name, names) == f" (did you mean {name!r}?)"
    place = data.draw(st.integers(0, len(name) - 1))
    said = closest(name[:place] + name[place + 1 :], [name])
    assert said == f" (did you mean {name!r}?)"
    some = closest(data.draw(st.text(max_size=8)), names)
    assert some == "" or any(repr(known) in some for known in names)


@given(NAMES)
def test_where_nothing_is_near_nothing_is_said(names):
    assert closest("0123456789", names) == ""
    assert closest(None, []) == ""
