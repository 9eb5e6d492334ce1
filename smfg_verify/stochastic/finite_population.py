"""A population of N followers, each with a state of its own, simulated exactly: nothing is replaced by its limit."""

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, UInt

from smfg_verify.errors import InputError
from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.equilibrium.solve import prepare
from smfg_verify.game import (
    AbstractGame,
    compiled_for_game,
    leader_logits_shape,
    mean_field_shape,
    over_indices,
    require_source_agrees,
    validate,
)
from smfg_verify.game.base import Numerical
from smfg_verify.policies import checked_distribution, entropy, observed_rows, softmax_policy
from smfg_verify.records.portable import Portable
from smfg_verify.stochastic.deviation import Deviation, best_deviation
from smfg_verify.stochastic.engine.initial import check_seeds
from smfg_verify.stochastic.engine.uniforms import seed_key
from smfg_verify.stochastic.sampling import sample_index, sample_row

# Counts are 32-bit integers within a program.
_TOO_MANY = 2**31
T = TypeVar("T")

_POPULATION_STREAM = 2

# Players that one compiled step moves side by side; more are moved block after block, so that memory does not grow
# with players times states.
_BLOCK = 8192

# The default horizon leaves out this share of the discounted weight.
_TAIL = 1e-3


class PopulationRun(Portable, eqx.Module):
    r"""Populations of N followers, one a seed, over T steps.

    Attributes:
        num_players: N.
        seeds: (seeds,).
        mean_field: empirical mean field $m^N_t$ that everyone meets at step t, (seeds, T, n) or (seeds, T, n, A).
        distance: $\|m^N_t - \mu\|_1$ from the reference, (seeds, T).
        follower_return: $\sum_{t<T} \gamma^t \frac1N \sum_i (r_f + \tau H(\pi(\cdot|s^i_t)))$, (seeds,).
        leader_return: $\sum_{t<T} \gamma^t \frac1N \sum_i (r_l + \tau_l H(\phi(\cdot|s^i_t)))$, (seeds,).
        reference: mean field $\mu$ that distances are taken from, (n,) or (n, A).
        follower_policy: pi(a|s) that every follower plays, (n, A).
        deviation: gain of the best single deviation, or None where it was not asked for.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, simulate_population
        >>> policy, law = np.full((2, 2), 0.5), np.array([0.5, 0.5])
        >>> run = simulate_population(
        ...     games.load("two-road-toll"), policy, 10, num_steps=10, mean_field=law, deviation=False
        ... )
        >>> run.num_players, run.distance.shape, run.reference.tolist()
        (10, (1, 10), [0.5, 0.5])
        >>> bool((run.mean_field[0].sum(axis=-1) == 1.0).all())
        True
    """

    num_players: int = eqx.field(static=True)
    seeds: UInt[np.ndarray, " seeds"]
    mean_field: Float[np.ndarray, "seeds T n *A"]
    distance: Float[np.ndarray, "seeds T"]
    follower_return: Float[np.ndarray, " seeds"]
    leader_return: Float[np.ndarray, " seeds"]
    reference: Float[np.ndarray, " n *A"]
    follower_policy: Float[np.ndarray, "n A"]
    deviation: Deviation | None

    @property
    def scaled_distance(self) -> Float[np.ndarray, "seeds T"]:
        r"""$\sqrt N \|m^N_t - \mu\|_1$: of order one where the mean field limit holds at its usual rate."""
        result: Float[np.ndarray, "seeds T"] = np.sqrt(self.num_players) * self.distance
        return result

    @property
    def independent_distance(self) -> float:
        r"""Mean distance of N independent draws, to leading order: $\sqrt{2/(\pi N)} \sum_j \sqrt{\mu_j (1-\mu_j)}$."""
        spread = np.sum(np.sqrt(self.reference * np.maximum(1.0 - self.reference, 0.0)))
        return float(np.sqrt(2.0 / (np.pi * self.num_players)) * spread)


