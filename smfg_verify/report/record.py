"""report.json: a job's results as one JSON document with a schema version."""

import dataclasses
import importlib.metadata
import json
import math
import platform
from typing import Any

import jax
import numpy as np

from smfg_verify.exact import Method, StackelbergGradient
from smfg_verify.game import AbstractGame, game_hash, leader_logits_shape, mean_field_shape
from smfg_verify.jobs.pipeline import Results
from smfg_verify.report.labels import labels_of
from smfg_verify.stochastic import Trace

FORMAT = "smfg-verify report"
SCHEMA_VERSION = 2
REPORT_FILE = "report.json"

_PACKAGES = ("smfg-verify", "jax", "jaxlib", "equinox", "jaxtyping", "numpy", "scipy", "xarray", "h5netcdf")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: arrays as nested lists, records as mappings, NaN and infinities as null."""
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return plain(np.asarray(value).tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def parameters_of(game: AbstractGame) -> dict[str, Any]:
    """Every parameter of a game with its value: the fields of its class."""
    return {field.name: plain(getattr(game, field.name)) for field in dataclasses.fields(game)}


def game_record(game: AbstractGame, name: str) -> dict[str, Any]:
    """Which game: name, class, parameters, sizes, labels, and a digest of all of it."""
    return {
        "name": name,
        "class": type(game).__name__,
        "identity": game_hash(game),
        "parameters": parameters_of(game),
        "num_states": game.num_states,
        "num_follower_actions": game.num_follower_actions,
        "num_leader_actions": game.num_leader_actions,
        "leader_logits_shape": list(leader_logits_shape(game)),
        "mean_field_shape": list(mean_field_shape(game)),
        "discount": float(game.discount),
        "temperature": float(game.temperature),
        "leader_temperature": float(game.leader_temperature),
        "labels": plain(labels_of(game)._asdict()),
    }


def gradient_record(gradient: StackelbergGradient) -> dict[str, Any]:
    """Equilibrium, objective and gradient at one leader, with residuals and certificate."""
    equilibrium = gradient.equilibrium
    return plain(
        {
            "mean_field": equilibrium.mean_field,
            "follower_policy": equilibrium.follower_policy,
            "follower_value": equilibrium.follower_value,
            "residual": equilibrium.residual,
            "converged": equilibrium.converged,
            "steps": equilibrium.steps,
            "method": Method(int(equilibrium.method)).name.lower(),
            "objective": gradient.objective,
            "gradient": gradient.total,
            "direct": gradient.direct,
            "held_field": gradient.held_field,
            "policy_response": gradient.policy_response,
            "mean_field_response": gradient.mean_field_response,
            "policy_gap": gradient.policy_gap,
            "direct_policy_gap": gradient.direct_policy_gap,
            "certificate": gradient.certificate,
        }
    )


def run_record(trace: Trace) -> dict[str, Any]:
    """What the run was and where it ended; the iterates themselves are in the trace's own file."""
    return plain(
        {
            **dataclasses.asdict(trace.metadata),
            "method_options": trace.metadata.options,
            "seeds": trace.seeds,
            "checkpoints": trace.iterations,
            "diverged_seeds": trace.seeds[trace.diverged],
            "final_leader_logits": trace.leader_logits[:, -1],
        }
    )


def results_record(results: Results, files: tuple[str, ...] = ()) -> dict[str, Any]:
    """All of a job's results as plain JSON values.

    Args:
        results: of the job.
        files: names of the other files beside report.json.

    Returns:
        The record. Everything in it but `timings` is a function of the settings and the versions.
    """
    record: dict[str, Any] = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "command": results.command,
        "settings": {
            "game": {"name": results.settings.name, "parameters": plain(results.settings.parameters)},
            "run": plain(results.run),
            "check": plain(results.check),
        },
        "game": game_record(results.game, results.settings.name),
        "uniform_leader": gradient_record(results.uniform),
    }
    if results.trace is not None:
        record["run"] = run_record(results.trace)
    if results.assumptions is not None:
        record["assumptions"] = json.loads(results.assumptions.to_json())
    if results.bounds is not None:
        record["bounds"] = json.loads(results.bounds.to_json())
    return {
        **record,
        "summary": {"refuted": list(results.refuted), "slower": list(results.slower)},
        "warnings": list(results.warnings),
        "files": list(files),
        "versions": versions(),
        "timings": dict(results.timings),
    }


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the packages its numbers depend on."""
    installed = {distribution.metadata["Name"].lower(): distribution.version for distribution in _distributions()}
    return {"python": platform.python_version()} | {name: installed.get(name, "not installed") for name in _PACKAGES}


def _distributions() -> list[importlib.metadata.Distribution]:
    return [found for name in _PACKAGES for found in importlib.metadata.distributions(name=name)]


def report_bytes(results: Results, files: tuple[str, ...] = ()) -> bytes:
    """The content of report.json.

    Args:
        results: of the job.
        files: names of the other files beside it.

    Returns:
        JSON text, encoded.
    """
    return json.dumps(results_record(results, files), indent=1, allow_nan=False).encode()
