"""Check: the properties that the theory assumes, statement by statement: verdict and constant."""

import numpy as np

from smfg_verify.assumptions import Verdict, check, find_property, property_names, search_settings
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Arguments, Entries, Record
from smfg_verify.stochastic import Schedule
from smfg_verify.sweep.kinds.kind import Kind, Seeds, Variable, refuse_unknown, register
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome

VERDICTS = tuple(verdict.value for verdict in Verdict)
_VARIABLES = {
    "verdict": Variable("verdict on the statement", over="statement", flags=VERDICTS),
    "constant": Variable("constant of the statement", "the statement's", "statement"),
    "property_verdict": Variable("verdict on the property", over="property", flags=VERDICTS),
}
_OPTIONS = ("properties", "budget", "leaders", "starts", "seed", "time_limit")
# Keys of the table -> arguments of `check`.
_ARGUMENTS = {"leaders": "num_leaders", "starts": "num_starts"}
_BY_STEP_SIZES = "step-sizes"


def _settings(options: Entries) -> Record:
    refuse_unknown("check", options, _OPTIONS)
    given = options.get("properties")
    listed = list(property_names()) if given is None else [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not listed:
        raise InputError(f"[check] properties: got {given!r}, expected a name or a list of names.")
    for name in listed:
        find_property(name)
    found: Record = {"budget": "normal", "seed": 0, **options, "properties": listed}
    search_settings(**_arguments(found))
    return found


def _arguments(settings: Entries) -> Arguments:
    return {_ARGUMENTS.get(key, key): settings[key] for key in _OPTIONS if key in settings and key != "properties"}


def _compute(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    constants = Schedule(**settings.get("schedule", {})).constants()
    report = check(game, settings["properties"], step_sizes=constants, **_arguments(settings))
    values = {
        "verdict": np.array([VERDICTS.index(finding.verdict.value) for finding in report.findings]),
        "constant": np.array([finding.constant for finding in report.findings]),
        "property_verdict": np.array([VERDICTS.index(report.verdict(name).value) for name in report.properties]),
    }
    statements = tuple(f"{finding.property}/{finding.statement}" for finding in report.findings)
    return [Outcome(CellStatus.DONE, values=values, labels={"statement": statements, "property": report.properties})]


register(
    Kind(
        name="check",
        table="check",
        options=_OPTIONS,
        settings=_settings,
        by_schedule=lambda settings: _BY_STEP_SIZES in settings["properties"],
        by_seed=False,
        with_seeds=False,
        variables=_VARIABLES,
        compute=_compute,
    )
)
