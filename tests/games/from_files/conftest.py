"""A file of the user's."""

import textwrap

import pytest


@pytest.fixture
def write(tmp_path):
    def written(text, name="mine.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return str(file)

    return written
