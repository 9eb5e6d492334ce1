"""What regularised equilibria are worth without entropy: the gain of the best deviation at each temperature."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.newton import respond
from smfg_verify.exact.equilibrium.residual import Point, follower_policy
from smfg_verify.exact.equilibrium.tested import tested_policy
from smfg_verify.exact.response import setting_of
from smfg_verify.exact.response_jacobian import at_equilibria, uniform_field
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy

_LARGEST_BATCH = 16
# Temperatures between those asked for differ by this factor at most, and the first is so many times the hottest.
_STEP, _HOT = 1.2, 4.0


class EntropyBias(NamedTuple):
    r"""Regularised equilibria of N leaders at T temperatures, in the game without entropy.

    Attributes:
        temperature: tau, (T,), hot to cold.
        gain: $\max_{\pi'} J_f(\pi', \phi, \mu) - J_f(\pi_\tau, \phi, \mu)$ without entropy, $\mu$ the population
            that the equilibrium's policy makes, in units of the follower's objective, (T, N); NaN where none was found.
        consistency: l1 distance of that population from where it moves, (T, N).
    """

    temperature: Float[np.ndarray, " T"]
    gain: Float[np.ndarray, "T N"]
    consistency: Float[np.ndarray, "T N"]


def entropy_bias(
    game: AbstractGame, logits: Float[ArrayLike, "N O B"], temperatures: Float[ArrayLike, " T"]
) -> EntropyBias:
    """The gains, equilibria followed from the hottest temperature to the coldest.

    Args:
        game: the game, traced.
        logits: the leaders', (N, O, B).
        temperatures: any order.

    Returns:
        The gains.
    """
    leaders, taus = np.asarray(logits, dtype=float), np.sort(np.asarray(temperatures, dtype=float))[::-1]
    fields = np.tile(uniform_field(game), (len(leaders), 1))
    gains, moved = [], []
    for hotter, tau in zip([_HOT * taus[0], *taus], taus, strict=False):
        # By small steps, so that the equilibria stay on the branch that comes from hot temperatures.
        for between in np.geomspace(hotter, tau, 2 + int(np.log(hotter / tau) / np.log(_STEP)))[1:]:
            found = at_equilibria(game, leaders, fields, np.full(len(leaders), between))
            fields = np.where(found.converged[:, None], found.mean_field, fields)
        size, each = batch_size(game, _LARGEST_BATCH), np.full(len(leaders), tau)
        gain, consistency = in_batches(lambda *at: _gains(game, *at), size, leaders, fields, each)
        gains.append(np.where(found.converged, gain, np.nan))
        moved.append(np.where(found.converged, consistency, np.nan))
    return EntropyBias(taus, np.array(gains), np.array(moved))


@jit_for_game
def _gains(game: AbstractGame, logits: Array, fields: Array, temperatures: Array) -> tuple[Array, Array]:
    def one(omega: Array, field: Array, temperature: Array) -> tuple[Array, Array]:
        phi = softmax_policy(omega)
        setting = setting_of(game, phi, temperature)
        policy = follower_policy(setting, Point(field, respond(setting, field)[1].value))
        found = tested_policy(game, phi, policy, field)
        return jnp.asarray(found.gain), jnp.asarray(found.consistency)

    return jax.vmap(one)(logits, fields, temperatures)
