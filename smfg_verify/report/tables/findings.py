"""Tables for the screen, built from records; nothing is computed here."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict, find_property
from smfg_verify.exact import Method, StackelbergGradient
from smfg_verify.game import AbstractGame, game_name, leader_logits_shape, mean_field_shape
from smfg_verify.games import GameEntry
from smfg_verify.report.labels import labels_of
from smfg_verify.report.policies import final_policies
from smfg_verify.report.record import parameters_of
from smfg_verify.stochastic import Trace

_VERDICT_STYLES = {
    Verdict.CERTIFIED: "green",
    Verdict.SUPPORTED: "cyan",
    Verdict.REFUTED: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}
_SIDES = {"exact": "=", "upper": "<=", "lower": ">="}
_SHOWN_ROWS = 12


def brief_table(title: str, *columns: str, numbers: Iterable[str] = (), unbroken: str = "") -> Table:
    """An empty table of the house's look: columns in `numbers` are flush right, the `unbroken` one is never folded."""
    numbers = set(numbers)
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        side: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(Text(column), justify=side, overflow="fold", no_wrap=bool(unbroken) and column == unbroken)
    return table


def games_table(entries: Iterable[GameEntry]) -> Table:
    """All games with their sizes and sources."""
    sizes = ("n", "A", "B", "parameters")
    table = brief_table("Games", "name", *sizes, "mean field on", "what it is, and its source", numbers=sizes)
    for entry in entries:
        counts = (entry.num_states, entry.num_follower_actions, entry.num_leader_actions, entry.num_parameters)
        about = Text(entry.summary)
        about.append(f"\n{entry.source}", style="dim")
        table.add_row(Text(entry.name), *map(str, counts), entry.mean_field_support.replace("_", "-"), about)
    table.caption = "n states, A follower actions, B leader actions, at the default parameters"
    table.caption_justify = "left"
    return table


def sizes_table(game: AbstractGame, name: str, identity: str) -> Table:
    """What the game is: sizes, constants, labels and content."""
    labels = labels_of(game)
    rows = {
        **({} if game.name is None else {"name": game_name(game)}),
        "class": type(game).__name__,
        "states": _listed(game.num_states, labels.states),
        "follower actions": _listed(game.num_follower_actions, labels.follower_actions),
        "leader actions": _listed(game.num_leader_actions, labels.leader_actions),
        "leader observes": _listed(len(labels.observations), labels.observations),
        "leader logits": _shape(leader_logits_shape(game)),
        "mean field": f"on {game.mean_field_support.replace('_', '-')}, {_shape(mean_field_shape(game))}",
        "discount gamma": f"{float(game.discount):g}",
        "temperature tau": f"{float(game.temperature):g} (leader {float(game.leader_temperature):g})",
        "dependence on the mean field": f"transition {game.transition_dependence}, follower's reward "
        f"{game.follower_reward_dependence}, leader's reward {game.leader_reward_dependence}",
        "content": identity[:16],
    }
    return pairs_table(f"Game {name}", rows)


def parameters_table(game: AbstractGame, allowed: Mapping[str, str]) -> Table:
    """Every parameter with its value and, where known, the values it takes."""
    table = brief_table("Parameters", "name", "value", "allowed")
    for name, value in parameters_of(game).items():
        table.add_row(Text(name), Text(_brief(value)), Text(allowed.get(name, "")))
    return table


def documentation(game: AbstractGame) -> Text:
    """The game's own words: formula, parameters and source."""
    return Text(inspect.getdoc(type(game)) or "(this class has no docstring)")


def gradient_table(gradient: StackelbergGradient, title: str) -> Group:
    """Equilibrium, objective and gradient at one leader, with what tells how far they can be trusted."""
    equilibrium, certificate = gradient.equilibrium, gradient.certificate
    state = "converged" if bool(equilibrium.converged) else "NOT CONVERGED: the numbers that need it are nan"
    rows = {
        "equilibrium": f"{state}, {int(equilibrium.steps)} steps, {Method(int(equilibrium.method)).name.lower()}",
        "residual": f"{float(equilibrium.residual):.2e}",
        "objective Phi": f"{float(gradient.objective):.10g}",
        "||grad Phi||": f"{_norm(gradient.total):.6g}  (in logits)",
        "  direct part": f"{_norm(gradient.direct):.6g}",
        "  policy response": f"{_norm(gradient.policy_response):.6g}",
        "  mean field response": f"{_norm(gradient.mean_field_response):.6g}",
        "  mean field held": f"{_norm(gradient.held_field):.6g}  (the follower's policy answers)",
        "policy-space gap": f"{float(gradient.policy_gap):.6g}  (0 at a stationary policy, saturated ones included)",
        "certificate": f"error of grad Phi <= {float(certificate.error_bound):.2e} (first order): adjoint residual "
        f"{float(certificate.adjoint_residual):.2e}, condition number {float(certificate.condition):.3g}",
    }
    return Group(pairs_table(title, rows))


