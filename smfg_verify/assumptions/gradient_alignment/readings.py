"""The two readings of the direct part p of the Stackelberg gradient g, and the names of their statements."""

import dataclasses
import enum
from typing import Literal

from smfg_verify.assumptions.finding import Finding
from smfg_verify.exact.gradient.at_leaders import LeaderPoints

_SUFFIX = "-field-held"


class Reading(enum.Enum):
    """What p holds fixed.

    AC-SMFG follows the first. A leader's objective that is written in its policy and the mean field alone, the
    follower's policy being an answer to both, has the second for its partial gradient.
    """

    POLICY_HELD = "follower-policy-and-mean-field-held"
    FIELD_HELD = "mean-field-held"

    @property
    def field(self) -> Literal["direct", "held"]:
        """Name of p among `LeaderPoints`."""
        return "direct" if self is Reading.POLICY_HELD else "held"

    def statement(self, form: str) -> str:
        """Name of a form's statement about this p."""
        return form if self is Reading.POLICY_HELD else f"{form}{_SUFFIX}"

    def of(self, points: LeaderPoints) -> LeaderPoints:
        """The points with this p as their direct part."""
        if self is Reading.POLICY_HELD:
            return points
        return points._replace(direct=points.held, direct_table=points.held_table, direct_gap=points.held_gap)


def about(finding: Finding, reading: Reading) -> Finding:
    """The finding, with its reading in its statement and its details."""
    return dataclasses.replace(
        finding,
        statement=reading.statement(finding.statement),
        details={**finding.details, "reading": reading.value},
    )
