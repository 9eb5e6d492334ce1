r"""Stationary law of a finite chain by subtraction-free elimination, accurate entry by entry however slowly it mixes.

Only the rates between different states are used: the diagonal, where 1 - p loses a small p, never enters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

# States from which on the table's rows, and not the steps of the loop, take the time of an elimination.
_LARGE = 128


class _Stages(NamedTuple):
    """What each of the n - 1 eliminations leaves behind, the first axis counts them.

    Attributes:
        state: the state k that is eliminated.
        parent: the remaining state that k moves to most often.
        subtree: k and all whose parents' parents lead to it.
        rate: s, rate at which the censored chain leaves k.
        leave: where it goes from k, P(k, l) / s over the remaining l; sums to one.
        visits: what a mass of one at k entails at k and at the states eliminated before it.
    """

    state: Int[Array, " S"]
    parent: Int[Array, " S"]
    subtree: Bool[Array, "S n"]
    rate: Float[Array, " S"]
    leave: Float[Array, "S n"]
    visits: Float[Array, "S n"]


def _eliminate(transition: Float[Array, "n n"]) -> tuple[Float[Array, " n"], _Stages]:
    """The law, and the stages: watch the chain on fewer and fewer states; the one that is left fastest goes first.

    So a state without exit is eliminated only when no remaining state has one: then there are several recurrent
    classes, and the division by the rate zero says so. No entry of the law outgrows the sum of the later ones either.
    A column of the table holds rates until its state k is eliminated, afterwards the mass at k for each unit at the
    remaining states: both change by the same products, P(i, l) + P(i, k) P(k, l) / s.
    """
    size = transition.shape[0]
    states = jnp.arange(size)

    def stage(carry: _Carry, _: None) -> tuple[_Carry, _Stages]:
        table, places, remaining, members = carry
        apart, live = places[:, None] != states, remaining[places]
        leaving = jnp.sum(jnp.where(remaining, table, 0.0), axis=1)
        place = jnp.argmax(jnp.where(live, leaving, -1.0))
        state = places[place]
        here = states == state
        left = remaining & ~here
        row, rate = table[place], leaving[place]
        enter = table[:, state] / rate
        moved = jnp.where(here, enter[:, None], table + enter[:, None] * row)
        table = jnp.where(apart & left[places][:, None], moved, 0.0)
        leave = jnp.where(left, row, 0.0)
        parent, subtree = jnp.argmax(leave), members[state]
        visits = jnp.where(here, 1.0, jnp.where(remaining, 0.0, row))
        members = members | ((states == parent)[:, None] & subtree)
        return (table, places, left, members), _Stages(state, parent, subtree, rate, leave / rate, visits)

    off = ~jnp.eye(size, dtype=bool)
    carry = (jnp.where(off, transition, 0.0), states, jnp.ones((size,), dtype=bool), ~off)
    parts = []
    for length in _lengths(size):
        carry, stages = jax.lax.scan(stage, carry, length=length)
        parts.append(stages)
        carry = _without_empty_rows(*carry, len(carry[1]) - length)
    # Only the last state's row is left.
    table, _, remaining, _ = carry
    masses = jnp.sum(table, axis=0) + remaining
    together: _Stages = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)
    return masses / jnp.sum(masses), together


# Table of the remaining rows, their states, which states remain, and the members of subtrees.
_Carry = tuple[Array, Array, Array, Array]


def _lengths(size: int) -> list[int]:
    """Stages after which empty rows are taken out of the table: four parts where they are what takes time."""
    if size < _LARGE:
        return [size - 1]
    part = size // 4
    return [part, part, part, size - 1 - 3 * part]


def _without_empty_rows(table: Array, places: Array, remaining: Array, members: Array, kept: int) -> _Carry:
    """The same without the rows of states that were eliminated, in the same order."""
    order = jnp.argsort(~remaining[places], stable=True)[:kept]
    return table[order], places[order], remaining, members


@jax.custom_jvp
def stationary_distribution(transition: Float[Array, "n n"]) -> Float[Array, " n"]:
    r"""Stationary distribution of a chain, $\nu = P^T \nu$, by the elimination of Grassmann, Taksar and Heyman.

    No subtraction takes place, so each entry has a relative error of a few n roundings whatever the rates are: those
    of 1e-15 count as exactly as those of order one. Differentiable to any order, as accurately.

    Args:
        transition: P(s' | s), (n, n), rows are current states; the diagonal is not read.

    Returns:
        (n,), non-negative, sums to one; exactly zero at transient states; NaN when there are several recurrent classes.

    Source: Grassmann, Taksar and Heyman 1985; entrywise error O'Cinneide 1993. The order of elimination is ours.
    """
    size = transition.shape[0]
    return jnp.ones((1,), transition.dtype) if size == 1 else _eliminate(transition)[0]


@stationary_distribution.defjvp
def _stationary_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (transition,), (change,) = primals, tangents
    response = law_response(transition)
    return response.law, response.along(change)


class LawResponse(NamedTuple):
    r"""A chain's law and how it answers to changes of the chain, $\dot\nu = \sum_k c_k T_k$.

    The flows $\nu_i \dot P_{il}$ between states are summed as flows over edges, never as the balance of a state:
    where states form groups that hardly exchange mass, balances lose what crosses from group to group to the rounding
    of what moves within one, and the slow rates would magnify that. The edges are those of each state k to the one it
    moves to most often when it is eliminated, a tree; what a flow between any two states does is the sum along the path
    between them, so c_k is the net flow out of the subtree below k.

    Attributes:
        law: $\nu$, (n,).
        subtree: the states below k and k itself.
        by_edge: T, change of the law for each unit of net flow over the edge of k.
    """

    law: Float[Array, " n"]
    subtree: Float[Array, "S n"]
    by_edge: Float[Array, "S n"]

    def along(self, change: Float[Array, "n n"]) -> Float[Array, " n"]:
        """Derivative of the law in the direction of a change of the chain; its diagonal is not read."""
        flow = self.law[:, None] * change
        outside = 1.0 - self.subtree
        return jnp.sum((self.subtree @ (flow - flow.T)) * outside, axis=1) @ self.by_edge

    def worth(self, weights: Float[Array, " n"]) -> Float[Array, "n n"]:
        r"""D with $w^T \dot\nu = \sum_{il} \nu_i \dot P_{il} D_{il}$: a flow's worth, along its path in the tree."""
        ahead = self.subtree.T @ ((self.by_edge @ weights)[:, None] * (1.0 - self.subtree))
        return ahead - ahead.T

    def of_rows(self, changes: Float[Array, "n A n"]) -> Float[Array, "n n A"]:
        """Derivatives of the law when one row of the chain changes, for A changes of each row; law's entry first."""
        flow = self.law[:, None, None] * changes
        outside = 1.0 - self.subtree
        out = jnp.einsum("ks,sal,kl->ksa", self.subtree, flow, outside)
        into = jnp.einsum("ks,sal,kl->ksa", outside, flow, self.subtree)
        return jnp.einsum("ksa,kj->jsa", out - into, self.by_edge)

    def of_products(self, rows: Float[Array, "n K n"], weights: Float[Array, "n K M"]) -> Float[Array, "n M"]:
        """Derivatives of the law when each row of the chain changes by a weighted sum of K changes, for M weights."""
        outside = 1.0 - self.subtree
        out = jnp.einsum("skl,el->esk", rows, outside) * (self.subtree * self.law)[:, :, None]
        into = jnp.einsum("skl,el->esk", rows, self.subtree) * (outside * self.law)[:, :, None]
        return jnp.einsum("ej,em->jm", self.by_edge, jnp.einsum("esk,skm->em", out - into, weights))


def law_response(transition: Float[Array, "n n"]) -> LawResponse:
    """The law of a chain, with its response; NaN when there are several recurrent classes."""
    if transition.shape[0] == 1:
        no_edges = jnp.zeros((0, 1), transition.dtype)
        return LawResponse(jnp.ones((1,), transition.dtype), no_edges, no_edges)
    law, stages = _eliminate(transition)
    subtree = stages.subtree.astype(transition.dtype)
    outside = 1.0 - subtree
    below = subtree[:, stages.parent]
    # Net flow over the edge of k for each unit that elimination turns from the edge of j to the states j moves to.
    turned = (1.0 - below) * (subtree @ stages.leave.T) - below * (outside @ stages.leave.T)

    def stage(by_edge: Array, done: tuple[Array, Array, Array, Array]) -> tuple[Array, None]:
        index, visits, rate, turn = done
        # Later edges only: none was turned to an earlier one.
        change = turn @ by_edge - visits / rate
        return jax.lax.dynamic_update_index_in_dim(by_edge, change, index, 0), None

    order = (jnp.arange(len(stages.rate)), stages.visits, stages.rate, turned.T)
    by_edge, _ = jax.lax.scan(stage, jnp.zeros_like(stages.visits), order, reverse=True)
    return LawResponse(law, subtree, by_edge - law * jnp.sum(by_edge, axis=1, keepdims=True))
