r"""A game whose followers face curved functions of the mean field, by its tables over simplices of mean fields.

Over a simplex with centre c and edges $u_k$ a slope is $D_j = s_j + \sum_k z_k (B_j \cdot u_k) \pm \rho_j$ along
$e_j - e_{\text{last}}$, and its integral from the centre is the function itself,
$F(c) + \sum_k z_k \sum_j u_{kj} s_j + \frac12 \sum_{kl} z_k z_l \sum_j u_{lj} (B_j \cdot u_k)$, up to
$\max_m \sum_j \rho_j |m_j - c_j|$, or the range of its values.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.envelope import envelope
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, Shape
from smfg_verify.assumptions.enclosure.response.tables.shared import NEGATIVE, Tables, off_one, worth_of
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY, NoEnclosure
from smfg_verify.assumptions.enclosure.slope_forms import SlopeForms, slope_forms
from smfg_verify.assumptions.enclosure.table_enclosures import enclose, enclose_slopes
from smfg_verify.game import AbstractGame, mean_field_shape

# Boxes of mean fields that bound a kernel's entries.
_BOXES = 64
# What rows may miss probabilities by, as proved; a game is allowed 1e-9.
_ALLOWED = 2e-9
# Bytes that are kept of a game's simplices.
_MEMORY = 2**27
FUNCTIONS = ("transition", "follower_reward")


class Rows(NamedTuple):
    """What is proved of a game's rows, and what it makes of rewards.

    Attributes:
        slack: what entries of rows, and rewards in their place, may be off by because rows miss one.
        tilt: what their slopes may be off by because what rows miss may change with the mean field.
        floor: what each next state is at least as likely as, summed over them.
    """

    slack: tuple[float, float]
    tilt: tuple[float, float]
    floor: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurvedTables(Tables):
    """What the followers face, by the programs of the game's functions.

    Attributes:
        game: the game, traced.
        slack: what entries of rows, and rewards in their place, may be off by because rows miss one.
        tilt: what their slopes may be off by because what rows miss may change with the mean field.
        forms: of both functions over simplices of mean fields that were met, by their vertices.
    """

    game: AbstractGame
    slack: tuple[float, float]
    tilt: tuple[float, float]
    forms: dict[bytes, tuple[SlopeForms, SlopeForms]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )


class Curved(NamedTuple):
    """One function over cells.

    Attributes:
        values: (n, A, B) or (n, A, B, n - 1).
        slopes: along e_j - e_last, first axis j, (n - 1, ...).
    """

    values: Model
    slopes: Model


def proved_rows(game: AbstractGame) -> tuple[Rows | None, str]:
    """What is proved of the rows of a game's transition at all mean fields, or none and the reason.

    Args:
        game: the game, traced.

    Returns:
        None where rows are not proved to be probabilities.
    """
    size, fields = game.num_states, int(np.prod(mean_field_shape(game)))
    try:
        rows = envelope(game, "transition", num_boxes=_BOXES)
        rewards = envelope(game, "follower_reward", num_boxes=1)
        whole = np.zeros((1, fields)), np.ones((1, fields))
        sums, turning = enclose(game, "row_sum", *whole), enclose_slopes(game, "row_sum", *whole)
    except NoEnclosure as error:
        return None, str(error)
    missed = float(np.max(np.maximum(np.abs(sums.lower - 1.0), np.abs(sums.upper - 1.0))))
    largest = np.maximum(np.abs(rewards.lower), np.abs(rewards.upper))
    negative = NEGATIVE + 2.0 * float(np.max(rows.rounding))
    if not (missed <= _ALLOWED and np.min(rows.lower) >= -negative and np.all(np.isfinite(largest))):
        return None, "rows are not proved to be probabilities, or rewards to be bounded"
    # Along an edge two slopes count; one of a sum that is a staircase, or has a jump, is infinite.
    tilt = 2.0 * OUTWARD * float(np.max(np.abs(turning)))
    if not tilt <= _ALLOWED:
        return None, "what rows sum to is not proved to be the same at all mean fields"
    off = off_one(missed, size, float(np.max(rows.rounding)))
    bonus = float(game.temperature) * float(np.log(game.num_follower_actions))
    worth = worth_of(float(np.max(largest)) + bonus, float(game.discount))
    floor = float(np.sum(np.min(rows.lower, axis=(0, 1, 2))))
    return Rows((off, off * worth), (tilt, tilt * worth), floor), ""


def curved_tables(game: AbstractGame) -> tuple[CurvedTables | None, str]:
    """The tables of a game, or none and the reason.

    Args:
        game: the game, traced.

    Returns:
        None where the mean field is not one of states, nothing is proved of its rows, or a function has no enclosure
        of its slopes.
    """
    if game.mean_field_support != "states":
        return None, "the mean field is a law of states and actions"
    known, reason = proved_rows(game)
    if known is None:
        return None, reason
    size = game.num_states
    try:
        # Once, so that what has no enclosure is known of here.
        for name in FUNCTIONS:
            slope_forms(game, name, *(np.full((1, size), 1.0 / size) for _ in range(3)))
    except NoEnclosure as error:
        return None, str(error)
    number, rows_of_leader = game.num_leader_actions, int(np.max(game.leader_observation)) + 1
    tables = CurvedTables(
        num_actions=game.num_follower_actions,
        observation=np.asarray(game.leader_observation),
        row_actions=(tuple(range(number)),) * rows_of_leader,
        row_weights=(np.eye(number),) * rows_of_leader,
        num_leader_actions=number,
        mixing=min(1.0, (1.0 - known.floor) * OUTWARD + 2.0 * known.slack[0]),
        discount=float(game.discount),
        temperature=float(game.temperature),
        game=game,
        slack=known.slack,
        tilt=known.tilt,
    )
    return tables, ""


def curved_over(tables: CurvedTables, corners: Float[np.ndarray, "K n n"], shape: Shape) -> tuple[Curved, Curved]:
    """Transition and follower's reward over simplices of mean fields, as models over cells that begin with these."""
    size = tables.num_states
    # Cells that differ in the leader alone share their mean fields.
    fields, back = np.unique(corners.reshape(len(corners), -1), axis=0, return_inverse=True)
    vertices, back = fields.reshape(-1, size, size), back.reshape(-1)
    found = _forms_over(tables, vertices)
    moves, rewards = (
        _over_simplices(vertices, forms, (slack, tilt), back, shape)
        for forms, slack, tilt in zip(found, tables.slack, tables.tilt, strict=True)
    )
    return moves, rewards


