"""Fictitious play between the leader and the population, with sampled Q-learning for the best responses."""

import itertools
import math
from typing import ClassVar, NamedTuple, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, as_parameter, leader_logits_shape, parameter
from smfg_verify.policies import entropy
from smfg_verify.stochastic.baselines._transitions import continued, transition
from smfg_verify.stochastic.engine.lanes import add_to_row, entry, observed, over_lanes
from smfg_verify.stochastic.engine.start_and_resume import RunOptions, run_method
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry, Memory, Method, check_count, register
from smfg_verify.stochastic.schedules import check_constant
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.value_bounds import ValueBounds

_LARGEST_LATTICE = 20_000
# Keeps the logits of an averaged policy finite where a weight of one leaves no trace of an action.
_TINY = 1e-300
# a, b and s' of two chains, whether the first restarts, and where.
_UNIFORMS = 8


@register
class FictitiousPlay(Method):
    """Fictitious play as a method; see `fictitious_play`.

    Attributes:
        inner_iterations, resolution, leader_weight, follower_weight, mean_field_weight, critic_step: as in
            `fictitious_play`.

    Source: see `fictitious_play`.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic.baselines import FictitiousPlay
        >>> method = FictitiousPlay(5, 10, leader_weight=1, follower_weight=1, mean_field_weight=1, critic_step=2)
        >>> method.transitions_per_iteration(games.load("laffer-tax"))
        10
    """

    name: ClassVar[str] = "fictitious-play"
    inner_iterations: int = eqx.field(static=True)
    resolution: int = eqx.field(static=True)
    leader_weight: Float[Array, ""] = parameter()
    follower_weight: Float[Array, ""] = parameter()
    mean_field_weight: Float[Array, ""] = parameter()
    critic_step: Float[Array, ""] = parameter()

    def __check_init__(self) -> None:
        for name in ("leader_weight", "follower_weight", "mean_field_weight", "critic_step"):
            check_constant(name, getattr(self, name))
        check_count("inner_iterations", self.inner_iterations)
        check_count("resolution", self.resolution)

    def num_uniforms(self, game: AbstractGame) -> int:
        return _UNIFORMS * self.inner_iterations

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return 2 * self.inner_iterations

    def first_memory(self, game: AbstractGame) -> Memory:
        lattice(game.num_leader_actions, self.resolution)  # refused here where it is too large, not inside jit
        return {
            "follower_q": jnp.zeros((game.num_states, game.num_follower_actions)),
            "leader_q": jnp.zeros(leader_logits_shape(game)),
        }

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        learned = self._learn(game, iteration, carry, uniforms)
        choices = jnp.asarray(lattice(game.num_leader_actions, self.resolution))
        follower = jax.nn.softmax(learned.follower_q / game.temperature, axis=1)
        leader = choices.T[:, jnp.argmax(_choice_values(game, choices, learned.leader_q), axis=0)].swapaxes(0, 1)
        iterate, count = carry.iterate, jnp.asarray(iteration + 2, float)
        visited = learned.visits / self.inner_iterations
        field_weight = jnp.minimum(self.mean_field_weight / count, 1.0)
        leader_value = _leader_value(game, choices, learned.leader_q)[observed(game, jnp.arange(game.num_states))]
        follower_value = _follower_value(game, learned.follower_q)
        moved = Iterate(
            leader_logits=_averaged(iterate.leader_logits, leader, self.leader_weight / count),
            follower_logits=_averaged(iterate.follower_logits, follower, self.follower_weight / count),
            leader_critic=jnp.clip(leader_value, bounds.leader_lower, bounds.leader_upper),
            follower_critic=jnp.clip(follower_value, bounds.follower_lower, bounds.follower_upper),
            mean_field=iterate.mean_field + field_weight * (visited - iterate.mean_field),
            occupancy_state=learned.occupancy_state,
            population_state=learned.population_state,
        )
        return Carry(moved, {"follower_q": learned.follower_q, "leader_q": learned.leader_q})

    def _learn(self, game: AbstractGame, iteration: Array, carry: Carry, uniforms: Array) -> "_Learned":
        """Q-learning of both players against the frozen averages, and a path of the population."""
        iterate, drawn = carry.iterate, uniforms.reshape(self.inner_iterations, _UNIFORMS, -1)
        choices = jnp.asarray(lattice(game.num_leader_actions, self.resolution))
        begun = jnp.asarray(iteration, float) * self.inner_iterations

        def one(index: Array, learned: _Learned) -> _Learned:
            step = jnp.minimum(self.critic_step / jnp.sqrt(begun + index + 1.0), 1.0)
            return _learn_once(game, iterate, choices, step, learned, drawn[index])

        start = _Learned(
            carry.memory["follower_q"],
            carry.memory["leader_q"],
            jnp.zeros_like(iterate.mean_field),
            iterate.occupancy_state,
            iterate.population_state,
        )
        result: _Learned = jax.lax.fori_loop(0, self.inner_iterations, one, start)
        return result


