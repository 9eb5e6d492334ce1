"""Independent policy gradients in two layers, on sampled episodes: the leader's slow, the follower's fast."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Scalar
from smfg_verify.stochastic.baselines._transitions import Transition, initial_states, transition
from smfg_verify.stochastic.engine.lanes import entry, observed, over_lanes
from smfg_verify.stochastic.engine.start_and_resume import RunOptions, run_method
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry, Method, check_count, check_schedule, register
from smfg_verify.stochastic.schedules import Schedule
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.value_bounds import ValueBounds


@register
class Adage(Method):
    """The two layers as a method; see `adage`.

    Attributes:
        schedule, horizon, num_episodes: as in `adage`.

    Source: see `adage`.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.stochastic.baselines import Adage
        >>> Adage(Schedule(), horizon=4, num_episodes=4).transitions_per_iteration(games.load("laffer-tax"))
        20
    """

    name: ClassVar[str] = "adage"
    schedule: Schedule
    horizon: int = eqx.field(static=True)
    num_episodes: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        check_schedule(self.schedule)
        check_count("horizon", self.horizon)
        check_count("num_episodes", self.num_episodes)

    def num_uniforms(self, game: AbstractGame) -> int:
        return self.num_episodes + 3 * self.transitions_per_iteration(game)

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return self.horizon * (self.num_episodes + 1)

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        iterate, steps = carry.iterate, self.schedule.at(iteration)
        path = self._paths(game, iterate, uniforms)
        episodes = jax.tree.map(lambda leaf: leaf[..., :-1, :], path)
        follower, leader = _layers(game, iterate, episodes)
        moved = Iterate(
            leader_logits=iterate.leader_logits
            + steps.leader * _policy_gradient(game, iterate.leader_logits, observed(game, episodes.state), leader),
            follower_logits=iterate.follower_logits
            + steps.follower * _policy_gradient(game, iterate.follower_logits, episodes.state, follower),
            leader_critic=jnp.clip(
                _towards_returns(iterate.leader_critic, steps.critic, episodes, leader),
                bounds.leader_lower,
                bounds.leader_upper,
            ),
            follower_critic=jnp.clip(
                _towards_returns(iterate.follower_critic, steps.critic, episodes, follower),
                bounds.follower_lower,
                bounds.follower_upper,
            ),
            mean_field=iterate.mean_field + steps.mean_field * (_population(game, path) - iterate.mean_field),
            occupancy_state=iterate.occupancy_state,
            population_state=path.next_state[-1, -1],
        )
        return Carry(moved, carry.memory)

    def _paths(self, game: AbstractGame, iterate: Iterate, uniforms: Float[Array, "uniforms lanes"]) -> Transition:
        """Paths of all chains, time first; the last chain is the population's, the others are episodes from rho."""
        first, drawn = jnp.split(uniforms, [self.num_episodes])
        start = jnp.concatenate([initial_states(game, first), iterate.population_state[None]])

        def move(states: Array, drawn: Array) -> tuple[Array, Transition]:
            found = transition(game, iterate, states, drawn)
            return found.next_state, found

        shape = (self.horizon, 3, self.num_episodes + 1, uniforms.shape[-1])
        return jax.lax.scan(move, start, drawn.reshape(shape))[1]


class _Layer(NamedTuple):
    """One layer's side of the episodes: its scores, and by how much the returns exceed its critic."""

    scores: Float[Array, "time k chains lanes"]
    advantages: Float[Array, "time chains lanes"]


def _layers(game: AbstractGame, iterate: Iterate, path: Transition) -> tuple[_Layer, _Layer]:
    indices = (path.state, path.follower_action, path.leader_action)

    def layer(reward: Callable[..., Array], critic: Array, log_policy: Array, action: Array, weight: Scalar) -> _Layer:
        chains = jax.vmap(jax.vmap(reward, in_axes=(0, 0, 0, None)), in_axes=(0, 0, 0, None))
        chosen = jax.nn.one_hot(action, log_policy.shape[1], axis=1, dtype=critic.dtype)
        surprise = -jnp.sum(chosen * log_policy, axis=1)
        rewards = over_lanes(chains)(*indices, iterate.mean_field) + weight * surprise
        return _Layer(chosen - jnp.exp(log_policy), _returns(game, critic, path, rewards) - entry(critic, path.state))

    follower = layer(
        game.follower_reward, iterate.follower_critic, path.follower.logarithms, path.follower_action, game.temperature
    )
    leader = layer(
        game.leader_reward, iterate.leader_critic, path.leader.logarithms, path.leader_action, game.leader_temperature
    )
    return follower, leader