def _forms_over(tables: CurvedTables, vertices: Float[np.ndarray, "U n n"]) -> list[SlopeForms]:
    """Both functions over simplices of mean fields; of those that were met before, from memory."""
    keys = [simplex.tobytes() for simplex in vertices]
    known = {key: tables.forms[key] for key in keys if key in tables.forms}
    new = [k for k, key in enumerate(keys) if key not in known]
    if new:
        simplices = vertices[new]
        ends = simplices.min(axis=1), simplices.max(axis=1), simplices.mean(axis=1)
        moves, rewards = (slope_forms(tables.game, name, *ends) for name in FUNCTIONS)
        moves = SlopeForms(*(part[..., :-1] for part in moves))
        for k, *parts in zip(new, *moves, *rewards, strict=True):
            size = len(SlopeForms._fields)
            known[keys[k]] = SlopeForms(*parts[:size]), SlopeForms(*parts[size:])
        added = {keys[k]: known[keys[k]] for k in new}
        each = sum(part.nbytes for forms in added[keys[new[0]]] for part in forms)
        if (len(tables.forms) + len(new)) * each <= _MEMORY:
            tables.forms.update(added)
    found = ((known[key][which] for key in keys) for which in (0, 1))
    return [SlopeForms(*(np.stack(parts) for parts in zip(*forms, strict=True))) for forms in found]


def _over_simplices(
    vertices: Float[np.ndarray, "U n n"],
    forms: SlopeForms,
    off: tuple[float, float],
    back: Int[np.ndarray, " K"],
    shape: Shape,
) -> Curved:
    """Models over simplices of mean fields, told over the cells that have them."""
    size, (slack, tilt) = vertices.shape[1], off
    edges, centre = vertices[:, 1:] - vertices[:, :1], vertices.mean(axis=1, keepdims=True)
    apart = OUTWARD * np.abs(vertices - centre)[:, :, :-1] + TINY
    bend = np.einsum("uki,uij...->ukj...", edges, forms.bend)
    inner = edges[:, :, :-1]
    linear = np.einsum("ukj,uj...->uk...", inner, forms.slope)
    square = 0.5 * np.einsum("ulj,ukj...->ukl...", inner, bend)
    # Edges are no longer than 1 in any entry; the centre is off the mean of the vertices by a rounding.
    turned = np.sum(np.abs(forms.bend), axis=1)
    scale = np.abs(forms.slope) + turned
    rounded = (size + 16) * EPSILON * size
    # Of a convex function of the point, largest at a vertex.
    missed = np.max(np.einsum("uvj,uj...->uv...", apart, forms.spread), axis=1)
    radius = forms.error + slack + missed
    radius = OUTWARD * radius + rounded * (np.abs(forms.value) + np.sum(scale, axis=1)) + TINY
    values = _spread_out(forms.value, linear, square, radius, back, shape)
    ends = (np.ascontiguousarray(np.moveaxis(end[back], 0, -1)) for end in (forms.lower - slack, forms.upper + slack))
    values = values.within(*ends)
    room = OUTWARD * (forms.spread + tilt) + rounded * scale + TINY
    return Curved(values, _spread_out(forms.slope, bend, None, room, back, shape))


def _spread_out(
    centre: np.ndarray,
    linear: np.ndarray,
    square: np.ndarray | None,
    radius: np.ndarray,
    back: Int[np.ndarray, " K"],
    shape: Shape,
) -> Model:
    """A model in all coordinates of cells, of which the mean field's are the first."""

    def told(part: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(np.moveaxis(part[back], 0, -1))

    middle, own = told(centre), linear.shape[1]
    slopes = np.zeros((shape.dimension, *middle.shape))
    slopes[:own] = told(linear)
    bends = np.zeros((len(shape.first), *middle.shape))
    if square is not None:
        for p in np.flatnonzero(shape.second < own):
            i, j = int(shape.first[p]), int(shape.second[p])
            bends[p] = told(square[:, i, i] if i == j else square[:, i, j] + square[:, j, i])
    return Model(middle, slopes, bends, told(radius), shape)