class _Learned(NamedTuple):
    """What goes through the inner loop: both players' Q, visits of the population, and where the two chains stand."""

    follower_q: Float[Array, "n A lanes"]
    leader_q: Float[Array, "O B lanes"]
    visits: Float[Array, "n *A lanes"]
    occupancy_state: Int[Array, " lanes"]
    population_state: Int[Array, " lanes"]


def _learn_once(
    game: AbstractGame, iterate: Iterate, choices: Array, step: Array, learned: _Learned, uniforms: Array
) -> _Learned:
    states = jnp.stack([learned.occupancy_state, learned.population_state])
    drawn = transition(game, iterate, states, uniforms[0:6].reshape(3, 2, -1))
    state, moved = drawn.state[0], drawn.next_state[0]
    follower_action, leader_action = drawn.follower_action[0], drawn.leader_action[0]
    point = (state, follower_action, leader_action, iterate.mean_field)
    follower_target = over_lanes(game.follower_reward)(*point) + game.discount * entry(
        _follower_value(game, learned.follower_q), moved
    )
    leader_target = over_lanes(game.leader_reward)(*point) + game.discount * entry(
        _leader_value(game, choices, learned.leader_q), observed(game, moved)
    )
    pair = drawn.state[1], drawn.follower_action[1]
    visits = _add_at(learned.visits, *pair, jnp.ones(())) if learned.visits.ndim == 3 else _count(learned, pair[0])
    return _Learned(
        _towards(learned.follower_q, state, follower_action, step, follower_target),
        _towards(learned.leader_q, observed(game, state), leader_action, step, leader_target),
        visits,
        continued(game, moved, uniforms[6:8]),
        drawn.next_state[1],
    )


def _count(learned: _Learned, state: Int[Array, " lanes"]) -> Float[Array, "n lanes"]:
    return add_to_row(learned.visits, state, jnp.ones(state.shape))


def _add_at(table: Float[Array, "k A lanes"], row: Array, column: Array, amount: Array) -> Float[Array, "k A lanes"]:
    chosen = jax.nn.one_hot(column, table.shape[1], axis=0, dtype=table.dtype)
    return add_to_row(table, row, chosen * amount)


def _towards(
    table: Float[Array, "k A lanes"], row: Array, column: Array, step: Array, target: Array
) -> Float[Array, "k A lanes"]:
    """One entry of each lane's table moves towards its target."""
    flat = table.reshape(-1, table.shape[-1])
    return _add_at(table, row, column, step * (target - entry(flat, row * table.shape[1] + column)))


def _follower_value(game: AbstractGame, q: Float[Array, "n A lanes"]) -> Float[Array, "n lanes"]:
    return game.temperature * jax.nn.logsumexp(q / game.temperature, axis=1)


def _choice_values(game: AbstractGame, choices: Float[Array, "C B"], q: Float[Array, "O B lanes"]) -> Array:
    """What each mixture of the lattice is worth at each observation, its entropy included, (C, O, lanes)."""
    return jnp.einsum("cb,obl->col", choices, q) + game.leader_temperature * entropy(choices)[:, None, None]


def _leader_value(game: AbstractGame, choices: Array, q: Float[Array, "O B lanes"]) -> Float[Array, "O lanes"]:
    return jnp.max(_choice_values(game, choices, q), axis=0)


def _averaged(
    logits: Float[Array, "k A lanes"], response: Float[Array, "k A lanes"], weight: Float[Array, ""]
) -> Array:
    weight = jnp.minimum(weight, 1.0)
    return jnp.log(jnp.maximum((1.0 - weight) * jax.nn.softmax(logits, axis=1) + weight * response, _TINY))


