r"""A sparse Markov chain: its one recurrent class, its stationary law, and solves with $I - \gamma P$.

The law is that of the rates between different states alone, as in `exact.stationary`: with one state held, the rates
form a matrix whose factors without pivoting have the signs of their kind, so that solves for positive right-hand sides
add and never subtract. What the pivots lose is won back by refinement, with the flows in extended precision.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from smfg_verify.game.base import AnyArray

Vector = Float[np.ndarray, " n"]
# Rounds of refinement of the law; each gains the digits that the factors have, which are few where it mixes slowly.
_ROUNDS, _MORE_ROUNDS = 3, 12
# Error of the law that sums of flows may leave in it before they are taken without any.
_ROUNDED = 1e-14
# A round that moves no entry by more than this share of itself is the last.
_SETTLED = 1e-15
# A last round that moves this share of the mass has gained nothing.
_LOST = 1e-6
# How far from one the factors may find the probability that the held state is ever reached; refinement gains as much.
_MISSED = 1e-2
# Rate at which a long walk ends, relative to the fastest move.
_SLOWEST = 1e-6


class Chain(NamedTuple):
    """A chain by its moves between different states.

    Attributes:
        matrix: P as the sum of its listed moves, (n, n).
        rates: P off the diagonal, (n, n).
        leaving: rate at which each state is left, summed without subtraction, (n,).
    """

    matrix: sp.csr_array
    rates: sp.csr_array
    leaving: Vector


def chain_of(targets: Int[AnyArray, "n a b k"], weights: Float[AnyArray, "n a b k"]) -> Chain:
    """The chain of a table of weights and the states they lead to; a state listed twice gets the sum."""
    size = targets.shape[0]
    per_row = targets.size // size
    pointers = np.arange(0, targets.size + 1, per_row)
    matrix = sp.csr_array((np.array(weights).ravel(), np.array(targets).ravel(), pointers), shape=(size, size))
    matrix.sum_duplicates()
    coo = matrix.tocoo()
    off = (coo.row != coo.col) & (coo.data > 0.0)
    rates = sp.csr_array((coo.data[off], (coo.row[off], coo.col[off])), shape=(size, size))
    return Chain(matrix, rates, np.asarray(rates.sum(axis=1)).ravel())


def recurrent_classes(chain: Chain) -> list[Int[np.ndarray, " c"]]:
    """States of each class that is never left."""
    count, labels = connected_components(chain.rates, directed=True, connection="strong")
    rows = np.repeat(np.arange(labels.size), np.diff(chain.rates.indptr))
    left = np.zeros(count, dtype=bool)
    left[labels[rows[labels[rows] != labels[chain.rates.indices]]]] = True
    recurrent = np.flatnonzero(~left)
    order = np.argsort(labels, kind="stable")
    first, last = (np.searchsorted(labels[order], recurrent, side=side) for side in ("left", "right"))
    return [order[begin:end] for begin, end in zip(first, last, strict=True)]


def factor(matrix: sp.csr_array) -> SuperLU:
    """LU factors of a diagonally dominant matrix without pivoting, in an order of minimum degree."""
    return splu(
        sp.csc_array(matrix),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


class Discounted(NamedTuple):
    r"""Factors of $I - \gamma P$."""

    matrix: sp.csr_array
    factors: SuperLU

    def solve(self, right: Vector, transposed: bool = False) -> Vector:
        """Solve with the matrix or its transpose, refined once."""
        matrix, kind = (self.matrix.T, "T") if transposed else (self.matrix, "N")
        first = self.factors.solve(right, kind)
        result: Vector = first + self.factors.solve(right - matrix @ first, kind)
        return result


def discounted(chain: Chain, discount: float) -> Discounted:
    r"""$I - \gamma P$, factored."""
    return discounted_by(chain.matrix, discount)


def discounted_by(matrix: sp.csr_array, discount: float) -> Discounted:
    r"""$I - \gamma P$ of a matrix of probabilities, factored."""
    system = sp.csr_array(sp.eye_array(matrix.shape[0]) - discount * matrix)
    return Discounted(system, factor(system))


class Law(NamedTuple):
    """The stationary law of a chain with one recurrent class, and the factors it came from.

    Attributes:
        law: (n,); sums to one.
        error: of the law as that of the floats in `rates`, entry by entry.
        chain: the chain.
        others: all states but the one that is held.
        factors: of the transposed rates among them; None for a single state.
    """

    law: Vector
    error: Vector
    chain: Chain
    others: Int[np.ndarray, " r"]
    factors: SuperLU | None

    def along(self, change: Vector) -> Vector:
        """Change of the law when the flows into the states change by this, which sums to zero."""
        if self.factors is None:
            return np.zeros_like(self.law)
        moved = np.zeros_like(self.law)
        moved[self.others] = self.factors.solve(change[self.others])
        result: Vector = moved - self.law * np.sum(moved)
        return result

    def pulled(self, weights: Vector) -> Vector:
        """Transpose of `along`: slope of a weighted sum of the law's entries in the flows into the states."""
        slopes = np.zeros_like(self.law)
        if self.factors is not None:
            centred = weights - self.law @ weights
            slopes[self.others] = self.factors.solve(centred[self.others], "T")
        return slopes


