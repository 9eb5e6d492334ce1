"""What a worker reports of a cell that has no numbers: whose fault it is, and never a plausible number."""

import dataclasses
from pathlib import Path

import pytest

from smfg_verify.sweep import compute
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.compute import compute_bundle
from smfg_verify.sweep.kinds.kind import KINDS
from smfg_verify.sweep.kinds.outcome import CellStatus
from smfg_verify.sweep.settings import settings_of
from tests.support.sweeping import dozing

RAISING = """
import jax.numpy as jnp
from smfg_verify.games import LafferTax

class Raising(LafferTax):
    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return jnp.zeros(3)[state, 7, 7, 7]
"""


def bundle_of(tables, folder=Path()):
    return make_plan(settings_of(tables, folder)).bundles[0]


def raising(error):
    def compute(game, settings, seeds):
        raise error

    return compute


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (compute.InputError("bad"), CellStatus.REFUSED),
        (compute.NumericalError("no answer"), CellStatus.NOT_CONVERGED),
    ],
)
def test_an_error_has_the_status_of_its_kind(error, status, monkeypatch, tmp_path):
    bundle = make_plan(dozing(tmp_path / "folder", seeds=2)).bundles[0]
    kind = dataclasses.replace(KINDS["doze"], compute=raising(error))
    monkeypatch.setitem(KINDS._entries, "doze", kind)
    records = compute_bundle(bundle)
    assert [record.outcome.status for record in records] == [status] * 2
    assert records[0].outcome.reason == str(error)
    assert records[0].outcome.values == {}


@pytest.mark.untyped
def test_a_fault_of_the_package_is_a_fault_with_its_traceback(monkeypatch, tmp_path):
    bundle = make_plan(dozing(tmp_path / "folder")).bundles[0]

    monkeypatch.setitem(KINDS._entries, "doze", dataclasses.replace(KINDS["doze"], compute=_of_this_package))
    outcome = compute_bundle(bundle)[0].outcome
    assert outcome.status is CellStatus.FAULT
    assert "Traceback" in outcome.reason
    assert "TypeError" in outcome.reason


def _of_this_package(game, settings, seeds):
    from smfg_verify.game import game_hash

    return game_hash(None)  # an error inside the package that is no refusal


def test_an_error_in_the_code_of_a_game_is_refused_and_named(tmp_path):
    (tmp_path / "mine.py").write_text(RAISING)
    outcome = compute_bundle(bundle_of({"what": "solve", "games": ["mine.py:Raising"]}, tmp_path))[0].outcome
    assert outcome.status is CellStatus.REFUSED
    assert "follower_reward: JAX cannot trace it (IndexError" in outcome.reason


def test_another_game_of_the_name_stops_the_sweep(tmp_path):
    """The file was changed after the sweep began: its cells would be kept under the name of what they are not."""
    (tmp_path / "mine.py").write_text("from smfg_verify.games import LafferTax\nclass Mine(LafferTax):\n    pass\n")
    bundle = bundle_of({"what": "solve", "games": ["mine.py:Mine"]}, tmp_path)
    with pytest.raises(ValueError, match="worker: got another game"):
        compute_bundle(dataclasses.replace(bundle, identity="0" * 32))


def test_another_version_of_the_package_stops_the_sweep(monkeypatch, tmp_path):
    bundle = make_plan(dozing(tmp_path / "folder")).bundles[0]
    monkeypatch.setattr(compute, "__version__", "9.9")
    with pytest.raises(ValueError, match=r"got smfg-verify 9\.9, expected"):
        compute_bundle(bundle)