def lattice(num_actions: int, resolution: int) -> Float[np.ndarray, "C B"]:
    """All mixtures of some actions whose probabilities are multiples of 1 / resolution.

    Raises:
        ValueError: more than 20,000 of them.
    """
    size = math.comb(resolution + num_actions - 1, num_actions - 1)
    if size > _LARGEST_LATTICE:
        raise InputError(
            f"resolution: got {resolution}, which makes {size:,} mixtures of {num_actions} leader actions, expected at "
            f"most {_LARGEST_LATTICE:,}; choose a smaller one."
        )
    # Bars between stars: each choice of bars is one way to share `resolution` parts.
    bars = np.array(list(itertools.combinations(range(resolution + num_actions - 1), num_actions - 1)))
    edges = np.pad(bars.reshape(size, -1), ((0, 0), (1, 1)), constant_values=(-1, resolution + num_actions - 1))
    return (np.diff(edges, axis=1) - 1) / resolution


def fictitious_play(
    game: AbstractGame,
    *,
    leader_weight: float = 1.0,
    follower_weight: float = 1.0,
    mean_field_weight: float = 1.0,
    critic_step: float = 2.0,
    inner_iterations: int = 50,
    resolution: int = 10,
    **run: Unpack[RunOptions],
) -> Trace:
    r"""Run fictitious play: everybody answers the average of what the others have played so far.

    Iteration k learns, from `inner_iterations` transitions at the frozen averages $(\bar\phi, \bar\pi, \bar\mu)$,
    $Q_f(s,a) \mathrel{+}= \beta_j (r_f + \gamma \tau \log\sum e^{Q_f(s',\cdot)/\tau} - Q_f(s,a))$ and
    $Q_l(o,b) \mathrel{+}= \beta_j (r_l + \gamma \max_c v_c(o') - Q_l(o,b))$, where $v_c(o) = \sum_b \phi_c(b) Q_l(o,b)
    + \tau_l H(\phi_c)$ and $\phi_c$ runs over the mixtures of multiples of 1/resolution;
    $\beta_j = \min(1, c/\sqrt{j+1})$ in the count j of all transitions so far. Then
    $\bar\pi \mathrel{+}= w (\mathrm{softmax}(Q_f/\tau) - \bar\pi)$, $\bar\phi \mathrel{+}= w (\phi_{c^*} - \bar\phi)$,
    $\bar\mu \mathrel{+}= w (\text{law of the population's path} - \bar\mu)$, $w = \min(1, \text{weight}/(k+2))$.

    What it looks for is a Nash equilibrium between leader and population, in which the leader takes the population
    as given: not the Stackelberg solution. A leader's weight of 0 freezes the leader; the population then seeks the
    equilibrium of its policy. One iteration samples 2 inner_iterations transitions.

    Args:
        game: the game; validated first.
        leader_weight, follower_weight, mean_field_weight: weights of the averages, dimensionless, >= 0; 1 averages all
            iterations evenly, more forgets the first ones.
        critic_step: c of both Q, dimensionless, >= 0.
        inner_iterations: transitions of each of two chains between two averages.
        resolution: parts that a leader's probability is made of.
        run: as in `ac_smfg`: num_iterations, seeds, checkpoints, initial, checkpoint_file, overwrite, progress,
            callback.

    Returns:
        The trace: averages as logits, mean field and the values of the best responses.

    Raises:
        ValueError: a bad argument, or a lattice of more than 20,000 mixtures.

    Source: fictitious play of major and minor players on a partitioned simplex is Cui et al. (2024, arXiv 2312.10787),
        there with the mean field's simplex partitioned, finite horizons and a known model. Stationarity, one averaged
        mean field in place of a partition of all of them, the partition of the leader's simplex instead, sampled
        Q-learning with actions drawn from the averages, plain averages of policies, and Q-learning on the leader's
        observation as if it were the state (exact where it is) are our reading.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import fictitious_play
        >>> trace = fictitious_play(
        ...     games.load("laffer-tax"), num_iterations=2, seeds=[0], checkpoints=[1], inner_iterations=5
        ... )
        >>> trace.metadata.method, trace.metadata.transitions_per_iteration  # 2 inner_iterations
        ('fictitious-play', 10)
    """
    weights = (leader_weight, follower_weight, mean_field_weight, critic_step)
    return run_method(game, FictitiousPlay(inner_iterations, resolution, *map(as_parameter, weights)), **run)
