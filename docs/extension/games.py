"""The gallery of games: what the registry says of each, its equilibrium under a uniform leader, and kept verdicts."""

import functools
import json
from pathlib import Path

import numpy as np

from docs.extension.figures import Figure
from docs.extension.markdown import described
from smfg_verify import games, plot, solve_equilibrium
from smfg_verify.game import leader_logits_shape
from smfg_verify.games import GameEntry
from smfg_verify.report.tables.markdown import literal, markdown_table

ATLAS = Path(__file__).resolve().parents[1] / "data" / "atlas.json"
_HEAD = """# Gallery of games

Written from the registry of games when the site is built. {count} games are shipped; `games.load` loads each by its
name, with its parameters, and so does every command. The figure of each is computed then too, at the default
parameters: the equilibrium under a uniform leader. Verdicts are those kept in [the atlas](/data/atlas.md), a check at
its {budget} budget; [the assumptions](/assumptions.md) says what they rest on.

"""


@functools.cache
def shipped() -> tuple[GameEntry, ...]:
    """Registered games of this package, without those of other installed packages."""
    found = map(games.describe, games.names())
    return tuple(entry for entry in found if type(games.load(entry.name)).__module__.startswith("smfg_verify."))


def page() -> str:
    """The page."""
    atlas, entries = json.loads(ATLAS.read_text()), shipped()
    head = ("game", "what it is", "states", "follower's actions", "leader's actions", "mean field on")
    rows = [
        [
            f"[{entry.name}](#{entry.name})",
            entry.summary,
            *map(str, (entry.num_states, entry.num_follower_actions, entry.num_leader_actions)),
            entry.mean_field_support.replace("_", "-"),
        ]
        for entry in entries
    ]
    text = _HEAD.format(count=len(entries), budget=atlas["settings"]["budget"]) + markdown_table(head, rows)
    return text + "".join(_section(entry, atlas["games"]) for entry in entries)


def _section(entry: GameEntry, verdicts: dict[str, dict]) -> str:
    game = games.load(entry.name)
    parts = [
        f"## {entry.name}",
        f"`games.{type(game).__name__}`",
        described(type(game)),
        f"Source: {entry.source}",
        f"![Mean field of {entry.name} at the equilibrium under a uniform leader](figures/game-{entry.name}.svg)",
        markdown_table(
            ("parameter", "default", "values"),
            [[f"`{one.name}`", f"`{one.default}`", literal(one.values)] for one in entry.parameters],
        ),
    ]
    if entry.name in verdicts:
        found = verdicts[entry.name]["properties"]
        parts.append(markdown_table(list(found), [[kept["verdict"] for kept in found.values()]]))
    return "\n" + "\n\n".join(part.strip() for part in parts) + "\n"


def figures() -> list[Figure]:
    """A figure a game, drawn when it is asked for."""
    return [Figure(f"game-{entry.name}", lambda name=entry.name: _equilibrium(name)) for entry in shipped()]


def _equilibrium(name: str) -> plot.Axes:
    game = games.load(name)
    return plot.mean_field(game, solve_equilibrium(game, np.zeros(leader_logits_shape(game))))
