"""A kind of cell for tests of sweeps: it sleeps, counts how often it was computed, and may kill its process.

Imported by workers too, which know it then.
"""

import os
import secrets
import signal
import time
from pathlib import Path

import jax

from smfg_verify.sweep.kinds.kind import KINDS, Kind, Variable, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.settings import settings_of

OPTIONS = ("seconds", "folder", "dies_once", "dies_always")


def prepare():
    """What a worker is prepared by: as the command line does it; reading this module makes the kind known."""
    jax.config.update("jax_enable_x64", True)


def _doze(game, settings, seeds):
    """The square of the discount of each seed; executions leave a file each, however they end."""
    folder = Path(settings["folder"])
    for seed in seeds:
        (folder / f"{float(game.discount):.6f}-{seed}-{secrets.token_hex(4)}").touch()
    names = {f"{float(game.discount):g}-{seed}" for seed in seeds}
    marks = [folder / f"died-{name}" for name in names & set(settings["dies_once"])]
    if names & set(settings["dies_always"]) or not all(mark.exists() for mark in marks):
        for mark in marks:
            mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(settings["seconds"] * len(seeds))
    return [Outcome(CellStatus.DONE, values={"value": float(game.discount) ** 2 + seed}) for seed in seeds]


if "doze" not in KINDS:
    register(
        Kind(
            name="doze",
            table="doze",
            options=OPTIONS,
            settings=lambda options: {"seconds": 0.0, "dies_once": [], "dies_always": [], **options},
            by_schedule=lambda settings: False,
            by_seed=True,
            with_seeds=False,
            variables={"value": Variable("discount squared, plus the seed")},
            compute=_doze,
        )
    )


def dozing(folder, *, discounts=(0.5, 0.6, 0.8, 0.9), seeds=1, **options):
    """Settings of a sweep over the discount whose cells doze."""
    folder.mkdir(exist_ok=True)
    tables = {
        "what": "doze",
        "games": ["laffer-tax"],
        "seeds": seeds,
        "parameters": {"discount": list(discounts)},
        "doze": {"folder": str(folder), **options},
    }
    return settings_of(tables, folder)


def executions(folder):
    """How often each cell was computed, by discount and seed."""
    found = {}
    for file in folder.iterdir():
        if not file.name.startswith("died"):
            name = file.name.rpartition("-")[0]
            found[name] = found.get(name, 0) + 1
    return found
