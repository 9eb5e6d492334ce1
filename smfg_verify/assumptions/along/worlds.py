r"""How $D\Gamma$ is looked at around iterates: by cells of leaders and mean fields, or by intervals."""

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.responses import Responses, responses_within
from smfg_verify.assumptions.enclosure.response.around import cells_around, lower_ends
from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.forest import Forest, Looked, forest
from smfg_verify.assumptions.enclosure.response.measures import Seen, seen_over
from smfg_verify.assumptions.enclosure.response.models import Model, Shape
from smfg_verify.assumptions.enclosure.response.search import in_parts
from smfg_verify.assumptions.enclosure.response.tables.shared import Tables

# Cells that one thread bounds at once: models of many dimensions fill a processor's cache early.
_PART = 32
# A cell that nothing moves on.
_STILL = Shape((2,))
Look = Callable[[Seen], Looked]


class World(Protocol):
    """A game around its iterates."""

    @property
    def num_fields(self) -> int:
        """Entries M of a mean field."""

    @property
    def temperature(self) -> float:
        """The followers' temperature."""

    def prove(
        self,
        look: Look,
        around: tuple[Float[np.ndarray, "K O B"], Float[np.ndarray, "K M"]],
        width: Float[np.ndarray, " K"],
        limits: Float[np.ndarray, " K"],
        most: int,
    ) -> Forest:
        """What is proved around leaders and mean fields.

        Args:
            look: at what is known of the slopes; a proof is a value within the limit.
            around: leaders' policies by row and mean fields, flattened.
            width: how far others are, rows and mean fields, in total variation.
            limits: of the values.
            most: parts that may be looked at of each, at most.

        Returns:
            What is proved.
        """


@dataclasses.dataclass(frozen=True)
class ByCells:
    """By cells of a game's tables: mean fields over few states."""

    tables: Tables

    @property
    def num_fields(self) -> int:
        """Entries n of a mean field."""
        return self.tables.num_states

    @property
    def temperature(self) -> float:
        """The followers' temperature."""
        return self.tables.temperature

    def prove(
        self,
        look: Look,
        around: tuple[Float[np.ndarray, "K O B"], Float[np.ndarray, "K M"]],
        width: Float[np.ndarray, " K"],
        limits: Float[np.ndarray, " K"],
        most: int,
    ) -> Forest:
        """See `World`."""

        def look_at(cells: Cells) -> Looked:
            return look(seen_over(self.tables, cells, by_rows=False))

        policies, fields = around
        roots = cells_around(self.tables, policies, width, lower_ends(fields, width))
        return forest(roots, lambda cells: in_parts(look_at, cells, _PART), limits, most)


@dataclasses.dataclass(frozen=True)
class ByIntervals:
    """By intervals, of mean fields on pairs too; in one part.

    Attributes:
        game: its tables.
        known: what was found around leaders and mean fields, so that it serves every number.
    """

    game: AffineGame
    known: dict[bytes, Responses] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def num_fields(self) -> int:
        """Entries M of a mean field."""
        return self.game.num_fields

    @property
    def temperature(self) -> float:
        """The followers' temperature."""
        return self.game.temperature

    def prove(
        self,
        look: Look,
        around: tuple[Float[np.ndarray, "K O B"], Float[np.ndarray, "K M"]],
        width: Float[np.ndarray, " K"],
        limits: Float[np.ndarray, " K"],
        most: int,
    ) -> Forest:
        """See `World`."""
        policies, fields = around
        if not len(width):
            nothing = np.zeros(0)
            return Forest(nothing > 0.0, nothing, nothing, nothing, 0)
        ends = (np.clip(policies + side * width[:, None, None], 0.0, 1.0) for side in (-1.0, 1.0))
        phi = Ball.of_ends(*ends)[:, self.game.observation]
        laws = np.clip(fields, 0.0, None)
        laws = laws / np.sum(laws, axis=1, keepdims=True)
        # What a law that misses one is moved by is moved into the radius.
        apart = 0.5 * np.sum(np.abs(laws - fields), axis=1)
        looked = look(_seen(self._responses(phi, laws, width + apart)))
        proved = looked.value <= limits
        return Forest(
            proved,
            np.where(proved, looked.value, np.inf),
            np.where(proved, looked.mixing, np.inf),
            np.where(proved, looked.slack, 0.0),
            len(proved),
        )

    def _responses(self, phi: Ball, laws: np.ndarray, width: np.ndarray) -> Responses:
        keys = [b"".join(part[k].tobytes() for part in (phi.mid, phi.rad, laws, width)) for k in range(len(width))]
        new = np.array([k for k, key in enumerate(keys) if key not in self.known], dtype=int)
        if len(new):
            found = responses_within(self.game, phi[new], laws[new], width[new])
            for k, key in enumerate(keys[n] for n in new):
                one = slice(k, k + 1)
                self.known[key] = Responses(found.jacobian[one], found.mixing[one], found.apart[one])
        parts = [self.known[key] for key in keys]
        jacobian = Ball(*(np.concatenate([getattr(p.jacobian, end) for p in parts]) for end in ("mid", "rad")))
        mixing, apart = (np.concatenate(bounds) for bounds in zip(*(part[1:] for part in parts), strict=True))
        return Responses(jacobian, mixing, apart)


def _seen(found: Responses) -> Seen:
    """Intervals as what measures look at: models that nothing moves."""
    parts, mixing = (found.jacobian.mid, found.jacobian.rad), found.mixing
    centre, radius = (np.ascontiguousarray(np.moveaxis(part, 0, -1)) for part in parts)
    model = Model.affine(centre, np.zeros((_STILL.dimension, *centre.shape)), _STILL).widened(radius)
    unknown = np.full(len(mixing), np.inf)
    return Seen(
        model, centre, mixing, unknown, np.zeros(len(mixing)), np.zeros((len(mixing), 2), dtype=int), found.apart
    )
