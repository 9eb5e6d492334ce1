"""What is installed, told by where a file lies."""

import json

import jax
import pytest

from smfg_verify.game.reach.libraries import is_installed


@pytest.mark.parametrize(
    ("file", "installed"),
    [
        (json.__file__, True),
        (jax.__file__, True),
        ("/venv/lib/site-packages/beach_games/two.py", True),
        ("/usr/lib/python3/dist-packages/beach_games.py", True),
        ("<frozen importlib._bootstrap>", True),
        (__file__, False),
        ("/home/me/my-site-packages-games/two.py", False),
        ("/home/me/site-packages.py", False),
        ("<stdin>", False),
    ],
)
def test_a_file_is_installed_where_it_lies_among_packages(file, installed):
    assert is_installed(file) is installed
