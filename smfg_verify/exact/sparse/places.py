"""A point of the unknowns of a large game, mean field and value, and what the equations say there."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.exact.equilibrium.outcome import Status
from smfg_verify.exact.equilibrium.residual import value_scale
from smfg_verify.exact.sparse.chain import Chain, Law, chain_of, recurrent_classes, stationary_law
from smfg_verify.exact.sparse.local_moves import Answer, Local, answer
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray

Field = Float[np.ndarray, " M"]
Vector = Float[np.ndarray, " n"]


class Pair(NamedTuple):
    """A value of the unknowns (mean field, value), or of their equations, or a multiplier of these."""

    field: Field
    value: Vector

    def times(self, factor: "float | Pair") -> "Pair":
        """The pair times a number, or entry by entry."""
        if isinstance(factor, Pair):
            return Pair(self.field * factor.field, self.value * factor.value)
        return Pair(factor * self.field, factor * self.value)

    def plus(self, other: "Pair", factor: float = 1.0) -> "Pair":
        """The sum with a multiple of another pair."""
        return Pair(self.field + factor * other.field, self.value + factor * other.value)


class Place(NamedTuple):
    """A point of the unknowns with what belongs to it.

    Attributes:
        point: mean field and value.
        answer: chain, policy and updated value there.
        chain: the chain.
        law: its stationary law with factors.
        remainder: of the equations, $m - \\nu(m, V)$ and $V - T V$.
        norm: largest entry of it, the value's part relative to max(tau, max |V|).
        merit: the mass that is off, plus the largest error of the value's equation in units of the temperature.
    """

    point: Pair
    answer: Answer
    chain: Chain
    law: Law
    remainder: Pair
    norm: float
    merit: float


def population(game: AbstractGame, law: Vector, policy: AnyArray) -> Field:
    """The mean field of a law of the states and a policy, flattened."""
    return law if game.mean_field_support == "states" else (law[:, None] * np.asarray(policy)).ravel()


def by_state(game: AbstractGame, field: Field) -> Vector:
    """Mass of each state."""
    return field if game.mean_field_support == "states" else field.reshape(game.num_states, -1).sum(axis=1)


def place_at(game: AbstractGame, local: Local, point: Pair) -> Place | Status:
    """The equations at a point; a status where they have no value there."""
    found = answer_of(game, local, point)
    if not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found)):
        return Status.NOT_FOUND
    chain = chain_of(np.asarray(local.targets), found.weights)
    law = stationary_law(chain, by_state(game, point.field))
    if law is None:
        # A chain that nearly falls apart has a law that these factors do not find.
        return Status.NOT_FOUND if len(recurrent_classes(chain)) == 1 else Status.SEVERAL_CLASSES
    missed = Pair(point.field - population(game, law.law, found.policy), point.value - found.updated)
    merit = float(np.sum(np.abs(missed.field)) + np.max(np.abs(missed.value)) / local.temperature)
    return Place(point, found, chain, law, missed, _norm(local, missed, point), merit)


def answer_of(game: AbstractGame, local: Local, point: Pair) -> Answer:
    """Chain, policy and updated value of a point, as arrays of NumPy."""
    result: Answer = jax.tree.map(np.asarray, answer(game, local, jnp.asarray(point.field), jnp.asarray(point.value)))
    return result


def _norm(local: Local, remainder: Pair, point: Pair) -> float:
    scale = float(value_scale(local.temperature, jnp.asarray(point.value)))
    return max(float(np.max(np.abs(remainder.field))), float(np.max(np.abs(remainder.value))) / scale)
