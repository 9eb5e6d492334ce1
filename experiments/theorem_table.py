"""Every shipped game against every known theorem, from the reports that `smfg-verify atlas` leaves.

The steps are those of a run by default, and once more others, which some statements ask for. The proofs that no report
has are made with a small budget.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import jax

from smfg_verify import games
from smfg_verify.assumptions import AssumptionReport, search_settings
from smfg_verify.files import write_atomically
from smfg_verify.report.tables.markdown import literal, markdown_table
from smfg_verify.report.theorems.tables import summary_cells
from smfg_verify.theorems import Match, PowerSteps, match_theorems, power_steps, theorem_names

# Below the constant step of Mei et al. on every shipped game.
_CONSTANT = 1e-7
Matches = dict[str, tuple[Match, ...]]


def matches(name: str, reports: Path, steps: PowerSteps, num_boxes: int) -> tuple[Match, ...]:
    game = games.load(name)
    report = AssumptionReport.load(reports / f"{name}.json", game)
    return match_theorems(game, report, steps, search_settings("quick", num_boxes=num_boxes))


def steps_text(steps: PowerSteps) -> str:
    return literal(", ".join(f"{learner} {text}" for learner, text in steps.texts.items()))


def answers(found: Matches, names: Iterable[str]) -> str:
    """A row a theorem, a column a game."""
    columns = [{match.name: match.coverage.value for match in each} for each in found.values()]
    return markdown_table(("theorem", *found), [(name, *(column[name] for column in columns)) for name in names])


def page(steps: PowerSteps, found: Matches, others: PowerSteps, changed: Matches) -> str:
    """Answers of every game, those that other steps change, then what decides each."""
    names = theorem_names()
    moved = [
        name
        for place, name in enumerate(names)
        if any(found[game][place].coverage is not changed[game][place].coverage for game in found)
    ]
    parts = [
        f"Steps: {steps_text(steps)}.\n",
        answers(found, names),
        f"Steps: {steps_text(others)}; the theorems whose answers are others.\n",
        answers(changed, moved),
        "What decides, at the first steps.\n",
        markdown_table(("theorem", "game", "answer", "decided by", "wording"), _deciding(found)),
    ]
    return "\n".join(parts)


def _deciding(found: Matches) -> list[tuple[str, ...]]:
    """What decides, one row for all games of which a theorem says the same."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for place in range(len(theorem_names())):
        for game, each in found.items():
            key = summary_cells(each[place])[:4]
            rows.setdefault(key, []).append(game)
    said = {key: "all" if len(of) == len(found) else ", ".join(of) for key, of in rows.items()}
    return [(key[0], said[key], *map(literal, key[1:])) for key in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path, help="directory of the atlas")
    parser.add_argument("--games", nargs="*", default=None, help="names [all]")
    parser.add_argument("--boxes", type=int, default=50, help="of each proof")
    parser.add_argument("--out", type=Path, default=None, help="directory of theorems.md")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    steps = (power_steps(), power_steps({"follower": _CONSTANT}, {"follower": "0", "mean_field": "2/3"}))
    found: tuple[Matches, Matches] = ({}, {})
    for name in arguments.games or games.names():
        for each, taken in zip(found, steps, strict=True):
            each[name] = matches(name, arguments.reports, taken, arguments.boxes)
        print(name, {match.name: match.coverage.value for match in found[1][name]}, flush=True)
    if arguments.out is not None:
        text = page(steps[0], found[0], steps[1], found[1])
        write_atomically(arguments.out / "theorems.md", text.encode())


if __name__ == "__main__":
    main()
