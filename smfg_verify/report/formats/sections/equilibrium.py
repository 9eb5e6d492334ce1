"""Equilibrium and gradient under the uniform leader."""

import itertools

from smfg_verify.records.codec import number
from smfg_verify.records.entries import Json, Record
from smfg_verify.report.formats.document import Cell, Column, Section, Table, pairs
from smfg_verify.report.formats.saved import Saved
from smfg_verify.report.formats.sections.details import digits
from smfg_verify.report.formats.sections.pictures import pictures

# Rows of states and of parameters that are shown.
_SHOWN = 100
_PARTS = {
    "total": "gradient",
    "direct": "direct",
    "policy response": "policy_response",
    "mean field response": "mean_field_response",
    "mean field held": "held_field",
}


def equilibrium_section(saved: Saved) -> Section:
    """How well it was solved, the mean field and the follower's policy, and the leader's objective."""
    found, game = saved.record["uniform_leader"], saved.record["game"]
    tables = (pairs("Under the uniform leader", _facts(found)), _states(found, game))
    return Section("Equilibrium", (), tables, pictures(saved, "equilibrium"))


def gradient_table(record: Record) -> Table:
    """The gradient of the leader's objective by parameter, and its parts."""
    labels = record["game"]["labels"]
    parts = {name: record["uniform_leader"][key] for name, key in _PARTS.items()}
    places = list(itertools.product(range(len(labels["observations"])), range(len(labels["leader_actions"]))))
    rows = tuple(
        (
            Cell(f"{labels['leader_actions'][action]} at {labels['observations'][row]}"),
            *(_number(part[row][action]) for part in parts.values()),
        )
        for row, action in places[:_SHOWN]
    )
    columns = (Column("logit of", width=0.3), *(Column(name, numbers=True, width=0.14) for name in parts))
    caption = (
        "total = direct + policy response + mean field response; with the mean field held, the follower's policy still "
        "answers the leader."
    )
    title = "Gradient of the leader's objective under the uniform leader"
    return Table(title, columns, rows, _cut(caption, len(places), "parameters"), identifier="gradient")


def _facts(found: Record) -> dict[str, str]:
    certificate = found["certificate"]
    state = "converged" if found["converged"] else "NOT CONVERGED: what needs it is no number"
    return {
        "equilibrium": f"{state}, {found['steps']} steps, {found['method']}",
        "residual": digits(found["residual"], 3),
        "objective": digits(found["objective"], 10),
        "error of the objective": f"at most {digits(certificate['objective_error_bound'], 3)}, to first order",
        "error of the gradient": f"at most {digits(certificate['error_bound'], 3)}, to first order",
        "condition number": digits(certificate["condition"], 4),
        "policy-space gap": f"{digits(found['policy_gap'])}, 0 at a stationary policy",
        "direct policy-space gap": digits(found["direct_policy_gap"]),
    }


def _states(found: Record, game: Record) -> Table:
    labels = game["labels"]
    actions = labels["follower_actions"]
    joint = len(game["mean_field_shape"]) > 1
    masses = [f"m(s, {action})" for action in actions] if joint else ["m(s)"]
    heads = ("state", *masses, *(f"pi({action}|s)" for action in actions), "value")
    columns = tuple(Column(name, numbers=name != "state") for name in heads)
    numbers = zip(found["mean_field"], found["follower_policy"], found["follower_value"], strict=True)
    rows = tuple(
        (Cell(label), *map(_number, [*(mass if joint else [mass]), *policy, value]))
        for label, (mass, policy, value) in list(zip(labels["states"], numbers, strict=True))[:_SHOWN]
    )
    caption = _cut("m: mean field; pi: the follower's policy; value: the follower's.", len(labels["states"]), "states")
    return Table("Mean field and follower's policy", columns, rows, caption, identifier="states")


def _cut(caption: str, count: int, what: str) -> str:
    return caption if count <= _SHOWN else f"{caption} The first {_SHOWN} of {count} {what}; all are in report.json."


def _number(value: Json) -> Cell:
    return Cell(digits(value), value=number(value))
