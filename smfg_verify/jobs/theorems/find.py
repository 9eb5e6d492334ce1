"""What theorems ask for, checked or taken from a saved report, and every theorem held against it."""

import dataclasses
from pathlib import Path

from smfg_verify.assumptions import AssumptionReport, properties_checked, search_settings
from smfg_verify.game import AbstractGame
from smfg_verify.jobs.finished import Store
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.pipeline import check_stage, require_known
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import CheckSettings, GameSettings
from smfg_verify.theorems import Match, PowerSteps, match_theorems

# What some theorem asks for; the rest of a check is not made for them.
ASKED_FOR = (
    "ergodicity",
    "lipschitz",
    "contraction",
    "one-sided-contraction",
    "uniqueness",
    "gradient-domination",
    "gradient-alignment",
    "smoothness",
    "coverage",
)


@dataclasses.dataclass(frozen=True)
class Theorems:
    """The theorems held against a game.

    Attributes:
        settings: the game's name and the parameters given.
        game: the game.
        check: how hard was searched, or proved beside a saved report.
        steps: of the four learners.
        report: the findings.
        source: file of the saved report that they come from; None where they were made.
        matches: one a theorem.
    """

    settings: GameSettings
    game: AbstractGame
    check: CheckSettings
    steps: PowerSteps
    report: AssumptionReport
    source: Path | None
    matches: tuple[Match, ...]


def find_theorems(
    settings: GameSettings,
    check: CheckSettings,
    steps: PowerSteps,
    source: Path | None = None,
    store: Store | None = None,
) -> Theorems:
    """Check what theorems ask for, or take the findings of a saved report, and hold every theorem against the game.

    Args:
        settings: the game.
        check: how hard to search; beside a saved report, the budget of the proofs that no report has.
        steps: of the four learners.
        source: a file with an assumption report about this very game.
        store: keeps what is finished; nothing is kept if None.

    Returns:
        The matches.

    Raises:
        ValueError: bad settings, or a report about another game.
    """
    require_known(check)
    game, progress = load_game(settings), Progress()
    if source is not None:
        report = AssumptionReport.load(source, game)
    else:
        job = (store or Store(None)).job("theorems", game, {"check": dataclasses.replace(check, properties=None)})
        possible = properties_checked(game, None)
        names = check.properties or tuple(name for name in ASKED_FOR if name in possible)
        report = check_stage(game, dataclasses.replace(check, properties=names), None, None, progress, job)
    with progress.stage("theorems", "Proofs that theorems ask for besides"):
        matches = match_theorems(game, report, steps, search_settings(**check.as_arguments()))
    return Theorems(settings, game, check, steps, report, source, matches)