def _returns(game: AbstractGame, critic: Array, path: Transition, rewards: Float[Array, "time chains lanes"]) -> Array:
    """Discounted return from each time on; past the horizon the critic stands for what is left."""

    def back(later: Array, reward: Array) -> tuple[Array, Array]:
        current = reward + game.discount * later
        return current, current

    return jax.lax.scan(back, entry(critic, path.next_state[-1]), rewards, reverse=True)[1]


def _policy_gradient(game: AbstractGame, logits: Float[Array, "k A lanes"], rows: Array, layer: _Layer) -> Array:
    """The mean over episodes of (1 - gamma) sum_t gamma^t advantage_t score_t, at the row of each time."""
    horizon, num_episodes = layer.advantages.shape[:2]
    weights = (1.0 - game.discount) * game.discount ** jnp.arange(horizon) / num_episodes
    where = jax.nn.one_hot(rows, logits.shape[0], axis=0, dtype=logits.dtype)
    return jnp.einsum("t,ktcl,tcl,tacl->kal", weights, where, layer.advantages, layer.scores)


def _towards_returns(critic: Float[Array, "n lanes"], step: Array, path: Transition, layer: _Layer) -> Array:
    """Each visited state's value moves towards the mean of the returns from its first visit in each episode.

    A mean over all visits would be biased: how many there will be depends on what comes after.
    """
    where = jax.nn.one_hot(path.state, critic.shape[0], axis=0, dtype=critic.dtype)
    first = where * (jnp.cumsum(where, axis=1) == 1.0)
    count = jnp.maximum(jnp.sum(first, axis=(1, 2)), 1.0)
    return critic + step * jnp.sum(first * layer.advantages, axis=(1, 2)) / count


def _population(game: AbstractGame, path: Transition) -> Float[Array, "n *A lanes"]:
    """Empirical law of the population's chain over the iteration."""
    state, action = path.state[:, -1], path.follower_action[:, -1]
    states = jax.nn.one_hot(state, game.num_states, axis=0)
    if game.mean_field_support == "states":
        return jnp.mean(states, axis=1)
    return jnp.mean(states[:, None] * jax.nn.one_hot(action, game.num_follower_actions, axis=0)[None], axis=2)


def adage(
    game: AbstractGame,
    *,
    schedule: Schedule | None = None,
    horizon: int = 20,
    num_episodes: int = 4,
    **run: Unpack[RunOptions],
) -> Trace:
    r"""Run two layers of REINFORCE with a baseline, each blind to how the other one answers.

    An iteration rolls out `num_episodes` episodes from rho and the population's chain, all for `horizon` steps at
    frozen policies and mean field, and then moves everything at once: for either layer
    $\theta \mathrel{+}= \alpha_k (1-\gamma) \, \mathrm{mean} \sum_t \gamma^t (G_t - V(s_t)) \nabla\log\pi(a_t|s_t)$,
    V towards the mean of the returns G from first visits, $\hat\mu \mathrel{+}= \xi_k(\text{law of the
    population's path} - \hat\mu)$. $G_t$ counts entropy, and the critic stands for what lies past the horizon. The
    leader's slower steps are what makes it a leader; its gradient is the direct one.

    One iteration samples horizon (num_episodes + 1) transitions.

    Args:
        game: the game; validated first.
        schedule: step sizes of the leader, the mean field, the follower and both critics; `Schedule()` if None.
        horizon: steps of an episode.
        num_episodes: episodes of an iteration.
        run: as in `ac_smfg`: num_iterations, seeds, checkpoints, initial, checkpoint_file, overwrite, progress,
            callback.

    Returns:
        The trace. The chain with restarts stands still, since episodes begin anew.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Source: an outer layer that adapts more slowly above an inner layer of adaptive agents, both learning by
        reinforcement independently, is ADAGE (Evans et al., arXiv 2501.09429); the mean field in place of its finite
        population, tabular policies that are not conditioned on the leader's, REINFORCE with a critic as baseline and
        the step sizes are our reading.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import adage
        >>> trace = adage(games.load("laffer-tax"), num_iterations=2, seeds=[0], checkpoints=[1], horizon=4)
        >>> trace.metadata.method, trace.metadata.transitions_per_iteration  # horizon (num_episodes + 1)
        ('adage', 20)
    """
    return run_method(game, Adage(Schedule() if schedule is None else schedule, horizon, num_episodes), **run)