def stationary_law(chain: Chain, heavy: Vector) -> Law | None:
    r"""The stationary law $\mu = P^T \mu$ by one factorisation with a state of large mass held.

    Pivots lose digits where the chain drifts away from the held state: then another is chosen, where a long walk ends.

    Args:
        chain: the chain.
        heavy: where its mass is expected, (n,): the state that is held is the heaviest of the recurrent class.

    Returns:
        The law; None where the chain has several recurrent classes, or mixes so slowly that no digit is left.
    """
    classes = recurrent_classes(chain)
    if len(classes) != 1:
        return None
    recurrent = classes[0]
    if recurrent.size == 1:
        # All others are left for ever.
        return _held_law(chain, int(recurrent[0]))
    found = _held_law(chain, int(recurrent[np.argmax(heavy[recurrent])]))
    if found is None:
        found = _held_law(chain, int(recurrent[np.argmax(_long_walk(chain)[recurrent])]))
    return found


def _held_law(chain: Chain, held: int) -> Law | None:
    """The law with one state held; None where the factors have lost all digits."""
    size = chain.leaving.size
    others = np.delete(np.arange(size), held)
    if size == 1:
        return Law(np.ones(1), np.zeros(1), chain, others, None)
    into = sp.csr_array(chain.rates.T)
    try:
        factors = factor(sp.csr_array(sp.diags_array(chain.leaving[others]) - into[others][:, others]))
    except RuntimeError:  # a pivot that is zero to the last digit
        return None
    if not _reaches(factors, chain, others, held):
        return None
    start = np.ones(size)
    start[others] = factors.solve(into[others][:, [held]].toarray().ravel())
    found = _refined(Law(start, np.zeros(size), chain, others, factors), exact=False)
    if found is None or np.sum(found.error) > _ROUNDED:
        found = _refined(Law(start if found is None else found.law, np.zeros(size), chain, others, factors), exact=True)
    return found


def _refined(law: Law, exact: bool) -> Law | None:
    """A law up to its size with the digits that its factors have lost; None where they bring none back.

    Args:
        law: with the held state's mass, which stays as it is.
        exact: whether flows are summed without rounding, which takes longer and matters where the chain mixes slowly.
    """
    chain, others, factors = law.chain, law.others, law.factors
    assert factors is not None
    masses, size = law.law, law.law.size
    step = np.zeros(size)
    for _ in range(_MORE_ROUNDS if exact else _ROUNDS):
        step[others] = factors.solve(_balance(chain, masses, exact)[0][others])
        masses = np.maximum(masses + step, 0.0)
        # Entry by entry: small masses are refined as far as large ones.
        if np.all(np.abs(step) <= _SETTLED * masses):
            break
    total = np.sum(masses)
    if not (np.isfinite(total) and np.sum(np.abs(step)) <= _LOST * total):
        return None
    missed, granted = _balance(chain, masses, exact)
    found = masses / total
    # What one more round would change, the rounding of the flows it starts from, and relative changes of all rates.
    step[others] = np.abs(factors.solve(missed[others])) + np.abs(factors.solve(granted[others]))
    unit = 2.0 * np.finfo(float).eps + 2.0 * size * float(np.finfo(np.longdouble).eps)
    return law._replace(law=found, error=(step + found * np.sum(step)) / total + unit * found)


