"""What requirements/ pins, what is installed, and what is needed: three sets that must be one.

`python -m tests.support.locks test` compares the running environment with requirements/test.txt.
"""

import importlib.metadata
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("run", "test", "dev")
# The package itself, and pip, which every new environment brings with it.
_UNPINNED = {"smfg-verify", "pip"}


def pins(lock: str, **environment: str) -> dict[str, str]:
    """Versions that one file of requirements/ pins, by canonical name.

    Args:
        lock: one of LOCKS.
        environment: markers that differ from those of the running Python, such as python_version="3.14".
    """
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
    parsed = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    inexact = [str(one) for one in parsed if [clause.operator for clause in one.specifier] != ["=="]]
    if inexact:
        raise ValueError(f"requirements/{lock}.txt: expected one exact version each, got {inexact}")
    applicable = [one for one in parsed if _applies(one, environment)]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in applicable}


def asked(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for in the environment of one lock: the dependencies, and the group of that name."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = pyproject["dependency-groups"]
    lines = [*pyproject["project"]["dependencies"], *([] if lock == "run" else _in_group(groups, lock))]
    return [Requirement(line) for line in lines]


def needed(requirements: Iterable[Requirement]) -> set[str]:
    """Names of everything that requirements bring into the running environment, as far as it is installed there."""
    found: set[tuple[str, str]] = set()
    waiting = [pair for one in requirements if _applies(one, {}) for pair in _with_extras(one)]
    while waiting:
        name, extra = pair = waiting.pop()
        if pair in found:
            continue
        found.add(pair)
        below = [Requirement(line) for line in _required_by(name)]
        waiting += [more for one in below if _applies(one, {"extra": extra}) for more in _with_extras(one)]
    return {name for name, _ in found}


def installed() -> dict[str, str]:
    """Versions installed in the running environment, but for the package and pip."""
    every = importlib.metadata.distributions()
    versions = {canonicalize_name(one.metadata["Name"]): one.version for one in every}
    return {name: version for name, version in versions.items() if name not in _UNPINNED}


def differences(lock: str) -> list[str]:
    """Where the running environment is not what one lock says, one line each."""
    pinned, here = pins(lock), installed()
    wanted = needed(asked(lock))
    file = f"requirements/{lock}.txt"
    return [
        *(f"{name} {pinned[name]}: pinned in {file}, not installed" for name in sorted(pinned.keys() - here)),
        *(f"{name} {here[name]}: installed, not pinned in {file}" for name in sorted(here.keys() - pinned)),
        *(
            f"{name}: {here[name]} is installed, {file} pins {pinned[name]}"
            for name in sorted(pinned.keys() & here)
            if here[name] != pinned[name]
        ),
        *(f"{name}: pinned in {file}, needed by nothing" for name in sorted(pinned.keys() - wanted)),
        *(f"{name}: needed, not pinned in {file}" for name in sorted(wanted - pinned.keys())),
    ]


def _required_by(name: str) -> list[str]:
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def _in_group(groups: dict[str, list], name: str) -> Iterator[str]:
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _in_group(groups, entry["include-group"])


def _with_extras(requirement: Requirement) -> list[tuple[str, str]]:
    name = canonicalize_name(requirement.name)
    return [(name, extra) for extra in ("", *requirement.extras)]


def _applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": "", **environment})


def main(lock: str) -> int:
    """Print every difference; the exit code says whether there is one."""
    found = differences(lock)
    print("\n".join(found) if found else f"The environment holds what requirements/{lock}.txt pins, and nothing else.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
