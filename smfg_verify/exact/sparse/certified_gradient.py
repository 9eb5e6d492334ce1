"""Equilibrium, gradient and certificate of a large game in one go, by the same factors."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.outcome import Equilibrium
from smfg_verify.exact.gradient.certificate import Certificate
from smfg_verify.exact.gradient.one_sided_slopes import SlopeComparison
from smfg_verify.exact.sparse.certificate import certify
from smfg_verify.exact.sparse.equations.linearisation import StalledError
from smfg_verify.exact.sparse.equilibrium import sparse_equilibrium
from smfg_verify.exact.sparse.gradient import Tables, gradient_formula
from smfg_verify.game import AbstractGame
from smfg_verify.game.checks.differences import SlopeStatus


class SparseGradient(NamedTuple):
    """What the record of a gradient is made of; NaN where the equilibrium has not converged or a solve has stalled."""

    equilibrium: Equilibrium
    objective: Float[Array, ""]
    tables: Tables
    certificate: Certificate


def sparse_gradient(
    game: AbstractGame, leader_policy: Float[Array, "O B"], start: Float[Array, "..."] | None
) -> SparseGradient:
    """The Stackelberg gradient of a table of leader probabilities in a game that lists its successors.

    Args:
        game: the game, prepared, with numbers.
        leader_policy: phi(b | o), (O, B).
        start: mean field the equilibrium search starts from; uniform if None.

    Returns:
        The gradient's parts in the entries of the leader's policy, with their certificate.
    """
    found = sparse_equilibrium(game, leader_policy, start)
    if found.linear is None or found.estimate is None:
        return _nothing(found.equilibrium, leader_policy.shape)
    try:
        formula = gradient_formula(game, found.local, found.linear)
        certificate = certify(game, found.local, found.linear, found.estimate, found.equilibrium, formula)
    except StalledError:
        return _nothing(found.equilibrium, leader_policy.shape)
    return SparseGradient(found.equilibrium, jnp.asarray(formula.leader.objective), formula.tables, certificate)


def _nothing(equilibrium: Equilibrium, shape: tuple[int, ...]) -> SparseGradient:
    table = np.full(shape, np.nan)
    tables = Tables(table, table, table, table, table)
    return SparseGradient(equilibrium, jnp.asarray(np.nan), tables, _unknown(equilibrium))


def _unknown(equilibrium: Equilibrium) -> Certificate:
    """Nothing is known of a gradient that there is not."""
    nan, zero = jnp.asarray(np.nan), jnp.asarray(0)
    slopes = SlopeComparison(
        status=jnp.asarray(int(SlopeStatus.UNKNOWN)),
        function=zero,
        entry=jnp.zeros(4, dtype=int),
        direction=jnp.full(equilibrium.mean_field.size, jnp.nan),
        derivative=nan,
        forward=nan,
        backward=nan,
        length=nan,
        directions=zero,
    )
    return Certificate(equilibrium.residual, nan, nan, nan, nan, slopes)
