r"""The Lagrangian of the Stackelberg objective with every linear equation in it held by its own multiplier.

The law $\nu$ and the leader's value $V_l$ solve linear equations in the game's tables, so that
$$ \mathcal L = d^T (r_l + \gamma P V_l) - \lambda_V^T F_V - \lambda_m^T m
+ \sum_{il} \nu_i P_{il} D_{il} + \nu^T w , $$
d the discounted visits, $w_s$ the multiplier of state s, $D_{il}$ what a flow from i to l is worth to w, has the same
derivatives in policies and unknowns when $\nu, D, V_l, d$ are held. Its second derivatives need how these four answer:
products and solves with matrices that are known, no derivative of an elimination or a factorisation.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Point, Setting
from smfg_verify.exact.follower import soft_answer
from smfg_verify.exact.kernel import Kernel, tabulate
from smfg_verify.exact.stationary import LawResponse, law_response
from smfg_verify.game import mean_field_shape
from smfg_verify.policies import entropy

Solve = Callable[[Float[Array, " n"]], Float[Array, " n"]]


class Place(NamedTuple):
    r"""A point with what is known there.

    Attributes:
        setting, point: the equilibrium problem, and near its solution.
        rates: the chain of the population, (n, n).
        response: its law, and how it answers.
        leader_value: V_l, (n,), in units of the leader's reward.
        occupancy: d, expected number of discounted visits to each state, (n,).
        value_of: solves $(I - \gamma P_\pi) x = b$.
        visits_of: solves $x^T (I - \gamma P_\pi) = b^T$.
    """

    setting: Setting
    point: Point
    rates: Float[Array, "n n"]
    response: LawResponse
    leader_value: Float[Array, " n"]
    occupancy: Float[Array, " n"]
    value_of: Solve
    visits_of: Solve


class Change(NamedTuple):
    """A change of what the Lagrangian is made of.

    Attributes:
        point: of the unknowns.
        log_policy: of the logarithms of the follower's policy in the objective, (n, A).
        reward: of the leader's reward, (n,).
        initial: of the first law, (n,).
    """

    point: Point
    log_policy: Float[Array, "n A"]
    reward: Float[Array, " n"]
    initial: Float[Array, " n"]


class Slopes(NamedTuple):
    """Changes of the Lagrangian's derivatives, and of the objective.

    Attributes:
        leader: in the policy that the leader plays, (O, B).
        followers: in the policy that followers answer, (O, B).
        point: in the unknowns.
        held_followers: as `followers`, of the Lagrangian whose mean field is held.
        held_value: of that one in the value, (n,).
        objective: of the objective itself.
    """

    leader: Float[Array, "O B"]
    followers: Float[Array, "O B"]
    point: Point
    held_followers: Float[Array, "O B"]
    held_value: Float[Array, " n"]
    objective: Float[Array, ""]


def known_place(setting: Setting, point: Point, value_of: Solve, visits_of: Solve) -> Place:
    r"""The law, the leader's value and the visits at a point.

    Args:
        setting: the equilibrium problem.
        point: near its solution.
        value_of, visits_of: solves with $I - \gamma P_\pi$ and with its transpose.

    Returns:
        The place.
    """
    nothing = Point(jnp.zeros_like(point.mean_field), jnp.zeros_like(point.value))
    plain = jnp.zeros((setting.game.num_states, setting.game.num_follower_actions))
    known = _linear_equations(setting, nothing, point, plain)
    initial = jnp.asarray(setting.game.initial_distribution)
    found = (known.rates, law_response(known.rates), value_of(known.paid), visits_of(initial))
    return Place(setting, point, *found, value_of, visits_of)


def residual_near(place: Place, leader_policy: Float[Array, "O B"]) -> Point:
    """The residual of the equilibrium at another policy of the leader, to first order in the population's chain."""
    setting, kernel = place.setting, _kernel(place.setting, place.point)
    updated, policy = _answer(setting, leader_policy, kernel, place.point.value)
    both = policy[..., None] * with_leader(setting, leader_policy).leader_rows[:, None, :]
    law = place.response.law + place.response.along(jnp.einsum("sab,sabt->st", both, kernel.transition) - place.rates)
    if setting.game.mean_field_support == "state_actions":
        law = (law[:, None] * policy).ravel()
    return Point(place.point.mean_field - law, place.point.value - updated)


def slopes_along(place: Place, multiplier: Point, held: Float[Array, " n"], change: Change) -> Slopes:
    """Derivative of the Lagrangian's gradient along a change of the point and of what the objective is summed from.

    Args:
        place: where.
        multiplier: lambda.
        held: multiplier of the value's equation where the mean field is held, (n,).
        change: along which.

    Returns:
        The slopes.
    """
    setting, point, discount = place.setting, place.point, place.setting.game.discount
    policy, plain = setting.leader_policy, jnp.zeros_like(change.log_policy)
    known, moved = jax.jvp(
        lambda x, log_policy: _linear_equations(setting, multiplier, x, log_policy),
        (point, plain),
        (change.point, change.log_policy),
    )
    worth = place.response.worth(known.weights)
    gain = moved.paid + change.reward + discount * (moved.played @ place.leader_value)
    sides = _Sides(place.response.law, worth, place.leader_value, place.occupancy)
    answers = _Sides(
        law=place.response.along(moved.rates),
        worth=place.response.worth(moved.weights + jnp.sum(moved.rates * worth, axis=1)),
        leader_value=place.value_of(gain),
        occupancy=place.visits_of(change.initial + discount * (place.occupancy @ moved.played)),
    )
    still = jnp.zeros_like(policy)
    at, along = (policy, policy, point, plain, sides), (still, still, change.point, change.log_policy, answers)
    total, alone = jax.jvp(lambda *at: _gradients(setting, multiplier, held, *at), at, along)[1]
    objective = change.initial @ place.leader_value + place.occupancy @ gain
    return Slopes(total[0], total[1], total[2], alone[1], alone[2].value, objective)


