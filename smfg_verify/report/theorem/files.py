"""bound.json."""

from pathlib import Path

from smfg_verify.files import write_atomically
from smfg_verify.jobs.bound import Bound
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.report.files.game import game_record

BOUND_FILE = "bound.json"
FORMAT, SCHEMA_VERSION = "smfg-verify bound", 1


def write_bound(bound: Bound, directory: Path) -> Path:
    """Write bound.json, completely or not at all, into a directory that exists; returns the file's path."""
    certified, beside = bound.certified, bound.beside
    record = {
        "game": game_record(bound.game, bound.settings.name),
        "run": bound.run,
        "constants": None if certified.inputs is None else certified.inputs._asdict(),
        "missing": [str(reason) for reason in certified.missing],
        "missing_for_leader": [str(reason) for reason in certified.missing_for_leader],
        "follower_floor": None if beside is None else beside.floor,
        "curve": None if beside is None else beside.curve._asdict(),
        "measured": None if beside is None else beside.measured,
        "losses": None if beside is None else [loss._asdict() for loss in beside.losses],
    }
    return write_atomically(directory / BOUND_FILE, document(headed(FORMAT, SCHEMA_VERSION, plain(record))).encode())