def simulate_population(
    game: AbstractGame,
    policy: ArrayLike | None,
    num_players: int,
    *,
    leader_logits: ArrayLike | None = None,
    num_steps: int | None = None,
    seeds: Iterable[int] = (0,),
    mean_field: ArrayLike | None = None,
    initial: Numerical | None = None,
    deviation: bool = True,
) -> PopulationRun:
    r"""Simulate N followers who play one policy against one leader and meet their own empirical mean field.

    In every step t each follower i draws $a^i \sim \pi(\cdot|s^i)$ and meets its own draw $b^i \sim
    \phi(\cdot|o(s^i))$ of the leader's action; then $m^N_t = \frac1N \sum_i e_{s^i}$ (on state-action pairs
    $\frac1N \sum_i e_{s^i, a^i}$), rewards are $r(s^i, a^i, b^i, m^N_t)$, and the next states are drawn from
    $P(\cdot|s^i, a^i, b^i, m^N_t)$.

    Common random numbers: follower i of a seed draws from a stream that depends on the seed, i and t only. Two calls
    with the same seeds are thus coupled follower by follower, whatever the leader, the policy or the game's parameters,
    and the followers they share where N differs have the same uniforms.

    Args:
        game: the game; validated first.
        policy: pi(a|s), (n, A); the equilibrium's if None.
        num_players: N >= 1.
        leader_logits: omega, (O, B); the uniform leader if None.
        num_steps: T >= 1; if None, the first with $\gamma^T \le 10^{-3}$.
        seeds: distinct integers in [0, 2**32), one population each.
        mean_field: reference, (n,) or (n, A); the equilibrium of the leader if None (one of them, where it is not
            unique).
        initial: law of the first states, (n,), of which they are independent draws; if None, the states' law under
            the reference, from which the population does not drift away.
        deviation: whether to compute `Deviation`; it needs dense tables of the game, the simulation does not.

    Returns:
        The record. It holds seeds times T mean fields; besides them memory grows with N only.

    Raises:
        ValueError: a bad argument, or what `solve_equilibrium` refuses.
        RuntimeError: an equilibrium was needed and not found.

    Source: the finite game whose limit is the mean field game of this package's theory.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, simulate_population
        >>> game, policy, law = games.load("two-road-toll"), np.full((2, 2), 0.5), np.array([0.5, 0.5])
        >>> few, many = (
        ...     simulate_population(game, policy, n, num_steps=10, mean_field=law, deviation=False) for n in (10, 1000)
        ... )
        >>> few.mean_field.shape, bool(many.distance.mean() < few.distance.mean())
        ((1, 10, 2), True)
    """
    validate(game)
    logits = np.zeros(leader_logits_shape(game)) if leader_logits is None else leader_logits
    game, logits = prepare(game, logits)
    count, steps, seeds = _check_count("num_players", num_players), _steps(game, num_steps), check_seeds(seeds)
    policy, reference = _policy_and_reference(game, logits, policy, mean_field)
    law = _initial_law(game, reference, initial)
    rows = observed_rows(softmax_policy(logits), game.leader_observation)
    found = _simulate(game, rows, policy, law, jnp.asarray(seeds), count, steps)
    for met in (reference, found["mean_field"][:, -1]):
        require_source_agrees(game, met)
    distance = jnp.abs(found["mean_field"] - reference).reshape(seeds.size, steps, -1).sum(axis=-1)
    gain = None
    if deviation:
        gain = best_deviation(game, rows, policy, law, reference, found["mean_field"], found["tagged"], count)
    return PopulationRun(
        num_players=count,
        seeds=seeds,
        mean_field=np.asarray(found["mean_field"]),
        distance=np.asarray(distance),
        follower_return=np.asarray(found["follower_return"]),
        leader_return=np.asarray(found["leader_return"]),
        reference=np.asarray(reference),
        follower_policy=np.asarray(policy),
        deviation=gain,
    )


def _check_count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value < _TOO_MANY:
        raise InputError(f"{name}: got {value!r}, expected an integer in [1, 2**31).")
    return int(value)


def _steps(game: AbstractGame, num_steps: int | None) -> int:
    if num_steps is not None:
        return _check_count("num_steps", num_steps)
    discount = float(game.discount)
    return 1 if discount == 0.0 else max(1, math.ceil(math.log(_TAIL) / math.log(discount)))


def _policy_and_reference(
    game: AbstractGame, logits: Float[Array, "O B"], policy: ArrayLike | None, mean_field: ArrayLike | None
) -> tuple[Float[Array, "n A"], Float[Array, " n *A"]]:
    """What is given, checked, and the equilibrium's where nothing is."""
    if policy is not None:
        shape = (game.num_states, game.num_follower_actions)
        policy = checked_distribution("policy", policy, shape, "pi(a|s): a row for each state", rows=True)
    if mean_field is not None:
        mean_field = checked_distribution("mean_field", mean_field, mean_field_shape(game), "a mean field of this game")
    if policy is not None and mean_field is not None:
        return policy, mean_field
    equilibrium = solve_equilibrium(game, logits)
    return (
        equilibrium.follower_policy if policy is None else policy,
        equilibrium.mean_field if mean_field is None else mean_field,
    )


