"""Which theorems cover a game: every hypothesis of each with its answer, and the theorem's."""

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame
from smfg_verify.records.readable import Readable
from smfg_verify.theorems.answers import Answer, Coverage, Decision
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, find_theorem, theorem_names
from smfg_verify.theorems.steps import PowerSteps, power_steps


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Match(Readable):
    """A theorem held against a game.

    Attributes:
        theorem: the statement.
        decisions: of its hypotheses, in their order.

    Examples:
        >>> from smfg_verify import check, games
        >>> from smfg_verify.theorems import match_theorems
        >>> game = games.load("laffer-tax")
        >>> (match,) = match_theorems(game, check(game, "coverage", budget="quick"), names=["linear-quadratic"])
        >>> match.coverage.value, match.deciding.name
        ('fails', 'linear-quadratic, continuous')
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("name", "coverage")

    theorem: Theorem
    decisions: tuple[Decision, ...]

    @property
    def name(self) -> str:
        """The theorem's name."""
        return self.theorem.name

    @property
    def coverage(self) -> Coverage:
        """Fails where a hypothesis does, applies where all hold, else unknown."""
        answers = {decision.answer for decision in self.decisions}
        if Answer.FAILS in answers:
            return Coverage.FAILS
        return Coverage.APPLIES if answers == {Answer.HOLDS} else Coverage.UNKNOWN

    @property
    def deciding(self) -> Hypothesis | None:
        """The first hypothesis that fails; where none does, the first that was not read, or is not known; else None."""
        place = self._deciding()
        return None if place is None else self.theorem.hypotheses[place]

    @property
    def decision(self) -> Decision | None:
        """The answer of `deciding`."""
        place = self._deciding()
        return None if place is None else self.decisions[place]

    def _deciding(self) -> int | None:
        pairs = list(zip(self.theorem.hypotheses, self.decisions, strict=True))
        failing = [k for k, (_, decision) in enumerate(pairs) if decision.answer is Answer.FAILS]
        unknown = [k for k, (_, decision) in enumerate(pairs) if decision.answer is Answer.UNKNOWN]
        not_read = [k for k in unknown if pairs[k][0].wording is Wording.UNREAD]
        return next(iter(failing or not_read or unknown), None)


def decide(hypothesis: Hypothesis, facts: Facts) -> Decision:
    """The answer of a hypothesis, as far as its wording allows one: what was not read is neither true nor false.

    Args:
        hypothesis: of a theorem.
        facts: of a game.

    Returns:
        The decision.
    """
    found = hypothesis.decide(facts)
    wording = hypothesis.wording
    if wording.decides or (found.answer is Answer.UNKNOWN and wording is not Wording.UNREAD):
        return found
    return Decision(Answer.UNKNOWN, found.because, found.finding, Reason("paper"))


def match_theorems(
    game: AbstractGame,
    report: AssumptionReport,
    steps: PowerSteps | None = None,
    settings: SearchSettings | None = None,
    names: Iterable[str] | None = None,
) -> tuple[Match, ...]:
    """Hold every known theorem against a game.

    Args:
        game: the game.
        report: of a check of it; a property that it has not leaves what asks for it unknown.
        steps: of the four learners; those of `Schedule` by default.
        settings: budget of the proofs that no check makes.
        names: of the theorems; all by default.

    Returns:
        One match a theorem.

    Raises:
        ValueError: a report about another game, an unknown name, or float64 off.

    Examples:
        >>> from smfg_verify import check, games
        >>> from smfg_verify.theorems import match_theorems
        >>> game = games.load("laffer-tax")
        >>> match_theorems(game, check(game, "coverage", budget="quick"), names=["mf-oml"])
        (Match(name=mf-oml, coverage=fails),)
    """
    chosen = [find_theorem(name) for name in (theorem_names() if names is None else names)]
    report.require_about(game)
    facts = Facts(checked(game), report, power_steps() if steps is None else steps, settings or SearchSettings())
    return tuple(Match(each, tuple(decide(one, facts) for one in each.hypotheses)) for each in chosen)
