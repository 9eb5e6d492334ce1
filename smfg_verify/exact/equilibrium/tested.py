"""A policy against the population that it makes: what a follower without entropy gains by leaving it."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.exploitability import POPULATION_TOLERANCE, population_under
from smfg_verify.exact.follower import policy_regret
from smfg_verify.exact.kernel import centred, follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.game import AbstractGame, SourceGap, mean_field_shape, source_gap
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import observed_rows


class Tested(NamedTuple):
    """A policy against the population that it makes; the names are those of `NashEquilibrium`, NaN where unknown."""

    policy: Float[AnyArray, "n A"]
    mean_field: Float[AnyArray, "..."]
    value: Float[AnyArray, " n"]
    gain: Float[AnyArray, ""]
    regret: Float[AnyArray, ""]
    consistency: Float[AnyArray, ""]
    gap: SourceGap | None


def tested_policy(
    game: AbstractGame, leader_policy: Float[Array, "O B"], policy: Float[Array, "n A"], start: Float[Array, " M"]
) -> Tested:
    """The population of a policy, and what the best deviation from it gains there; for use inside jit.

    Args:
        game: the game, traced.
        leader_policy: phi(b | o), (O, B).
        policy: pi(a | s), (n, A).
        start: mean field from which the population is searched for, flattened.

    Returns:
        Everything computed from the game's functions and the policy alone.
    """
    rows = observed_rows(leader_policy, game.leader_observation)
    shape = mean_field_shape(game)
    field, residual = population_under(game, rows, policy, start)
    kernel, middle, averaged = centred(tabulate(game, field.reshape(shape)))
    model, discount = follower_model(kernel, rows), jnp.asarray(game.discount)
    value, regret = policy_regret(model, policy, discount, averaged=averaged, leader_actions=game.num_leader_actions)
    regret = jnp.where(residual < POPULATION_TOLERANCE, regret, jnp.nan)
    states = field if game.mean_field_support == "states" else jnp.sum(field.reshape(shape), axis=1)
    moved = states @ chain(policy, model.transition)
    return Tested(
        policy,
        field.reshape(shape),
        value + middle / (1.0 - discount),
        gain=jnp.asarray(game.initial_distribution) @ regret,
        regret=jnp.max(regret),
        consistency=jnp.sum(jnp.abs(moved - states)),
        gap=source_gap(game, field.reshape(shape), policy),
    )
