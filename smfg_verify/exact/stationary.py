r"""Stationary law of a finite chain by subtraction-free elimination, accurate entry by entry however slowly it mixes.

Only the rates between different states are used: the diagonal, where 1 - p loses a small p, never enters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


class _Stages(NamedTuple):
    """What each of the n - 1 eliminations leaves behind, the first axis counts them.

    Attributes:
        state: the state k that is eliminated.
        parent: the remaining state that k moves to most often.
        remaining: the states left after it.
        rate: s, rate at which the censored chain leaves k.
        leave: where it goes from k, P(k, l) / s over the remaining l; sums to one.
        enter: P(i, k) / s over the remaining i.
    """

    state: Int[Array, " S"]
    parent: Int[Array, " S"]
    remaining: Bool[Array, "S n"]
    rate: Float[Array, " S"]
    leave: Float[Array, "S n"]
    enter: Float[Array, "S n"]


def _eliminate(transition: Float[Array, "n n"]) -> _Stages:
    """Watch the chain on fewer and fewer states; the one that is left fastest goes first.

    So a state without exit is eliminated only when no remaining state has one: then there are several recurrent
    classes, and the division by the rate zero says so. No entry of the law outgrows the sum of the later ones either.
    """
    size = transition.shape[0]
    apart = ~jnp.eye(size, dtype=bool)

    def stage(carry, _):
        rates, remaining = carry
        leaving = jnp.sum(rates, axis=1)
        state = jnp.argmax(jnp.where(remaining, leaving, -1.0))
        remaining = remaining & (jnp.arange(size) != state)
        rate, enter = leaving[state], rates[:, state]
        leave = rates[state] / rate
        kept = apart & remaining[:, None] & remaining[None, :]
        rates = jnp.where(kept, rates + enter[:, None] * leave[None, :], 0.0)
        done = _Stages(state, jnp.argmax(leave), remaining, rate, leave, jnp.where(remaining, enter, 0.0) / rate)
        return (rates, remaining), done

    start = (jnp.where(apart, transition, 0.0), jnp.ones((size,), dtype=bool))
    return jax.lax.scan(stage, start, length=size - 1)[1]


def _collect(stages: _Stages, masses: Float[Array, " n"], sources: Float[Array, " S"]) -> Float[Array, " n"]:
    """Masses of the eliminated states, last one first: what enters k at rate P(i, k) / s, and its source."""

    def stage(masses, done):
        state, enter, source = done
        entered = jnp.dot(enter, masses) + source
        return jax.lax.dynamic_update_index_in_dim(masses, entered, state, 0), None

    return jax.lax.scan(stage, masses, (stages.state, stages.enter, sources), reverse=True)[0]


def _law(stages: _Stages, size: int) -> Float[Array, " n"]:
    last = stages.remaining[-1].astype(stages.enter.dtype)
    masses = _collect(stages, last, jnp.zeros_like(stages.rate))
    return masses / jnp.sum(masses)


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
    if size == 1:
        return jnp.ones((1,), transition.dtype)
    return _law(_eliminate(transition), size)


@stationary_distribution.defjvp
def _stationary_jvp(primals, tangents):
    r"""$\dot\nu = \sum_{i \ne l} \nu_i \dot P_{il} (D_{l\cdot} - D_{i\cdot})$, D the deviation matrix of the chain.

    The flows $\nu_i \dot P_{il}$ between states are carried through the elimination as flows, never as the balance of a
    state: where states form groups that hardly exchange mass, balances lose what crosses from group to group to the
    rounding of what moves within one, and the slow rates would magnify that. Eliminating k turns a flow k to l
    into one along the edge to k's parent and one from the parent to l; each direction costs O(n^2).
    """
    (transition,), (change,) = primals, tangents
    size = transition.shape[0]
    if size == 1:
        return jnp.ones((1,), transition.dtype), jnp.zeros((1,), transition.dtype)
    stages = _eliminate(transition)
    law = _law(stages, size)
    flow = law[:, None] * change
    crossing = _crossings(stages, flow - flow.T)
    masses = _collect(stages, jnp.zeros_like(law), -crossing / stages.rate)
    return law, masses - law * jnp.sum(masses)


def _crossings(stages: _Stages, flow: Float[Array, "n n"]) -> Float[Array, " S"]:
    """Net flow over each eliminated state's edge to its parent, of an antisymmetric table of net flows."""

    def stage(flow, done):
        state, parent, remaining, leave = done
        row = jnp.where(remaining, jax.lax.dynamic_index_in_dim(flow, state, 0, keepdims=False), 0.0)
        crossing = jnp.sum(row)
        above = jax.lax.dynamic_index_in_dim(flow, parent, 0, keepdims=False)
        others = remaining & (jnp.arange(row.shape[0]) != parent)
        above = jnp.where(others, above + row - crossing * leave, 0.0)
        flow = jax.lax.dynamic_update_index_in_dim(flow, above, parent, 0)
        return jax.lax.dynamic_update_index_in_dim(flow, -above, parent, 1), crossing

    return jax.lax.scan(stage, flow, (stages.state, stages.parent, stages.remaining, stages.leave))[1]
