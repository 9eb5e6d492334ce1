"""requirements/ pins what pyproject.toml asks for, once, for every Python version, and nothing that nobody needs."""

import importlib.metadata
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support import locks
from tests.support.locks import LOCKS, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
_PYTHON = "Programming Language :: Python :: "
PYTHONS = [
    line.removeprefix(_PYTHON) for line in PROJECT["classifiers"] if line.startswith(_PYTHON) and line[-1].isdigit()
][1:]


def environment(python: str) -> dict[str, str]:
    return {"python_version": python, "python_full_version": f"{python}.0"}


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_has_a_pin_that_it_allows(lock, python):
    pinned = locks.pins(lock, **environment(python))
    refused = [str(one) for one in locks.asked(lock) if pinned.get(canonicalize_name(one.name)) not in _Allowed(one)]
    assert refused == []


class _Allowed:
    """The versions that a requirement allows; no pin is not among them."""

    def __init__(self, requirement: Requirement) -> None:
        self.specifier = requirement.specifier

    def __contains__(self, version: str | None) -> bool:
        return version is not None and self.specifier.contains(version, prereleases=True)


@pytest.mark.parametrize("python", PYTHONS)
def test_a_smaller_lock_is_part_of_the_larger_one(python):
    run, test, dev = (locks.pins(lock, **environment(python)).items() for lock in LOCKS)
    assert run < test < dev


@pytest.mark.parametrize("lock", ["run", "test"])
def test_every_pin_is_needed_and_everything_needed_is_pinned(lock):
    assert set(locks.pins(lock)) == locks.needed(locks.asked(lock))


# What a library asks for in place of a part that older standard libraries lack: dask's metadata before Python 3.12.
BACKPORTS = {"importlib-metadata", "lazy-importer", "zipp"}


def test_numbers_rest_on_the_same_versions_under_every_python():
    of_each = [locks.pins("test", **environment(python)) for python in PYTHONS]
    of_each = [{name: pin for name, pin in pins.items() if name not in BACKPORTS} for pins in of_each]
    assert all(pinned == of_each[0] for pinned in of_each)


def test_pythons_are_those_that_are_asked_for():
    assert Version(PYTHONS[0]) in SpecifierSet(PROJECT["requires-python"])
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={PYTHONS[0]}")
    assert [Version(python).minor for python in PYTHONS] == list(range(Version(PYTHONS[0]).minor, 15))


class TestDifferences:
    """The check behind `make locked` tells each way in which an environment is not what the lock says."""

    def differences(self, monkeypatch, *, pins, here, needed):
        monkeypatch.setattr(locks, "pins", lambda lock: pins)
        monkeypatch.setattr(locks, "installed", lambda: here)
        monkeypatch.setattr(locks, "needed", lambda requirements: needed)
        return locks.differences("test")

    def test_none(self, monkeypatch):
        assert self.differences(monkeypatch, pins={"a": "1"}, here={"a": "1"}, needed={"a"}) == []

    @pytest.mark.parametrize(
        ("pins", "here", "needed", "word"),
        [
            ({"a": "1", "b": "2"}, {"a": "1"}, {"a", "b"}, "not installed"),
            ({"a": "1"}, {"a": "1", "b": "2"}, {"a"}, "installed, not pinned"),
            ({"a": "1", "b": "2"}, {"a": "1", "b": "3"}, {"a", "b"}, "3 is installed"),
            ({"a": "1", "b": "2"}, {"a": "1", "b": "2"}, {"a"}, "needed by nothing"),
            ({"a": "1"}, {"a": "1"}, {"a", "b"}, "needed, not pinned"),
        ],
    )
    def test_one(self, monkeypatch, pins, here, needed, word):
        (line,) = self.differences(monkeypatch, pins=pins, here=here, needed=needed)
        assert line.startswith("b")
        assert word in line

    def test_an_inexact_pin_is_refused(self, monkeypatch, tmp_path):
        (tmp_path / "requirements").mkdir()
        (tmp_path / "requirements" / "run.txt").write_text("numpy>=2  # via smfg-verify\n")
        monkeypatch.setattr(locks, "ROOT", tmp_path)
        with pytest.raises(ValueError, match="numpy>=2"):
            locks.pins("run")


def test_what_is_needed_follows_the_installed_metadata():
    assert {"pytest", "pluggy", "iniconfig", "packaging", "pygments"} <= locks.needed([Requirement("pytest")])
    assert "execnet" not in locks.needed([Requirement("pytest")])
    assert locks.needed([Requirement("pytest; python_version < '3'")]) == set()
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("no-such-package-at-all")
    assert locks.needed([Requirement("no-such-package-at-all")]) == {"no-such-package-at-all"}
