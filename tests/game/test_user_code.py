"""Whose code an error comes from: the innermost line that is no library's decides."""

import re
import traceback

import numpy as np
import pytest

from smfg_verify.bounds.local.components import unflattened
from smfg_verify.errors import InputError
from smfg_verify.game.user_code import blamed_on_user_code, in_words, place_in_user_code
from smfg_verify.games import LafferTax


def in_a_library():
    np.linalg.solve(np.zeros((2, 2)), np.ones(2))


def in_the_package():
    unflattened(LafferTax(), np.zeros(3))


def caught(function) -> BaseException:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_error_in_a_library_that_the_users_code_called_is_the_users():
    error = caught(in_a_library)
    place = place_in_user_code(error)
    assert place.name == "in_a_library"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == "in_a_library"]
    assert place.lineno == own[0].lineno
    assert re.match(
        rf".*test_user_code\.py, line {place.lineno}, in in_a_library: LinAlgError: ", in_words(error, place)
    )


def test_an_error_inside_the_package_is_ours_and_stays_as_it_is():
    error = caught(in_the_package)
    assert place_in_user_code(error) is None
    with pytest.raises(type(error)) as again, blamed_on_user_code():
        in_the_package()
    assert not isinstance(again.value, InputError)


def test_the_users_error_becomes_bad_input_with_its_place_and_bad_input_stays():
    said = r"^game: .*, in in_a_library: LinAlgError: .* Likely cause: "
    with pytest.raises(InputError, match=said), blamed_on_user_code():
        in_a_library()
    with pytest.raises(InputError, match=r"^as it is$"), blamed_on_user_code():
        raise InputError("as it is")
