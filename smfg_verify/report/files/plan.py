"""plan.json."""

from pathlib import Path

from smfg_verify.files import write_atomically
from smfg_verify.jobs.plan import Plan
from smfg_verify.records.codec import plain
from smfg_verify.report.files.game import game_record

PLAN_FILE = "plan.json"


def write_plan(plan: Plan, directory: Path) -> Path:
    """Write plan.json, completely or not at all, into a directory that exists; returns the file's path."""
    text = plan.power.to_json(game=game_record(plan.game, plan.settings.name), pilot=plain(plan.pilot))
    return write_atomically(directory / PLAN_FILE, text.encode())
