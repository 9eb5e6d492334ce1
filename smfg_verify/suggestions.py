"""Words that refusals share."""

import difflib
from collections.abc import Iterable


def closest(name: object, known: Iterable[str]) -> str:
    """In words, the known name nearest to a misspelt one; empty where none is near."""
    match = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.4)
    return f" (did you mean {match[0]!r}?)" if match else ""
