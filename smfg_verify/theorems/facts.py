"""What is known of a game that theorems ask for: findings of a check, steps, and facts that are proved when asked."""

import dataclasses
import functools
import math

import numpy as np

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict
from smfg_verify.assumptions.constants.suprema import budget_of
from smfg_verify.assumptions.enclosure import NoEnclosure, TableEnclosure, affine_table, envelope, numbers_of_a_box
from smfg_verify.assumptions.game_class import COUPLING, is_coupled
from smfg_verify.assumptions.gradient_alignment.independence import prove_independence
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.bounds.theorem.certified import Certified, certified_inputs
from smfg_verify.exact.kernel import has_table
from smfg_verify.game import AbstractGame
from smfg_verify.theorems.steps import PowerSteps

_ROUNDING = 1e-12


@dataclasses.dataclass(eq=False)
class Facts:
    """What theorems ask of a game. Nothing here is sampled or declared but what the findings say of themselves.

    Attributes:
        game: the game, in float64.
        report: of a check of this game, of whichever properties.
        steps: of the four learners.
        settings: budget of the proofs that are not in the report.

    Examples:
        >>> from smfg_verify import check, games
        >>> from smfg_verify.assumptions import search_settings
        >>> from smfg_verify.theorems import Facts, power_steps
        >>> game = games.load("laffer-tax")
        >>> report = check(game, "lipschitz", budget="quick")
        >>> Facts(game, report, power_steps(), search_settings("quick")).coupled
        False
    """

    game: AbstractGame
    report: AssumptionReport
    steps: PowerSteps
    settings: SearchSettings

    def verdict(self, name: str) -> tuple[Verdict, Finding] | None:
        """The verdict of a property with the first finding that it rests on; None where it was not checked.

        Args:
            name: of the property.

        Returns:
            Verdict and finding.
        """
        if name not in self.report.properties:
            return None
        return self.report.verdict(name), self.report.deciding(name)[0]

    def finding(self, name: str, statement: str) -> Finding | None:
        """The finding of a statement; None where it was not checked.

        Args:
            name: of the property.
            statement: of the property.

        Returns:
            The finding.
        """
        found = (each for each in self.report.findings if (each.property, each.statement) == (name, statement))
        return next(found, None)

    @property
    def coupled(self) -> bool | None:
        """Whether the transition depends on the mean field; None where neither is shown."""
        found = self.finding(*COUPLING)
        return None if found is None else is_coupled(found)

    @functools.cached_property
    def table(self) -> bool:
        """Whether the transition fits as a dense table."""
        return has_table(self.game)

    @functools.cached_property
    def reward_width(self) -> float:
        """No two of the follower's rewards differ by more; infinite where nothing is proved."""
        found = self._enclosed("follower_reward")
        if found is None:
            return math.inf
        width = float(np.max(found.upper) - np.min(found.lower))
        return width if math.isfinite(width) else math.inf

    @functools.cached_property
    def leader_reward_follows(self) -> bool | None:
        """Whether the leader's reward depends on the follower's action; None where neither is proved."""
        if self.game.num_follower_actions == 1:
            return False
        # Somewhere one action's reward is above another's, by more than sums of these round.
        for lower, upper in self._leader_rewards():
            apart = np.max(lower, axis=1) - np.min(upper, axis=1)
            if np.any(apart > _ROUNDING * np.max(np.abs(upper), axis=1)):
                return True
        return False if self.table and prove_independence(self.game, "leader_reward").follower_action else None

    @functools.cached_property
    def theorem_constants(self) -> Certified | None:
        """What is certified of the constants of docs/theorem.md; None for games too large for it."""
        return certified_inputs(self.game, self.settings) if self.table else None

    def _leader_rewards(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The leader's rewards from below and above, (n, A, B): at each vertex, or at all mean fields where curved."""
        table = affine_table(self.game, "leader_reward") if self.table else None
        if table is None:
            found = self._enclosed("leader_reward")
            return [] if found is None else [(found.lower, found.upper)]
        return [(table.constant + slope - table.error, table.constant + slope + table.error) for slope in table.slope]

    def _enclosed(self, name: str) -> TableEnclosure | None:
        """A reward enclosed over all mean fields, as a table; None without an enclosure or a table."""
        if not self.table:
            return None
        try:
            numbers = numbers_of_a_box(self.game, name, slopes=False)
            return envelope(self.game, name, **budget_of(self.settings, numbers))
        except NoEnclosure:
            return None
