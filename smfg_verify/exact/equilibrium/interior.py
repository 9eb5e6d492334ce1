r"""The equilibrium without entropy as a complementarity problem, by a primal-dual interior point method.

Unknowns are the mean field m, the value V, the policy $\pi$, and what each action lacks, $z = V - Q$. At an
equilibrium $\pi \ge 0$, $z \ge 0$, $\pi z = 0$, rows of $\pi$ sum to one, and m is the law that $\pi$ makes.
Newton's method is applied to $\pi z = \tau$ at a falling $\tau$, the equilibrium of the game with
$\tau \sum_a \log \pi$ in place of entropy: products bend less than exponentials, so that one step serves for each
$\tau$. What a step towards $\tau = 0$ leads to is no more than a guess: whether it is an equilibrium is told by a test
that knows nothing of the search.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from smfg_verify.exact.equilibrium.field_slopes import slopes_in_field
from smfg_verify.exact.equilibrium.newton import to_simplex
from smfg_verify.exact.equilibrium.residual import Setting, inside, model_at
from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.kernel import FollowerModel
from smfg_verify.exact.population import chain
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.base import Scalar
from smfg_verify.game.tables import reads

# Of the way to where a probability or a lack would be zero, a step goes this share.
_SHARE = 0.99
# What actions lack at first, beside what they do, in units of what rewards differ by.
_LACK = 0.5
# Steps, which are 5 to 15 where the search arrives, and guesses in a row that may be no better than the best before.
MOST_STEPS, PATIENCE = 40, 2
# What a guess must promise to be tested: this share of what is wanted, and then of what did not do.
CLOSER = 0.1
# What rounding leaves of differences of values, relative to values that last one step: no guess promises less.
_ROUNDED = 1e-14


class Interior(NamedTuple):
    """Mean field, flattened, value, policy and what actions lack: the last two positive, and the equations open."""

    field: Float[Array, " M"]
    value: Float[Array, " n"]
    policy: Float[Array, "n A"]
    lack: Float[Array, "n A"]


class Guess(NamedTuple):
    """A policy that may be an equilibrium's.

    Attributes:
        policy: pi, (n, A), with zeros.
        field: near its population, flattened.
        gain: estimate of what a deviation gains, in units of reward.
        barrier: tau of the point that it was read off, in units of reward.
    """

    policy: Float[Array, "n A"]
    field: Float[Array, " M"]
    gain: Float[Array, ""]
    barrier: Float[Array, ""]


class Inside(NamedTuple):
    """Where the search stands: the point to go on from, the guess of the step that led there, and the steps taken."""

    at: Interior
    guess: Guess
    steps: Int[Array, ""]


class HeldLaw(NamedTuple):
    """What a law of states sends on in one move, and how that answers to changes of the chain."""

    law: Float[Array, " n"]

    def along(self, change: Float[Array, "n n"]) -> Float[Array, " n"]:
        """What is sent on by a change of the chain."""
        return self.law @ change

    def of_products(self, rows: Float[Array, "n K n"], weights: Float[Array, "n K M"]) -> Float[Array, "n M"]:
        """The same when each row changes by a weighted sum of K changes, for M weights."""
        return jnp.einsum("s,skl,skm->lm", self.law, rows, weights)


class Local(NamedTuple):
    """The follower's problem at a point; slopes in the mean field of what actions are worth, and of what is sent on."""

    model: FollowerModel
    worth: Float[Array, "n A M"]
    moved: Float[Array, "M M"] | Float[Array, ""]


Looker = Callable[[Interior], Local]
# Products pi z that are asked for, (n, A), to the step that makes them so, to first order.
Direction = Callable[[Float[Array, "n A"]], Interior]


def begun(setting: Setting) -> tuple[Inside, Looker]:
    """The uniform policy and mean field, before a step; and what tells the game at other points."""
    game = setting.game
    field = jnp.full((_size(game),), 1.0 / _size(game))
    policy = jnp.full((game.num_states, game.num_follower_actions), 1.0 / game.num_follower_actions)
    model = model_at(setting, field)
    value = policy_value(model, policy, game.discount, 0.0)
    search = first(field, policy, value, model.reward, model.reward + game.discount * (model.transition @ value))
    return search, _looker(setting, search.at)


