"""Whether a report's record has every entry that a document is made of, each of its type and shape."""

from collections.abc import Mapping

import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.records.codec import number
from smfg_verify.records.entries import Entries, Json, Record

# An entry is a type, a mapping of entries, a list of one entry, or a tuple of one that may be null instead; the key *
# stands for any. A number is also what `plain` writes for one that is not finite.
_NUMBER, _ANY = "number", "*"
_LABELS = {name: [str] for name in ("states", "follower_actions", "leader_actions", "observations")}
_FORM: Record = {
    "command": str,
    "settings": {
        "game": {"name": str, "parameters": dict},
        "run": ({"seeds": int, "iterations": int, "sampling": str, "schedule": {_ANY: _NUMBER}},),
        "check": (
            {
                "properties": ([str],),
                "budget": str,
                "leaders": (int,),
                "starts": (int,),
                "seed": int,
                "time_limit": (_NUMBER,),
            },
        ),
    },
    "game": {
        "name": str,
        "class": str,
        "identity": str,
        "parameters": dict,
        "mean_field_shape": [int],
        "leader_logits_shape": [int],
        "discount": _NUMBER,
        "temperature": _NUMBER,
        "leader_temperature": _NUMBER,
        "labels": _LABELS,
    },
    "uniform_leader": {
        "residual": _NUMBER,
        "converged": bool,
        "steps": int,
        "method": str,
        "objective": _NUMBER,
        "policy_gap": _NUMBER,
        "direct_policy_gap": _NUMBER,
        "certificate": {"error_bound": _NUMBER, "objective_error_bound": _NUMBER, "condition": _NUMBER},
    },
    "summary": {"refuted": [str], "slower": [str]},
    "warnings": [str],
    "files": [str],
    "versions": {_ANY: str},
    "timings": {_ANY: _NUMBER},
}
_RUN: Record = {
    "method": str,
    "method_options": {"sampling": str, "schedule": {_ANY: _NUMBER}},
    "transitions_per_iteration": int,
    "seeds": [int],
    "checkpoints": [int],
    "num_iterations": int,
    "dtype": str,
    "diverged_seeds": [int],
}


def require_whole(record: Record) -> None:
    """Refuse a damaged record.

    Args:
        record: of report.json.

    Raises:
        ValueError: an entry is missing or of the wrong type or shape; it is named.
    """
    _require(record, _FORM, "")
    if "run" in record:
        _require(record["run"], _RUN, "run")
        if not record["run"]["checkpoints"]:
            raise _damaged("run.checkpoints", "none")
    if record["settings"]["run"] is None and "assumptions" not in record:
        raise _damaged("settings.run", "neither a run nor assumptions beside it")
    for place, shape in _shapes(record["game"]).items():
        _require_array(record["uniform_leader"].get(place), shape, f"uniform_leader.{place}")


def _shapes(game: Entries) -> dict[str, tuple[int, ...]]:
    sizes = {name: len(labels) for name, labels in game["labels"].items()}
    logits = (sizes["observations"], sizes["leader_actions"])
    parts = ("gradient", "direct", "policy_response", "mean_field_response", "held_field")
    field = (sizes["states"], *((sizes["follower_actions"],) if len(game["mean_field_shape"]) > 1 else ()))
    policy = (sizes["states"], sizes["follower_actions"])
    return {
        **dict.fromkeys(parts, logits),
        "mean_field": field,
        "follower_policy": policy,
        "follower_value": policy[:1],
    }


def _require(value: Json, form: Json, place: str) -> None:
    if form == _NUMBER:
        _require_number(value, place)
    elif isinstance(form, Mapping):
        _require(value, dict, place)
        for name, inner in form.items():
            for key in value if name == _ANY else (name,):
                _require(value.get(key, _Missing), inner, f"{place}.{key}".lstrip("."))
    elif isinstance(form, list):
        _require(value, list, place)
        for entry in value:
            _require(entry, form[0], place)
    elif isinstance(form, tuple):
        if value is not None:
            _require(value, form[0], place)
    elif not isinstance(value, form) or (form is int and isinstance(value, bool)):
        raise _damaged(place, _kind_of(value))


class _Missing:
    """In place of an entry that is not there."""


def _kind_of(value: object) -> str:
    return "nothing" if value is _Missing else f"a value of type {type(value).__name__}"


def _require_number(value: Json, place: str) -> None:
    try:
        number(value)
    except InputError as error:
        raise _damaged(place, "nothing" if value is _Missing else f"{value!r}, no number") from error


def _require_array(value: Json, shape: tuple[int, ...], place: str) -> None:
    try:
        found = np.array(value, dtype=object)
    except ValueError:  # ragged
        found = np.array(None)
    if found.shape != shape:
        raise _damaged(place, f"an array of shape {found.shape}, expected {shape}")
    for entry in found.ravel().tolist():
        _require_number(entry, place)


def _damaged(place: str, got: str) -> InputError:
    return InputError(f"{place}: got {got}; likely cause: the file is damaged.")
