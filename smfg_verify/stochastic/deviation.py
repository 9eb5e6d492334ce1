"""What one follower of N gains by leaving the policy that the others keep."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.exact.follower import best_response, policy_value, soft_bellman
from smfg_verify.exact.kernel import FollowerModel, Kernel, follower_model
from smfg_verify.game import AbstractGame, compiled_for_game, dense_transition, mean_field_shape, over_indices
from smfg_verify.policies import entropy
from smfg_verify.records.portable import Portable


class Deviation(Portable, eqx.Module):
    r"""Gain of the best single deviation, between what one deviation reaches and what no deviation exceeds.

    A tagged follower leaves the policy; the other N - 1 move as recorded. On the recorded path $(m^{-}_t)$ of the
    others it faces, in state s with action a, the mean field $m^{-}_t + \frac1N e_s$ (or $e_{s,a}$): its own weight in
    the rewards and moves it meets is exact. After the last step the others stand at the reference. On a path its
    values follow by backward recursion, entropy included, averaged over its own first state; nothing of its own is
    sampled. Left out is how its deviation moves the others later, of order 1/N: nothing where the transition does not
    depend on the mean field, and nothing at N = 1.

    Attributes:
        gain: a lower bound a seed, (seeds,): the gain of the soft best response to the mean of the other seeds' paths
            (with one seed, to the reference), a policy of state and time that has not seen the path it is judged on.
            Unbiased for what that deviation gains; its mean may be below zero, by noise, where nothing can be gained.
        clairvoyant_gain: an upper bound a seed, (seeds,), >= 0: the gain of the soft best response to the path
            itself. Apart from what is left out, no deviation has a higher mean, whatever it observes.
        value: of the policy kept, on each path, (seeds,), in units of discounted reward.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.stochastic import Deviation
        >>> deviation = Deviation(
        ...     gain=np.array([0.10, 0.12, 0.11]), clairvoyant_gain=np.array([0.20, 0.21, 0.22]), value=np.ones(3)
        ... )
        >>> [round(float(end), 3) for end in deviation.interval]
        [0.11, 0.21]
    """

    gain: Float[np.ndarray, " seeds"]
    clairvoyant_gain: Float[np.ndarray, " seeds"]
    value: Float[np.ndarray, " seeds"]

    @property
    def interval(self) -> tuple[float, float]:
        """Means of both bounds; the lower one not below 0, which is what no deviation gains."""
        return max(0.0, float(np.mean(self.gain))), float(np.mean(self.clairvoyant_gain))


def best_deviation(
    game: AbstractGame,
    rows: Float[Array, "n B"],
    policy: Float[Array, "n A"],
    law: Float[Array, " n"],
    reference: Float[Array, " n *A"],
    fields: Float[Array, "seeds T n *A"],
    tagged: Int[Array, "seeds T"],
    num_players: int,
) -> Deviation:
    """Gain of the best single deviation against recorded populations.

    Args:
        game: the game, traced.
        rows: phi(b | s), (n, B).
        policy: pi(a|s) that everyone else keeps, (n, A).
        law: of the deviator's first state, (n,).
        reference: mean field that the others stand at after the last step.
        fields: empirical mean fields, (seeds, T, n) or (seeds, T, n, A).
        tagged: entry of the (flattened) mean field that the tagged follower was in, (seeds, T).
        num_players: N.

    Returns:
        Both bounds, for each seed; NaN where the best deviation after the last step was not found.
    """
    found = _gains(game, rows, policy, law, reference, fields, tagged, jnp.asarray(float(num_players)))
    return Deviation(**{name: np.asarray(value) for name, value in found.items()})


@compiled_for_game
def _gains(
    game: AbstractGame,
    rows: Array,
    policy: Array,
    law: Array,
    reference: Array,
    fields: Array,
    tagged: Array,
    num_players: Array,
) -> dict[str, Array]:
    others = jax.vmap(jax.vmap(lambda field, entry: _without(field, entry, num_players)))(fields, tagged)
    rest = reference * (1.0 - 1.0 / num_players)
    final = met_model(game, rows, rest, num_players)
    kept = policy_value(final, policy, game.discount, game.temperature)
    optimum = best_response(final, game.discount, game.temperature)
    # The value of an optimum that was not found lies below it, and would make the upper bound none.
    best = jnp.where(optimum.converged, optimum.value, jnp.nan)
    total, seeds = jnp.sum(others, axis=0), others.shape[0]

    def one(path: Array) -> dict[str, Array]:
        expected = (total - path) / (seeds - 1) if seeds > 1 else jnp.broadcast_to(rest, path.shape)

        def back(
            values: tuple[Array, Array, Array, Array], met: tuple[Array, Array]
        ) -> tuple[tuple[Array, Array, Array, Array], None]:
            kept, planned, deviating, clairvoyant = values
            here, forecast = (met_model(game, rows, field, num_players) for field in met)
            planned, response = soft_bellman(forecast, planned, game.discount, game.temperature)
            clairvoyant, _ = soft_bellman(here, clairvoyant, game.discount, game.temperature)
            kept, deviating = (
                _evaluate(game, here, followed, value) for followed, value in ((policy, kept), (response, deviating))
            )
            return (kept, planned, deviating, clairvoyant), None

        (value, _, deviating, clairvoyant), _ = jax.lax.scan(
            back, (kept, best, best, best), (path, expected), reverse=True
        )
        return {
            "gain": law @ (deviating - value),
            "clairvoyant_gain": law @ (clairvoyant - value),
            "value": law @ value,
        }

    result: dict[str, Array] = jax.lax.map(one, others)
    return result


def _without(field: Float[Array, " n *A"], entry: Int[Array, ""], num_players: Float[Array, ""]) -> Array:
    """The others' part of an empirical mean field, of mass 1 - 1/N."""
    others = jnp.ravel(field).at[entry].add(-1.0 / num_players)
    return jnp.maximum(others, 0.0).reshape(field.shape)


def met_model(
    game: AbstractGame, rows: Float[Array, "n B"], others: Float[Array, " n *A"], num_players: Float[Array, ""]
) -> FollowerModel:
    r"""What one follower of N faces: where it is and what it does there is a share $1/N$ of the mean field.

    Args:
        game: the game.
        rows: phi(b | s), (n, B).
        others: the other followers' part of the mean field, of mass 1 - 1/N.
        num_players: N.

    Returns:
        Its decision problem.
    """

    def met(function: Callable[..., Array]) -> Array:
        def at(state: Array, action: Array, leader_action: Array) -> Array:
            own = state if game.mean_field_support == "states" else state * game.num_follower_actions + action
            field = jnp.ravel(others).at[own].add(1.0 / num_players).reshape(mean_field_shape(game))
            return jnp.asarray(function(state, action, leader_action, field))

        return over_indices(game, at)

    kernel = Kernel(
        transition=met(lambda *point: dense_transition(game, *point)),
        follower_reward=met(game.follower_reward),
        leader_reward=met(game.leader_reward),
    )
    return follower_model(kernel, rows)


def _evaluate(
    game: AbstractGame, model: FollowerModel, policy: Float[Array, "n A"], value: Float[Array, " n"]
) -> Float[Array, " n"]:
    """One step back of the value of a policy."""
    reward = jnp.sum(policy * (model.reward + game.discount * (model.transition @ value)), axis=-1)
    return reward + game.temperature * entropy(policy)
