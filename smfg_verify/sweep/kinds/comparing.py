"""Compare: AC-SMFG and other methods on the same samples, tuned alike: means over seeds at the end of each run."""

import dataclasses

import numpy as np

from smfg_verify.comparison import CompareSettings, Comparison, compare, contender_names
from smfg_verify.comparison.contenders import find_contender
from smfg_verify.comparison.paired import PairedVerdict
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries, Record
from smfg_verify.sweep.kinds.kind import Kind, Seeds, Variable, refuse_unknown, register
from smfg_verify.sweep.kinds.outcome import NO_FLAG, CellStatus, Outcome

VERDICTS = tuple(verdict.value for verdict in PairedVerdict)
_OVER, _OBJECTIVE = "method", "reward"
_VARIABLES = {
    "objective": Variable("leader's objective Phi at the end, mean over seeds", _OBJECTIVE, _OVER),
    "exploitability": Variable("exploitability at the end, mean over seeds", "reward", _OVER),
    "e_omega": Variable("||grad Phi||^2 at the end, mean over seeds", "reward^2", _OVER),
    "policy_gap": Variable("policy-space gap at the end, mean over seeds", "reward", _OVER),
    "difference": Variable("objective minus that of ac-smfg, paired by seed", _OBJECTIVE, _OVER),
    "lower": Variable("lower end of the difference's interval", _OBJECTIVE, _OVER),
    "upper": Variable("upper end of the difference's interval", _OBJECTIVE, _OVER),
    "verdict": Variable("the difference against zero", over=_OVER, flags=VERDICTS),
    "num_diverged": Variable("seeds whose iterates stopped being finite", over=_OVER),
}
_ENDS = ("objective", "exploitability", "e_omega", "policy_gap")
_OWN = tuple(field.name for field in dataclasses.fields(CompareSettings))


def _settings(options: Entries) -> Record:
    refuse_unknown("compare", options, COMPARE.options)
    methods = options.get("methods", list(contender_names()))
    if not isinstance(methods, list) or not methods or len(set(map(str, methods))) < len(methods):
        raise InputError(f"[compare] methods: got {methods!r}, expected a list of names, each once.")
    for name in methods:
        find_contender(name)
    how = CompareSettings(**{name: value for name, value in options.items() if name != "methods"})
    return {"methods": methods, **dataclasses.asdict(how)}


def _compute(game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
    how = CompareSettings(**{name: settings[name] for name in _OWN})
    found = compare(game, settings["methods"], how)
    diverged = np.array([np.sum(result.diverged) for result in found.results.values()], dtype=float)
    values = {
        **{name: _ends(found, name) for name in _ENDS},
        **{name: _differences(found, name) for name in ("difference", "lower", "upper")},
        "verdict": np.array([_verdict(found, name) for name in found.results]),
        "num_diverged": diverged,
    }
    status = CellStatus.DIVERGED if diverged.any() else CellStatus.DONE
    return [Outcome(status, values=values, labels={_OVER: tuple(found.results)})]


def _ends(found: Comparison, name: str) -> np.ndarray:
    """Means over seeds at the last checkpoint; NaN where a seed has no number."""
    return np.array([np.mean(getattr(result.measures, name)[:, -1]) for result in found.results.values()])


def _differences(found: Comparison, name: str) -> np.ndarray:
    entries = found.differences
    return np.array([getattr(entries[method], name) if method in entries else np.nan for method in found.results])


def _verdict(found: Comparison, method: str) -> int:
    entry = found.differences.get(method)
    return NO_FLAG if entry is None else VERDICTS.index(entry.verdict.value)


COMPARE = register(
    Kind(
        name="compare",
        table="compare",
        options=("methods", *_OWN),
        settings=_settings,
        by_schedule=lambda settings: False,
        by_seed=False,
        with_seeds=False,
        variables=_VARIABLES,
        compute=_compute,
    )
)
