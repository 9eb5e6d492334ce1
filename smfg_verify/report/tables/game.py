"""What a game is, as tables: sizes, parameters, equilibrium and gradient at one leader."""

import inspect
from collections.abc import Iterable, Mapping

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.exact import Certificate, EquilibriumMethod, StackelbergGradient
from smfg_verify.game import AbstractGame, game_name, leader_logits_shape, mean_field_shape
from smfg_verify.games import GameEntry
from smfg_verify.report.files.game import parameters_of
from smfg_verify.report.labels import labels_of
from smfg_verify.report.tables.layout import SHOWN_ROWS, brief, brief_table, pairs_table


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
        table.add_row(Text(name), Text(brief(value)), Text(allowed.get(name, "")))
    return table


def documentation(game: AbstractGame) -> Text:
    """The game's own words: formula, parameters and source."""
    return Text(inspect.getdoc(type(game)) or "(this class has no docstring)")


def gradient_table(gradient: StackelbergGradient, title: str) -> Group:
    """Equilibrium, objective and gradient at one leader, with what tells how far they can be trusted."""
    equilibrium, certificate = gradient.equilibrium, gradient.certificate
    search = EquilibriumMethod(int(equilibrium.method)).name.lower()
    state = "converged" if bool(equilibrium.converged) else "NOT CONVERGED: the numbers that need it are nan"
    rows = {
        "equilibrium": f"{state}, {int(equilibrium.steps)} steps, {search}",
        "residual": f"{float(equilibrium.residual):.2e}",
        "objective Phi": f"{float(gradient.objective):.10g}",
        "||grad Phi||": f"{_norm(gradient.total):.6g}  (in logits)",
        "  direct part": f"{_norm(gradient.direct):.6g}",
        "  policy response": f"{_norm(gradient.policy_response):.6g}",
        "  mean field response": f"{_norm(gradient.mean_field_response):.6g}",
        "  mean field held": f"{_norm(gradient.held_field):.6g}  (the follower's policy answers)",
        "policy-space gap": f"{float(gradient.policy_gap):.6g}  (0 at a stationary policy, saturated ones included)",
        "certificate": f"error of grad Phi <= {float(certificate.error_bound):.2e} {_how_known(certificate)}",
    }
    return Group(pairs_table(title, rows))


def _how_known(certificate: Certificate) -> str:
    """What stands behind the bound of a gradient's error; of large games no condition number is known."""
    condition, adjoint = float(certificate.condition), f"adjoint residual {float(certificate.adjoint_residual):.2e}"
    if np.isnan(condition):
        return f"(first order, estimated): {adjoint}"
    return f"(first order): {adjoint}, condition number {condition:.3g}"


def equilibrium_tables(game: AbstractGame, gradient: StackelbergGradient) -> Group:
    """Mean field and follower's policy, state by state."""
    labels = labels_of(game)
    field = np.asarray(gradient.equilibrium.mean_field)
    policy = np.asarray(gradient.equilibrium.follower_policy)
    columns = ("m(s)", *(f"pi({action}|s)" for action in labels.follower_actions))
    table = brief_table("Equilibrium mean field and follower's policy", "state", *columns, numbers=columns)
    by_state = field if field.ndim == 1 else field.sum(axis=1)
    for label, mass, row in list(zip(labels.states, by_state, policy, strict=True))[:SHOWN_ROWS]:
        table.add_row(Text(label), f"{mass:.6f}", *(f"{p:.4f}" for p in row))
    notes = [] if field.ndim == 1 else ["m(s) is summed over the follower's actions"]
    if game.num_states > SHOWN_ROWS:
        notes.append(f"the first {SHOWN_ROWS} of {game.num_states} states")
    table.caption = "; ".join(notes) or None
    return Group(table)


def _listed(count: int, labels: tuple[str, ...]) -> str:
    shown = ", ".join(labels[:SHOWN_ROWS]) + (", ..." if len(labels) > SHOWN_ROWS else "")
    return f"{count}: {shown}"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _norm(array: object) -> float:
    return float(np.linalg.norm(np.asarray(array)))
