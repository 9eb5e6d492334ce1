r"""How $D\Gamma$ is looked at around iterates: by cells of leaders and mean fields, or by intervals."""

from collections.abc import Callable
from typing import NamedTuple

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
# Bytes that are kept of what intervals found.
_MEMORY = 2**27
Look = Callable[[Seen], Looked]


class Around(NamedTuple):
    """K leaders and mean fields with all that are near.

    Attributes:
        policies: the leaders', by row.
        fields: mean fields, flattened.
        width: how far others are, of each row and of the mean field, in total variation.
    """

    policies: Float[np.ndarray, "K O B"]
    fields: Float[np.ndarray, "K M"]
    width: Float[np.ndarray, " K"]


class World(NamedTuple):
    """A game around its iterates.

    Attributes:
        num_fields: entries M of a mean field.
        temperature: the followers'.
        prove: what is proved around leaders and mean fields, from a look at what is known of the slopes there, the
            limits of its values, and how many parts may be looked at of each, at most.
    """

    num_fields: int
    temperature: float
    prove: Callable[[Look, Around, Float[np.ndarray, " K"], int], Forest]


def by_cells(tables: Tables) -> World:
    """By cells of a game's tables: mean fields over few states."""

    def prove(look: Look, around: Around, limits: np.ndarray, most: int) -> Forest:
        def look_at(cells: Cells) -> Looked:
            return look(seen_over(tables, cells, by_rows=False))

        policies, fields, width = around
        roots = cells_around(tables, policies, width, lower_ends(fields, width))
        return forest(roots, lambda cells: in_parts(look_at, cells, _PART), limits, most)

    return World(tables.num_states, tables.temperature, prove)


def by_intervals(game: AffineGame) -> World:
    """By intervals, of mean fields on pairs too; in one part."""
    known: dict[bytes, Responses] = {}

    def prove(look: Look, around: Around, limits: np.ndarray, most: int) -> Forest:
        if not len(limits):
            nothing = np.zeros(0)
            return Forest(nothing > 0.0, nothing, nothing, nothing, 0)
        looked = look(_seen(_responses(game, around, known)))
        proved = looked.value <= limits
        return Forest(
            proved,
            np.where(proved, looked.value, np.inf),
            np.where(proved, looked.mixing, np.inf),
            np.where(proved, looked.slack, 0.0),
            len(proved),
        )

    return World(game.num_fields, game.temperature, prove)


def _responses(game: AffineGame, around: Around, known: dict[bytes, Responses]) -> Responses:
    """Slopes around leaders and mean fields; those that were met before from memory, since every number reads them."""
    keys = [b"".join(part[k].tobytes() for part in around) for k in range(len(around.width))]
    new = {
        key: _around(game, Around(*(part[k : k + 1] for part in around)))
        for k, key in enumerate(keys)
        if key not in known
    }
    parts = [new[key] if key in new else known[key] for key in keys]
    if (len(known) + len(new)) * parts[0].jacobian.mid.nbytes * 2 <= _MEMORY:
        known.update(new)
    jacobian = Ball(*(np.concatenate([getattr(part.jacobian, end) for part in parts]) for end in ("mid", "rad")))
    mixing, apart = (np.concatenate(bounds) for bounds in zip(*(part[1:] for part in parts), strict=True))
    return Responses(jacobian, mixing, apart)


def _around(game: AffineGame, around: Around) -> Responses:
    policies, fields, width = around
    ends = (np.clip(policies + side * width[:, None, None], 0.0, 1.0) for side in (-1.0, 1.0))
    laws = np.clip(fields, 0.0, None)
    laws = laws / np.sum(laws, axis=1, keepdims=True)
    # What a law that misses one is moved by is moved into the radius.
    apart = 0.5 * np.sum(np.abs(laws - fields), axis=1)
    return responses_within(game, Ball.of_ends(*ends)[:, game.observation], laws, width + apart)


def _seen(found: Responses) -> Seen:
    """Intervals as what measures look at: models that nothing moves."""
    parts, number = (found.jacobian.mid, found.jacobian.rad), len(found.mixing)
    centre, radius = (np.ascontiguousarray(np.moveaxis(part, 0, -1)) for part in parts)
    model = Model.affine(centre, np.zeros((_STILL.dimension, *centre.shape)), _STILL).widened(radius)
    unknown, nothing, edges = np.full(number, np.inf), np.zeros(number), np.zeros((number, 2), dtype=int)
    return Seen(model, centre, found.mixing, unknown, nothing, edges, found.apart)
