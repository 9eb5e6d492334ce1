r"""Contraction where equilibria can be, by zones over pieces of the leaders: rows are halved until each piece has it.

Over a piece of leaders every law of every chain, whatever the mean field, has entries of at least $\ell_s$. So
$\Gamma_\phi$ maps the simplex into $F = \{m \ge \ell\}$, F into itself, and all its fixed points lie in F. Where the l1
modulus over F is below 1 there is exactly one (Banach). Bounds $\ell' \ge \ell$ of the laws over F, of a part of the
leaders too, give the next $F' \subset F$, which F is taken into: all fixed points lie in $F'$, not every law.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.tables.affine import VertexTables
from smfg_verify.assumptions.enclosure.response.zones.bounds import (
    Zones,
    bound_by,
    laws_of,
    zones_over_cell,
    zones_within,
)
from smfg_verify.assumptions.enclosure.response.zones.faced import Corners, corners_of

# Entries of laws are told to this, and granted as much: vertices are sums of powers of two.
_GRAIN = 2.0**-20
# Times that laws are put in the place of the simplex for all leaders; rounds of a part's zones; halvings of its rows,
# and those where few are not enough by a little.
_FIRST, _ROUNDS, _HALVINGS, _FINE, _LITTLE = 3, 2, 2, 4, 1.1
# Halvings made at once: one for each such factor above what is enough, so many at most.
_GAIN, _MOST_AT_ONCE = 1.2, 3
# Descents by chance that tell how many pieces there would be; how far they go beyond what may be looked at, and after
# how many that all went farther there are no more.
_DESCENTS, _FAR_MORE, _HOPELESS = 24, 8.0, 6
# What is clearly below one.
_ENOUGH = 0.99


class Piece(NamedTuple):
    """A piece of the leaders and what is known over it.

    Attributes:
        rows: vertices of the piece of each leader row, (O, W, W).
        least: of the entries of all laws over the piece and the set before, (n,): the next set holds all equilibria.
        zones, modulus, mixing: over the piece and that set before, taken into itself, which holds all equilibria.
    """

    rows: Float[np.ndarray, "O W W"]
    least: Float[np.ndarray, " n"]
    zones: Zones
    modulus: float
    mixing: float


class LawProof(NamedTuple):
    """What is proved over all leaders.

    Attributes:
        modulus, mixing: the largest over the pieces that cover the leaders; infinite where some do not contract.
        pieces: looked at.
        leaves: that cover the leaders, or as far as it came.
        expected: about how many would be looked at, by descents.
    """

    modulus: float
    mixing: float
    pieces: int
    leaves: int
    expected: float


def contraction_on_laws(tables: VertexTables, most: int) -> LawProof:
    """The l1 modulus where equilibria can be, over all leaders, if it is below 1.

    Args:
        tables: of a game of affine functions.
        most: pieces looked at.

    Returns:
        The proof; its modulus is infinite where the pieces were too many.
    """
    with np.errstate(all="ignore"):
        whole = _whole(tables)
        if not math.isfinite(whole.modulus):
            return LawProof(math.inf, math.inf, 1, 0, math.inf)
        expected = _expected(tables, whole, most)
        if expected > most:
            return LawProof(math.inf, math.inf, 1, 0, expected)
        return _covered(tables, whole, most)._replace(expected=expected)


def _covered(tables: VertexTables, whole: Piece, most: int) -> LawProof:
    left, looked, leaves = [whole], 1, 0
    modulus = mixing = 0.0
    while left:
        piece = left.pop()
        if piece.modulus < _ENOUGH:
            leaves += 1
            modulus, mixing = max(modulus, piece.modulus), max(mixing, piece.mixing)
            continue
        parts = _parts(tables, piece) if looked < most else []
        if not parts:
            return LawProof(math.inf, math.inf, looked, leaves, 0.0)
        left += [_within(tables, rows, piece) for rows in parts]
        looked += len(parts)
    return LawProof(modulus, mixing, looked, leaves, 0.0)


def _expected(tables: VertexTables, whole: Piece, most: int) -> float:
    """About how many pieces there would be: the median over descents into parts by chance (Knuth's estimate)."""
    chance, found = np.random.default_rng(0), list[float]()
    while len(found) < _DESCENTS and not (len(found) >= _HOPELESS and math.isinf(min(found))):
        found.append(_descended(tables, whole, chance, most))
    return float(np.median(found))


def _descended(tables: VertexTables, piece: Piece, chance: np.random.Generator, most: int) -> float:
    """Pieces there would be if all parts were as those on one way down; infinite where they are far too many."""
    ways, total = 1.0, 1.0
    while not piece.modulus < _ENOUGH:
        parts = _parts(tables, piece)
        if not parts or total > _FAR_MORE * most:
            return math.inf
        ways *= len(parts)
        total += ways
        piece = _within(tables, parts[chance.integers(len(parts))], piece)
    return total


def _whole(tables: VertexTables) -> Piece:
    """All leaders, with the simplex first and then with the laws in its place."""
    number, width = int(tables.observation.max()) + 1, tables.transition.shape[3]
    rows = np.broadcast_to(np.eye(width), (number, width, width))
    least = np.zeros(tables.num_states)
    for _ in range(_FIRST):
        faced = _faced(tables, rows, least)
        zones, weights = zones_over_cell(faced)
        law = laws_of(faced, weights)
        bound = bound_by(faced, zones, law, _HALVINGS)
        least = _raised(least, law[0][:, 0])
    return Piece(rows, least, zones, bound.modulus, bound.mixing)


def _within(tables: VertexTables, rows: Float[np.ndarray, "O W W"], of: Piece) -> Piece:
    """A part of a piece. Its mean fields have entries no smaller than the piece's laws, and then than its own."""
    faced = _faced(tables, rows, of.least)
    zones, weights = zones_within(faced, of.zones, _ROUNDS)
    law = laws_of(faced, weights)
    bound = bound_by(faced, zones, law, _HALVINGS)
    if _ENOUGH <= bound.modulus < _LITTLE:
        bound = bound_by(faced, zones, law, _FINE)
    # The bound holds for the larger set of mean fields, the parts of this piece are given the smaller.
    return Piece(rows, _raised(of.least, law[0][:, 0]), zones, min(bound.modulus, of.modulus), bound.mixing)


def _raised(least: Float[np.ndarray, " n"], law: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    granted = np.maximum(np.floor(law / _GRAIN) - 1.0, 0.0) * _GRAIN
    raised: Float[np.ndarray, " n"] = np.maximum(least, granted)
    return raised


def _faced(tables: VertexTables, rows: Float[np.ndarray, "O W W"], least: Float[np.ndarray, " n"]) -> Corners:
    corners = least[None] + (1.0 - np.sum(least)) * np.eye(len(least))
    return corners_of(tables, corners, rows[tables.observation])


def _parts(tables: VertexTables, piece: Piece) -> list[Float[np.ndarray, "O W W"]]:
    """The piece in halves, or in halves of halves where one halving is known to be too few; none where none tells."""
    wanted = math.log(max(1.0, min(piece.modulus, math.exp(_MOST_AT_ONCE)))) / math.log(_GAIN)
    parts = [piece.rows]
    for _ in range(min(_MOST_AT_ONCE, max(1, math.floor(wanted)))):
        parts = [half for rows in parts for half in _halved(tables, rows)]
    return parts if len(parts) > 1 else []


def _halved(tables: VertexTables, rows: Float[np.ndarray, "O W W"]) -> list[Float[np.ndarray, "O W W"]]:
    """Both halves along the edge of a row along which most changes; the piece itself where nothing does."""
    first, second = np.triu_indices(rows.shape[1], 1)
    edges = (rows[:, first] - rows[:, second])[tables.observation]
    moves = _moves(tables, edges)
    changes = np.zeros(rows.shape[:1] + moves.shape[1:])
    np.maximum.at(changes, tables.observation, moves)
    row, edge = np.unravel_index(int(np.argmax(changes)), changes.shape) if changes.size else (0, 0)
    if changes.size == 0 or not changes[row, edge] > 0.0:
        return [rows]
    halves = []
    for replaced in (first[edge], second[edge]):
        half = rows.copy()
        half[row, replaced] = 0.5 * (rows[row, first[edge]] + rows[row, second[edge]])
        halves.append(half)
    return halves


def _moves(tables: VertexTables, edges: Float[np.ndarray, "n e W"]) -> Float[np.ndarray, "n e"]:
    """How much what followers face changes along edges of their state's leader row, at the centre of mean fields."""
    rows, rewards = np.mean(tables.transition, axis=0), np.mean(tables.reward, axis=0)
    size = max(float(np.ptp(tables.reward)), np.finfo(float).tiny)
    moved = np.max(np.sum(np.abs(np.einsum("sew,sawt->seat", edges, rows)), axis=3), axis=2)
    paid = np.max(np.abs(np.einsum("sew,saw->sea", edges, rewards)), axis=2)
    total: Float[np.ndarray, "n e"] = moved + paid / size
    return total