def _reaches(factors: SuperLU, chain: Chain, others: Int[np.ndarray, " r"], held: int) -> bool:
    """Whether the factors know that the held state is reached from everywhere with probability one.

    Pivots of a well that is left more rarely than its own moves are rounded are noise, larger than they should be or
    negative: refinement by such factors hardly moves, which looks as if it had converged.
    """
    reached = factors.solve(sp.csr_array(chain.rates)[others][:, [held]].toarray().ravel(), "T")
    return bool(np.all(np.abs(reached - 1.0) <= _MISSED))


def _long_walk(chain: Chain) -> Vector:
    """Law of a walk from anywhere that ends after about 10^6 moves."""
    size, rate = chain.leaving.size, _SLOWEST * float(np.max(chain.leaving))
    system = sp.csr_array(sp.diags_array(chain.leaving + rate) - chain.rates.T)
    result: Vector = factor(system).solve(np.full(size, rate / size))
    return result


def _balance(chain: Chain, masses: Vector, exact: bool) -> tuple[Vector, Vector]:
    """Flow into each state less flow out of it in extended precision, and what its sum may be rounded by.

    Summed over net flows between pairs of states, each of which counts at both ends: what it is rounded by is a change
    of a rate, which moves no entry of a law far, and not a leak, which moves all of it where the chain mixes slowly.
    """
    wide = np.longdouble
    flows = sp.csr_array(chain.rates, dtype=wide, copy=True)
    flows.data *= np.repeat(masses.astype(wide), np.diff(flows.indptr))
    net = sp.csr_array(flows.T - flows)
    lengths = np.diff(net.indptr)
    filled = np.flatnonzero(lengths)
    into, sizes = np.zeros(masses.size, wide), np.zeros(masses.size, wide)
    if filled.size:
        into[filled] = np.add.reduceat(net.data, net.indptr[filled])
        sizes[filled] = np.add.reduceat(np.abs(net.data), net.indptr[filled])
    unit = np.finfo(wide).eps
    if exact:
        into, unit = _exact_sums(net.data, net.indptr), unit * np.finfo(float).eps
    return into.astype(float), (unit * lengths * sizes).astype(float)


def _exact_sums(values: Float[np.ndarray, " e"], pointers: Int[np.ndarray, " r1"]) -> Float[np.ndarray, " r"]:
    """Sums of the rows of a sparse matrix, by pairs, with what each addition loses added at the end."""
    lengths, rows = np.diff(pointers), np.arange(pointers.size - 1)
    lost = np.zeros(rows.size)
    while np.max(lengths, initial=0) > 1:
        halves = (lengths + 1) // 2
        row = np.repeat(rows, halves)
        after = np.concatenate([[0], np.cumsum(halves)])
        first = pointers[row] + 2 * (np.arange(row.size) - after[row])
        paired = first + 1 < pointers[row + 1]
        one, other = values[first], np.where(paired, values[np.where(paired, first + 1, first)], 0.0)
        total = one + other
        moved = total - one
        left = (one - (total - moved)) + (other - moved)
        lost += np.bincount(row, left.astype(float), minlength=rows.size)
        values, pointers, lengths = total, after, halves
    result = np.zeros(rows.size, dtype=values.dtype)
    result[lengths > 0] = values[pointers[:-1][lengths > 0]]
    sums: Float[np.ndarray, " r"] = result + lost
    return sums