def first(
    field: Float[Array, " M"],
    policy: Float[Array, "n A"],
    value: Float[Array, " n"],
    reward: Float[Array, "n A"],
    quality: Float[Array, "n A"],
) -> Inside:
    """A search that starts at a policy and its value: what actions lack there, and some more, is positive.

    Args:
        field: mean field, flattened.
        policy: pi, (n, A), positive.
        value: of the policy at that mean field, (n,), in units of reward.
        reward: of the follower there.
        quality: Q of the value.

    Returns:
        The search before its first step.
    """
    span = jnp.max(reward) - jnp.min(reward)
    # Rewards that are all the same leave lacks nothing to be compared with.
    more = _LACK * jnp.where(span > 0.0, span, 1.0)
    at = Interior(field, value, policy, jnp.maximum(value[:, None] - quality, 0.0) + more)
    return Inside(at, Guess(policy, field, jnp.asarray(jnp.inf), jnp.mean(policy * at.lack)), jnp.asarray(0))


def advanced(game: AbstractGame, direction: Direction, search: Inside) -> Inside:
    """A step towards a tau told by where a step towards zero would lead (Mehrotra 1992), which is the guess.

    Args:
        game: the game.
        direction: Newton's step from where the search stands, see `directions`.
        search: where it stands.

    Returns:
        The search a step further.
    """
    at = search.at
    asked, guess = _aim(at, direction(jnp.zeros_like(at.policy)), game.discount)
    return Inside(_moved(at, direction(asked)), guess, search.steps + 1)


def promising(game: AbstractGame, search: Inside, goal: Scalar) -> Bool[Array, ""]:
    """Whether a guess is to be tested: it promises what is asked for, or all that rounding leaves, or is the last."""
    rounding = _ROUNDED * jnp.max(jnp.abs(search.at.value)) / (1.0 - game.discount)
    return ~(search.guess.gain > jnp.maximum(goal, rounding)) | (search.steps >= MOST_STEPS)


# Compiled on their own for the sparse side, whose steps are not.
@jax.jit
def _aim(at: Interior, straight: Interior, discount: Scalar) -> tuple[Float[Array, "n A"], Guess]:
    """Products to ask for, and the guess, from a step towards zero."""
    barrier = jnp.mean(at.policy * at.lack)
    after = _moved(at, straight)
    aim = barrier * (jnp.maximum(jnp.mean(after.policy * after.lack), 0.0) / barrier) ** 3
    return aim - straight.policy * straight.lack, _guess(discount, at, straight, barrier)


@jax.jit
def _moved(at: Interior, step: Interior) -> Interior:
    """The point after as much of a step as leaves probabilities and lacks positive."""

    def room(numbers: Float[Array, "n A"], change: Float[Array, "n A"]) -> Float[Array, ""]:
        return jnp.min(jnp.where(change < 0.0, -numbers / change, jnp.inf))

    length = jnp.minimum(1.0, _SHARE * jnp.minimum(room(at.policy, step.policy), room(at.lack, step.lack)))
    moved: Interior = jax.tree.map(lambda number, change: number + length * change, at, step)
    return moved._replace(field=to_simplex(moved.field))


def _guess(discount: Scalar, at: Interior, straight: Interior, barrier: Float[Array, ""]) -> Guess:
    """The policy at the end of a step towards zero, of actions whose lack falls by more than their probability does."""
    ahead: Interior = jax.tree.map(jnp.add, at, straight)
    kept = jnp.where(ahead.policy * at.lack > ahead.lack * at.policy, jnp.maximum(ahead.policy, 0.0), 0.0)
    total = jnp.sum(kept, axis=1, keepdims=True)
    policy = jnp.where(total > 0.0, kept / total, at.policy / jnp.sum(at.policy, axis=1, keepdims=True))
    missed = jnp.max(jnp.sum(policy * jnp.abs(ahead.lack), axis=1)) + jnp.max(jnp.maximum(-ahead.lack, 0.0))
    return Guess(policy, to_simplex(ahead.field), missed / (1.0 - discount), barrier)