def equilibrium_tables(game: AbstractGame, gradient: StackelbergGradient) -> Group:
    """Mean field and follower's policy, state by state."""
    labels = labels_of(game)
    field = np.asarray(gradient.equilibrium.mean_field)
    policy = np.asarray(gradient.equilibrium.follower_policy)
    columns = ("m(s)", *(f"pi({action}|s)" for action in labels.follower_actions))
    table = brief_table("Equilibrium mean field and follower's policy", "state", *columns, numbers=columns)
    by_state = field if field.ndim == 1 else field.sum(axis=1)
    for label, mass, row in list(zip(labels.states, by_state, policy, strict=True))[:_SHOWN_ROWS]:
        table.add_row(Text(label), f"{mass:.6f}", *(f"{p:.4f}" for p in row))
    notes = [] if field.ndim == 1 else ["m(s) is summed over the follower's actions"]
    if game.num_states > _SHOWN_ROWS:
        notes.append(f"the first {_SHOWN_ROWS} of {game.num_states} states")
    table.caption = "; ".join(notes) or None
    return Group(table)


def findings_tables(report: AssumptionReport) -> Group:
    """Every finding: verdict, constant and side, what it means, how it was found, how much was looked at."""
    table = brief_table("Assumptions", "statement", "verdict", "constant", "meaning and method", numbers=["constant"])
    previous = None
    for finding in report.findings:
        if finding.property != previous:
            table.add_row(Text(finding.property, style="bold"), verdict_text(report.verdict(finding.property)))
            previous = finding.property
        decides = find_property(finding.property).decides(finding.statement)
        name = Text(f"  {finding.statement}", style="" if decides else "dim")
        table.add_row(name, verdict_text(finding.verdict), _constant(finding), _explained(finding))
    return Group(table, *_searched_tables(report))


def verdict_text(verdict: Verdict) -> Text:
    """A verdict in its colour."""
    return Text(verdict.value, style=_VERDICT_STYLES[verdict])


def _constant(finding: Finding) -> Text:
    if not np.isfinite(finding.constant):
        return Text("none")
    return Text(f"true {_SIDES[finding.side.value]} {finding.constant:.5g}")


def _explained(finding: Finding) -> Text:
    text = Text(finding.meaning)
    text.append(f"\n{finding.evidence.value}: {finding.method}", style="dim")
    return text


def _searched_tables(report: AssumptionReport) -> list[Table]:
    """How much was searched and what failed, once for statements that share one search."""
    shared: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if _counts(finding.searched):
            shared.setdefault(_counts(finding.searched), []).append(finding)
    if not shared:
        return []
    table = brief_table("Searched", "statements", "what was looked at")
    for counts, findings in shared.items():
        names: dict[str, list[str]] = {}
        for finding in findings:
            names.setdefault(finding.property, []).append(finding.statement)
        about = "\n".join(f"{name}: {', '.join(statements)}" for name, statements in names.items())
        table.add_row(Text(about), Text(counts, style="dim"))
    return [table]


def _counts(searched: Mapping[str, Any]) -> str:
    """What was searched, in one line."""
    parts = []
    for name, value in searched.items():
        text = f"({_counts(value)})" if isinstance(value, Mapping) else _brief(value)
        if text:
            parts.append(f"{name.replace('_', ' ')} {text}")
    return ", ".join(parts)


def run_table(trace: Trace, file: str) -> Table:
    """What was run and how it ended."""
    metadata = trace.metadata
    names = {"leader": "zeta", "mean_field": "xi", "follower": "alpha", "critic": "beta"}
    steps = [f"{names[key]} ({key.replace('_', ' ')}) {value:g}" for key, value in metadata.step_constants.items()]
    diverged = int(np.sum(trace.diverged))
    rows = {
        "algorithm": f"AC-SMFG, {metadata.sampling} sampling, {metadata.transitions_per_iteration} transitions an "
        "iteration",
        "seeds": f"{trace.seeds.size}",
        "iterations": f"{int(trace.iterations[-1]):,} of {metadata.num_iterations:,}",
        "checkpoints": f"{trace.iterations.size}",
        "step sizes c/sqrt(k+1)": ", ".join(steps),
        "diverged seeds": f"{diverged} of {trace.seeds.size}",
        "trace": file,
    }
    return pairs_table("Run", rows)


def learned_table(game: AbstractGame, trace: Trace) -> Table:
    """The leader's policy at the end of the run: mean and range over the seeds that did not diverge."""
    labels = labels_of(game)
    policies = final_policies(trace)
    title = f"Leader's policy after {int(trace.iterations[-1]):,} iterations, mean [smallest, largest] over seeds"
    table = brief_table(f"{title} ({len(policies)} of {trace.seeds.size})", "observation", *labels.leader_actions)
    if len(policies) == 0:
        table.add_row("every seed diverged")
        return table
    columns = (policies.mean(axis=0), policies.min(axis=0), policies.max(axis=0))
    for label, *numbers in list(zip(labels.observations, *columns, strict=True))[:_SHOWN_ROWS]:
        cells = (f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in zip(*numbers, strict=True))
        table.add_row(Text(label), *cells)
    if len(labels.observations) > _SHOWN_ROWS:
        table.caption = f"the first {_SHOWN_ROWS} of {len(labels.observations)} observations"
    return table


def pairs_table(title: str, rows: Mapping[str, str]) -> Table:
    """Names and values, one pair a row."""
    table = brief_table(title, "", "")
    table.show_header = False
    for name, value in rows.items():
        table.add_row(Text(name), Text(value))
    return table


def _listed(count: int, labels: tuple[str, ...]) -> str:
    shown = ", ".join(labels[:_SHOWN_ROWS]) + (", ..." if len(labels) > _SHOWN_ROWS else "")
    return f"{count}: {shown}"


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]} ... ({len(text)} characters)"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _norm(array: Any) -> float:
    return float(np.linalg.norm(np.asarray(array)))
