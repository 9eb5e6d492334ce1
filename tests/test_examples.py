"""The example in every public docstring, run as it stands."""

import doctest
import inspect

import pytest

from experiments.api_page import public_names

NAMES = [public for public in public_names() if public.documented]


@pytest.mark.parametrize("public", NAMES, ids=[f"{public.module}.{public.name}" for public in NAMES])
def test_the_example_prints_what_it_says(public, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    text = inspect.getdoc(public.value) or ""
    example = doctest.DocTestParser().get_doctest(
        text, {}, public.name, inspect.getfile(inspect.unwrap(public.value)), 0
    )
    assert example.examples
    failures = []
    doctest.DocTestRunner(verbose=False).run(example, out=failures.append)
    assert not failures, "".join(failures)