def directions(game: AbstractGame, local: Local, at: Interior) -> Direction:
    r"""Newton's step from a point to $\pi z$ as asked for, by one factorisation for all that are asked.

    With $w = \pi / z$ a policy moves by $d\pi = c - w\, dz$, and $dz$ by $dV - \gamma P\, dV - Q' dm$, so that
    mean field and value are left: the law's equation, and the rows of $d\pi$, which sum to nothing.
    """
    transition, policy = local.model.transition, at.policy
    law, (n, actions) = _by_state(game, at.field), policy.shape
    moves = chain(policy, transition)
    sent, by_field, by_policy = law @ moves, moves.T, (law[:, None, None] * transition).reshape(-1, n).T
    if game.mean_field_support == "state_actions":
        by_policy = (policy[:, :, None] * by_policy[:, None]).reshape(policy.size, -1)
        by_policy += jnp.diag(jnp.repeat(sent, actions))
        by_field = jnp.repeat((policy[:, :, None] * by_field[:, None]).reshape(policy.size, n), actions, axis=1)
        sent = (policy * sent[:, None]).ravel()
    weight = policy / at.lack
    total = jnp.sum(weight, axis=1)
    share, pushed = weight / total[:, None], by_policy * weight.ravel()
    tilt = (jnp.eye(n)[:, None] - game.discount * transition).reshape(-1, n)
    worth = local.worth.reshape(policy.size, -1)
    # A column of ones: mass is kept, whatever the law's equation says.
    mass = jnp.full((law_size := at.field.shape[0],) * 2, 1.0 / law_size)
    matrix = jnp.block(
        [
            [jnp.eye(law_size) - by_field - local.moved + mass - pushed @ worth, pushed @ tilt],
            [-jnp.einsum("sa,sam->sm", share, local.worth), jnp.eye(n) - game.discount * chain(share, transition)],
        ]
    )
    factor = jax.scipy.linalg.lu_factor(matrix)
    quality = local.model.reward + game.discount * (transition @ at.value)
    open_lack = at.lack - (at.value[:, None] - quality)

    def direction(products: Float[Array, "n A"]) -> Interior:
        first = products / at.lack - policy + weight * open_lack
        by_law = sent - at.field + by_policy @ first.ravel()
        by_rows = (jnp.sum(first, axis=1) + jnp.sum(policy, axis=1) - 1.0) / total
        field, value = jnp.split(jax.scipy.linalg.lu_solve(factor, jnp.concatenate([by_law, by_rows])), [law_size])
        lack = (tilt @ value - worth @ field).reshape(policy.shape)
        return Interior(field, value, first - weight * lack, lack - open_lack)

    return direction


def _looker(setting: Setting, start: Interior) -> Looker:
    """The game at a point; what reads no mean field is computed once, here."""
    game = setting.game

    def slopes(at: Interior) -> tuple[Array, Array]:
        law = HeldLaw(_by_state(game, at.field))
        return slopes_in_field(game, setting.leader_rows, inside(at.field), at.value, at.policy, law)

    def whole(at: Interior) -> Local:
        return Local(model_at(setting, at.field), *slopes(at))

    if reads(lambda field: model_at(setting, field).transition, start.field):
        return whole
    held = whole(start)
    bends = reads(lambda field: slopes(start._replace(field=field))[0], start.field)

    def rewards_only(at: Interior) -> Local:
        model = dataclasses.replace(held.model, reward=model_at(setting, at.field).reward)
        return Local(model, slopes(at)[0] if bends else held.worth, held.moved)

    return rewards_only


def _by_state(game: AbstractGame, field: Float[Array, " M"]) -> Float[Array, " n"]:
    return field if game.mean_field_support == "states" else jnp.sum(field.reshape(mean_field_shape(game)), axis=1)


def _size(game: AbstractGame) -> int:
    states, actions = game.num_states, game.num_follower_actions
    return states if game.mean_field_support == "states" else states * actions
