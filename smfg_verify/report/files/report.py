"""report.json: a job's results as one JSON document with a schema version."""

import dataclasses

from smfg_verify.exact import EquilibriumMethod, StackelbergGradient
from smfg_verify.jobs.pipeline import Results
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import REPORT as FORMAT
from smfg_verify.records.documents import document, headed
from smfg_verify.records.entries import Record
from smfg_verify.records.versions import versions
from smfg_verify.report.files.game import game_record
from smfg_verify.stochastic import Trace

SCHEMA_VERSION = 3
REPORT_FILE = "report.json"


def gradient_record(gradient: StackelbergGradient) -> Record:
    """Equilibrium, objective and gradient at one leader, with residuals and certificate."""
    equilibrium = gradient.equilibrium
    result: Record = plain(
        {
            "mean_field": equilibrium.mean_field,
            "follower_policy": equilibrium.follower_policy,
            "follower_value": equilibrium.follower_value,
            "residual": equilibrium.residual,
            "converged": equilibrium.converged,
            "steps": equilibrium.steps,
            "method": EquilibriumMethod(int(equilibrium.method)).label,
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
    return result


def run_record(trace: Trace) -> Record:
    """What the run was and where it ended; the iterates themselves are in the trace's own file."""
    result: Record = plain(
        {
            **dataclasses.asdict(trace.metadata),
            "method_options": trace.metadata.options,
            "seeds": trace.seeds,
            "checkpoints": trace.iterations,
            "diverged_seeds": trace.seeds[trace.diverged],
            "final_leader_logits": trace.leader_logits[:, -1],
        }
    )
    return result


def results_record(results: Results, files: tuple[str, ...] = ()) -> Record:
    """All of a job's results as plain JSON values.

    Args:
        results: of the job.
        files: names of the other files beside report.json.

    Returns:
        The record. Everything in it but `timings` is a function of the settings and the versions.
    """
    record: Record = {
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
        record["assumptions"] = results.assumptions.as_record()
    if results.bounds is not None:
        record["bounds"] = results.bounds.as_record()
    further = {
        "summary": {"refuted": list(results.refuted), "slower": list(results.slower)},
        "warnings": list(results.warnings),
        "files": list(files),
        "versions": versions(),
        "timings": dict(results.timings),
    }
    return headed(FORMAT, SCHEMA_VERSION, record | further)


def report_bytes(results: Results, files: tuple[str, ...] = ()) -> bytes:
    """The content of report.json.

    Args:
        results: of the job.
        files: names of the other files beside it.

    Returns:
        JSON text, encoded.
    """
    return document(results_record(results, files)).encode()