class _Sides(NamedTuple):
    """What solves linear equations: law, worth of flows, leader's value, visits."""

    law: Float[Array, " n"]
    worth: Float[Array, "n n"]
    leader_value: Float[Array, " n"]
    occupancy: Float[Array, " n"]


class _Linear(NamedTuple):
    """What these equations are made of: the law's chain, its multipliers, the chain the leader sees and its reward."""

    rates: Float[Array, "n n"]
    weights: Float[Array, " n"]
    played: Float[Array, "n n"]
    paid: Float[Array, " n"]


def _linear_equations(setting: Setting, multiplier: Point, point: Point, log_policy: Array) -> _Linear:
    kernel = _kernel(setting, point)
    _, policy = _answer(setting, setting.leader_policy, kernel, point.value)
    paid = _paid(setting, setting.leader_policy, kernel.leader_reward)
    # Through the logarithms the leader sees what roundings make of the policy.
    rows = policy * (1.0 + log_policy)
    both = jnp.stack([policy, rows])[..., None] * setting.leader_rows[:, None, :]
    rates, played = jnp.einsum("ksab,sabt->kst", both, kernel.transition)
    return _Linear(rates, _weights(multiplier, policy), played, jnp.sum(rows * paid, axis=1))


_Gradient = tuple[Float[Array, "O B"], Float[Array, "O B"], Point]


def _gradients(
    setting: Setting, multiplier: Point, held: Array, leader: Array, followers: Array, point: Point, *at: Any
) -> tuple[_Gradient, _Gradient]:
    """Of the Lagrangian, and of that whose mean field is held, in the leader's policy, the followers', the unknowns."""
    pull = jax.vjp(lambda *moved: _lagrangians(setting, multiplier, held, *moved, *at), leader, followers, point)[1]
    total, alone = (pull(unit) for unit in jnp.eye(2))
    return total, alone


def _lagrangians(
    setting: Setting,
    multiplier: Point,
    held: Array,
    leader: Array,
    followers: Array,
    point: Point,
    log_policy: Array,
    sides: _Sides,
) -> Float[Array, "2"]:
    """Rows of the transition meet what they are multiplied by first, so that all else is small."""
    kernel = _kernel(setting, point)
    updated, policy = _answer(setting, followers, kernel, point.value)
    action_values = kernel.leader_reward + setting.game.discount * (kernel.transition @ sides.leader_value)
    rows = policy * (1.0 + log_policy)
    objective = sides.occupancy @ jnp.sum(rows * _paid(setting, leader, action_values), axis=1)
    flows = jnp.einsum("sabt,st->sab", kernel.transition, sides.worth)
    answered = jnp.einsum("sb,sab->sa", with_leader(setting, followers).leader_rows, flows)
    law = sides.law @ (jnp.sum(policy * answered, axis=1) + _weights(multiplier, policy))
    missed = point.value - updated
    total = objective + law - point.mean_field @ multiplier.mean_field - missed @ multiplier.value
    return jnp.stack([total, objective - missed @ held])


def with_leader(setting: Setting, leader_policy: Float[Array, "O B"]) -> Setting:
    """The same problem at another policy of the leader."""
    result: Setting = eqx.tree_at(lambda s: s.leader_policy, setting, leader_policy)
    return result


def _kernel(setting: Setting, point: Point) -> Kernel:
    return tabulate(setting.game, point.mean_field.reshape(mean_field_shape(setting.game)))


def _answer(setting: Setting, leader_policy: Array, kernel: Kernel, value: Array) -> tuple[Array, Array]:
    """The updated value and the follower's policy, as `soft_bellman` has them."""
    discount, centre = setting.game.discount, jnp.mean(value)
    worth = kernel.follower_reward + discount * (kernel.transition @ (value - centre))
    quality = jnp.einsum("sb,sab->sa", with_leader(setting, leader_policy).leader_rows, worth)
    return soft_answer(quality, discount * centre, setting.temperature)


def _paid(setting: Setting, leader_policy: Array, worth: Float[Array, "n A B"]) -> Float[Array, "n A"]:
    """What each action pays the leader, on average over its own: of rewards or of action values."""
    rows, weight = with_leader(setting, leader_policy).leader_rows, setting.game.leader_temperature
    return jnp.einsum("sb,sab->sa", rows, worth) + weight * entropy(rows)[:, None]


def _weights(multiplier: Point, policy: Float[Array, "n A"]) -> Float[Array, " n"]:
    """Multipliers of the law's entries, by state."""
    by_pair = multiplier.mean_field.reshape(policy.shape[0], -1)
    return by_pair[:, 0] if by_pair.shape[1] == 1 else jnp.sum(policy * by_pair, axis=1)
