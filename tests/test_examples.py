"""The example in every public docstring, run as it stands."""

import doctest
import inspect

import pytest

from experiments.api_page import public_names

NAMES = [public for public in public_names() if public.documented]
# What an environment reaches is read from the code as it is.
_UNTYPED = {"from_mfglib"}
EXAMPLES = [
    pytest.param(
        public,
        id=f"{public.module}.{public.name}",
        marks=[pytest.mark.untyped] if public.name in _UNTYPED else [],
    )
    for public in NAMES
]


@pytest.mark.parametrize("public", EXAMPLES)
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