def _initial_law(game: AbstractGame, reference: Float[Array, " n *A"], initial: Numerical | None) -> Float[Array, " n"]:
    if initial is None:
        return reference.reshape(game.num_states, -1).sum(axis=-1)
    return checked_distribution("initial", initial, (game.num_states,), "a law of the first states")


@compiled_for_game
def _simulate(
    game: AbstractGame,
    rows: Float[Array, "n B"],
    policy: Float[Array, "n A"],
    law: Float[Array, " n"],
    seeds: UInt[Array, " seeds"],
    count: int,
    steps: int,
) -> dict[str, Array]:
    """All populations, as many side by side as make up a block of players; arrays have the seeds first."""

    def one(seed: Array) -> dict[str, Array]:
        return _one_population(game, rows, policy, law, seed, count, steps)

    return _each(one, max(1, _BLOCK // count))(seeds)


def _each(function: Callable[..., T], block: int) -> Callable[..., T]:
    """A function of one item, over the leading axis of its arguments, `block` items side by side."""

    def over(*arrays: Array) -> T:
        if len(arrays[0]) <= block:
            return jax.vmap(function)(*arrays)
        result: T = jax.lax.map(lambda items: function(*items), arrays, batch_size=block)
        return result

    return over


def _one_population(
    game: AbstractGame, rows: Array, policy: Array, law: Array, seed: Array, count: int, steps: int
) -> dict[str, Array]:
    key = seed_key(seed, _POPULATION_STREAM)
    players = jnp.arange(count)
    bonus = {
        "follower": game.temperature * entropy(policy),
        "leader": jnp.asarray(game.leader_temperature) * entropy(rows),
    }

    def uniforms(player: Array, moment: Array | int) -> Array:
        return jax.random.uniform(jax.random.fold_in(jax.random.fold_in(key, player), moment), (3,))

    def choose(player: Array, state: Array, step: Array) -> tuple[Array, Array, Array]:
        drawn = uniforms(player, step + 1)
        return sample_index(policy[state], drawn[0]), sample_index(rows[state], drawn[1]), drawn[2]

    def advance(states: Array, step: Array) -> tuple[Array, tuple[Array, Array, dict[str, Array]]]:
        moves = _each(lambda player, state: choose(player, state, step), _BLOCK)(players, states)
        actions, leader_actions, drawn = moves
        entries = states if game.mean_field_support == "states" else states * policy.shape[1] + actions
        field = _empirical(game, entries)
        row_of = _looked_up(game, game.transition, field, count)
        reward_of = {
            "follower": _looked_up(game, game.follower_reward, field, count),
            "leader": _looked_up(game, game.leader_reward, field, count),
        }

        def move(state: Array, action: Array, leader_action: Array, uniform: Array) -> tuple[Array, dict[str, Array]]:
            met = (state, action, leader_action)
            gained = {name: jnp.asarray(reward(*met)) + bonus[name][state] for name, reward in reward_of.items()}
            return sample_row(game, row_of(*met), uniform, *met), gained

        following, gained = _each(move, _BLOCK)(states, actions, leader_actions, drawn)
        mean = {name: jnp.mean(reward) for name, reward in gained.items()}
        return following, (field, entries[0], mean)

    first = _each(lambda player: sample_index(law, uniforms(player, 0)[0]), _BLOCK)(players)
    _, (fields, tagged, means) = jax.lax.scan(advance, first, jnp.arange(steps))
    weights = jnp.asarray(game.discount) ** jnp.arange(steps)
    returns = {f"{name}_return": jnp.sum(weights * mean) for name, mean in means.items()}
    return {"mean_field": fields, "tagged": tagged, **returns}


def _empirical(game: AbstractGame, entries: Int[Array, " N"]) -> Float[Array, " n *A"]:
    """Share of the players in each entry of the mean field."""
    shape = mean_field_shape(game)
    return (jnp.zeros(math.prod(shape)).at[entries].add(1.0) / len(entries)).reshape(shape)


def _looked_up(
    game: AbstractGame, function: Callable[..., Array], field: Float[Array, " n *A"], count: int
) -> Callable[..., Array]:
    """A function of the game at one mean field: looked up in its table where that has no more rows than players."""

    def at(state: Array, action: Array, leader_action: Array) -> Array:
        return function(state, action, leader_action, field)

    if game.num_states * game.num_follower_actions * game.num_leader_actions > count:
        return at
    table = over_indices(game, at)
    return lambda state, action, leader_action: table[state, action, leader_action]
