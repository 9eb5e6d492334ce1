"""The glossary names what there is: every name in its second column is found in the package."""

import dataclasses
import importlib
import re
from pathlib import Path

import pytest

import smfg_verify

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text()
NAMES = sorted(
    {
        name
        for line in GLOSSARY.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`([A-Za-z_.]+)`", line.split(" | ")[1])
        if "." in name
    }
)
OWNERS = {
    "AbstractGame": smfg_verify.games.load("laffer-tax"),  # optional attributes of the contract are found on a game
    **{name: getattr(smfg_verify, name) for name in ("Equilibrium", "StackelbergGradient", "Finding", "Trace")},
    "Residuals": importlib.import_module("smfg_verify.bounds").Residuals,
    "Certificate": importlib.import_module("smfg_verify.exact.gradient.certificate").Certificate,
}


def test_the_glossary_is_read():
    assert len(NAMES) > 25


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_glossary_exists(name):
    head, _, rest = name.partition(".")
    owner = OWNERS.get(head)
    if owner is not None:
        assert hasattr(owner, rest) or rest in {field.name for field in dataclasses.fields(owner)}
        return
    module, _, attribute = f"smfg_verify.{name}".rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)
