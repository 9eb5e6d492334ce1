r"""The follower's world under a whole box of leaders: intervals of what one leader makes of it, and of its slopes.

Averages over actions are taken in the basis of `bases`, and a softmax's derivative as products of two probabilities
times differences: what does not depend on an action then cancels exactly, however wide the interval of the
probabilities.

Axes: k box, s state, a and c follower's actions, b and e leader's actions, t next state, j entry of the mean field, y
entry of (m, relative V, free logits).
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.bases import Table as Table
from smfg_verify.assumptions.enclosure.leader.bases import at_field as at_field
from smfg_verify.assumptions.enclosure.leader.bases import average_weights as average_weights
from smfg_verify.assumptions.enclosure.leader.bases import based as based
from smfg_verify.assumptions.enclosure.leader.bases import in_basis as in_basis
from smfg_verify.assumptions.enclosure.leader.bases import in_columns as in_columns
from smfg_verify.assumptions.enclosure.leader.bases import pairs as pairs
from smfg_verify.assumptions.enclosure.leader.forms import contract, joined, softmax_of_gaps
from smfg_verify.assumptions.enclosure.response.models import EPSILON
from smfg_verify.assumptions.enclosure.response.tables.curved import Rows
from smfg_verify.assumptions.enclosure.response.tables.shared import off_one, worth_of
from smfg_verify.assumptions.enclosure.table_enclosures import AffineTable, affine_table
from smfg_verify.game import AbstractGame, leader_logits_shape

# Free logits of leaders that boxes can cover.
LARGEST_LEADER = 3
# Roundings, one a state, that rows may miss one by.
_MISSED = 16.0
# Slopes of which rows sum to less are said to sum to zero: such sums move no row by more than roundings do.
_ROUNDED_SUM = 1e-12


@dataclasses.dataclass(frozen=True)
class AffineGame:
    """A game as its tables: each is constant + sum_j m_j slope_j, rows of the transition sum to one.

    Attributes:
        transition, follower, leader: pairs of constant (n, A, B, ...) and slope (M, n, A, B, ...), in intervals as wide
            as the roundings of the game's program.
        discount, temperature, leader_temperature: numbers.
        initial: rho, (n,).
        observation: row of the logits each state uses, (n,).
        rows: number O of rows.
        off: what an entry of the transition may be off by, so that rows sum to one.
        curved: the game, where the leader's reward is taken from its program around each equilibrium; the table stands
            as zero then.
        columns: which action of the leader each column of a table is, by state, (n, B); None for their own order.
        followers: what is known of rows where transition and follower's reward, too, are programs and stand as zero.
    """

    transition: Table
    follower: Table
    leader: Table
    discount: float
    temperature: float
    leader_temperature: float
    initial: Float[np.ndarray, " n"]
    observation: Int[np.ndarray, " n"]
    rows: int
    off: float = 0.0
    curved: AbstractGame | None = None
    columns: Int[np.ndarray, "n B"] | None = None
    followers: Rows | None = None

    @property
    def num_leader_actions(self) -> int:
        """Number B of the leader's actions."""
        result: int = self.transition[0].mid.shape[2]
        return result

    @property
    def num_free(self) -> int:
        """Number O (B - 1) of free logits."""
        return self.rows * (self.num_leader_actions - 1)

    def full_logits(self, free: Float[np.ndarray, "K k"]) -> Float[np.ndarray, "K O B"]:
        """Tables of logits, last column zero, of free logits (K, k)."""
        zero = np.zeros((len(free), self.rows, 1))
        return np.concatenate([np.asarray(free).reshape(len(free), self.rows, -1), zero], axis=2)


def out_of_reach(game: AbstractGame, largest: int = LARGEST_LEADER) -> dict[str, str | int]:
    """Why covers of all leaders of so many free logits are not about a game: facts of `not_applicable`, or none."""
    observations, actions = leader_logits_shape(game)
    free = observations * (actions - 1)
    if free == 0:
        return {"why": "single-action"}
    return {"why": "free-parameters", "free": free, "largest": largest} if free > largest else {}


def affine_game(game: AbstractGame) -> AffineGame | None:
    """The tables of a game with mean field over states; None unless all three functions are proved affine.

    None, too, where rows of the transition miss one by more than rounding: values are taken relative to the last
    state's, and a level that rows of different sums carry on is lost by that.
    """
    if game.mean_field_support != "states":
        return None
    leader = affine_table(game, "leader_reward")
    return None if leader is None else _affine_game(game, leader)


def affine_for_followers(game: AbstractGame) -> AffineGame | None:
    """The same where only transition and follower's reward need be affine; the leader's reward may be `curved`."""
    tables = affine_game(game)
    if tables is not None or game.mean_field_support != "states":
        return tables
    tables = _affine_game(game, None)
    return None if tables is None else dataclasses.replace(tables, curved=game)


def _affine_game(game: AbstractGame, leader: AffineTable | None) -> AffineGame | None:
    transition, follower = (affine_table(game, name) for name in ("transition", "follower_reward"))
    if transition is None or follower is None:
        return None
    transition = _along_the_simplex(transition)
    rows = transition.constant + transition.slope
    missed, error = float(np.max(np.abs(rows.sum(axis=-1) - 1.0))), float(np.max(transition.error, initial=0.0))
    if not missed <= _MISSED * game.num_states * EPSILON + game.num_states * error:
        return None
    off = off_one(missed, game.num_states, error)
    known = dataclasses.replace(
        without_tables(game, off), transition=_rounded(transition, off), follower=_rounded(follower)
    )
    known = known if leader is None else dataclasses.replace(known, leader=_rounded(leader))
    answered = known.temperature * float(np.log(game.num_follower_actions))
    known = dataclasses.replace(known, follower=widened(known.follower, lost(known, known.follower, answered)))
    return known if leader is None else with_leader(known, known.leader)


def _along_the_simplex(transition: AffineTable) -> AffineTable:
    r"""The same at mean fields, by slopes that sum to zero over next states, so that rows sum to one elsewhere, too.

    $\sum_j m_j = 1$ lets a slope's mean over j move to the constant. Of $P = \sum_j m_j P_j$ as it stands rows sum to
    $\sum_j m_j$, so that points that are no mean fields may be stationary under it, and its residual is singular at
    those that are. Slopes that sum to zero already stay as they are.
    """
    if not np.max(np.abs(transition.slope.sum(axis=-1)), initial=0.0) > _ROUNDED_SUM:
        return transition
    mean, size = transition.slope.mean(axis=0), np.max(np.abs(transition.slope), initial=0.0)
    rounding = (len(transition.slope) + 4.0) * EPSILON * (1.0 + size)
    return transition._replace(
        constant=transition.constant + mean, slope=transition.slope - mean, error=transition.error + rounding
    )


def without_tables(game: AbstractGame, off: float) -> AffineGame:
    """A game whose tables stand as zeros."""
    observation, size = np.asarray(game.leader_observation), game.num_states
    shape = (size, game.num_follower_actions, game.num_leader_actions)
    own, moves = ((Ball.exact(np.zeros(s)), Ball.exact(np.zeros((size, *s)))) for s in (shape, (*shape, size)))
    gamma, tau, bonus = (float(number) for number in (game.discount, game.temperature, game.leader_temperature))
    initial = np.asarray(game.initial_distribution, dtype=float)
    return AffineGame(moves, own, own, gamma, tau, bonus, initial, observation, int(observation.max()) + 1, off)


def with_leader(game: AffineGame, reward: Table) -> AffineGame:
    """The game with a leader's reward, known less well by what rows that miss one make of its values."""
    bonus = game.leader_temperature * float(np.log(game.num_leader_actions))
    return dataclasses.replace(game, leader=widened(reward, lost(game, reward, bonus)))


def lost(game: AffineGame, reward: Table, bonus: float) -> float:
    r"""What a reward may be off by where rows sum to 1 + e instead of one: $\gamma e V$ of the last state, and slopes.

    Args:
        game: gives e and the discount.
        reward: the player's.
        bonus: largest entropy that goes with it, in its unit.

    Returns:
        The number, for every coefficient.
    """
    largest = float(np.max(reward[0].size + np.max(reward[1].size, axis=0)))
    return game.off * worth_of(largest + bonus, game.discount)


def widened(table: Table, by: float) -> Table:
    """A table with every coefficient known less well."""
    return *(Ball(part.mid, part.rad + by) for part in table[:2]), *table[2:]


def _rounded(table: AffineTable, off: float = 0.0) -> Table:
    """Coefficients as intervals; what a value may be off by, each coefficient may be."""
    slope_error = np.broadcast_to(0.0 if table.is_constant else table.error + off, table.slope.shape)
    return Ball(table.constant, table.error + off), Ball(table.slope, slope_error)


class World(NamedTuple):
    """The follower's world at intervals of policy, mean field and value; axes k s a (c) (t), c a second action.

    Attributes:
        phi: leader's policy by state, (K, n, B). field: m, (K, n). policy: pi, (K, n, A).
        weights: pi_a pi_c / tau, (K, n, A, A). chain: P_pi, (K, n, n).
        transition_gap: P_a - P_c averaged over phi, (K, n, A, A, n).
        gap_slope: derivative of Q_a - Q_c in y, (K, Y, n, A, A) for y in (m, relative V, free logits).
        mean_slope: derivative of sum_a pi_a Q_a at fixed pi, (K, Y, n).
        chain_slope: derivative of P_pi in y, (K, Y, n, n).
    """

    phi: Ball
    field: Ball
    policy: Ball
    weights: Ball
    chain: Ball
    transition_gap: Ball
    gap_slope: Ball
    mean_slope: Ball
    chain_slope: Ball


class Faced(NamedTuple):
    """What the follower faces and answers, without slopes.

    Attributes:
        weights: of the leader's actions in the basis of `based`, (K, n, B).
        value: V less the last state's, (K, n).
        gap: Q_a - Q_c, (K, n, A, A). policy: pi, (K, n, A).
        transition_gap: P_a - P_c averaged over phi, (K, n, A, A, n). transition: P_a so, (K, n, A, n).
        chain: P_pi, (K, n, n).
    """

    weights: Ball
    value: Ball
    gap: Ball
    policy: Ball
    transition_gap: Ball
    transition: Ball
    chain: Ball


def faced_by(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> Faced:
    """What the follower faces and answers, from intervals of phi (K, n, B), m (K, n) and relative V (K, n - 1)."""
    # Rows sum to one: whatever the last state's value is, policies and slopes see differences only.
    value = value.moved(lambda x: np.concatenate([x, np.zeros((len(x), 1))], axis=1))
    coefficients = average_weights(phi)
    gaps_p, gaps_f = (based(pairs(pair, 1), 3) for pair in (game.transition, game.follower))
    transition_gap = contract("ksb,ksacbt->ksact", coefficients, at_field(gaps_p, field))
    q_gap = contract("ksb,ksacb->ksac", coefficients, at_field(gaps_f, field)) + game.discount * contract(
        "ksact,kt->ksac", transition_gap, value
    )
    policy = softmax_of_gaps(q_gap, game.temperature)
    transition = contract("ksb,ksabt->ksat", coefficients, at_field(based(game.transition, 2), field))
    last_gap = transition_gap[:, :, :, -1]
    chain = contract("ksa,ksat->kst", policy[..., :-1], last_gap[:, :, :-1]) + transition[:, :, -1]
    return Faced(coefficients, value, q_gap, policy, transition_gap, transition, chain)


def world_of(game: AffineGame, phi: Ball, field: Ball, value: Ball) -> World:
    """Everything of the follower's world, from intervals of phi (K, n, B), m (K, n) and relative V (K, n - 1)."""
    gamma = game.discount
    coefficients, value, _, policy, transition_gap, _, chain = faced_by(game, phi, field, value)
    gaps_p, gaps_f = (based(pairs(pair, 1), 3) for pair in (game.transition, game.follower))
    weights = contract("ksa,ksc->ksac", policy, policy) * (1.0 / game.temperature)
    mixing = average_weights(policy)
    # Slopes of Q_a - Q_c: in m through the tables, in V through the transition, in logits through phi.
    by_field = contract("ksb,jsacb->kjsac", coefficients, gaps_f[1]) + gamma * contract(
        "ksb,kjsacb->kjsac", coefficients, contract("jsacbt,kt->kjsacb", gaps_p[1], value)
    )
    by_value = gamma * transition_gap.moved(lambda x: np.moveaxis(x, -1, 1)[:, :-1])
    by_logits = slope_by_logits(
        game, phi, action_values(game, (game.follower, game.transition), field, value, gap=True)
    )
    gap_slope = stacked(by_field, by_value, by_logits)
    mean_slope = stacked(
        slope_by_field(game, game.follower[1], coefficients, mixing, value),
        gamma * chain.moved(lambda x: np.swapaxes(x, 1, 2)[:, :-1]),
        averaged(
            policy, slope_by_logits(game, phi, action_values(game, (game.follower, game.transition), field, value))
        ),
    )
    turned = through_policy(weights, gap_slope, transition_gap)
    chain_slope = turned + _chain_at_fixed_policy(game, phi, coefficients, policy, field)
    return World(phi, field, policy, weights, chain, transition_gap, gap_slope, mean_slope, chain_slope)


def stacked(*parts: Ball) -> Ball:
    """Slopes in several groups of unknowns, one after the other along axis y."""
    return joined(parts, 1)


def averaged(policy: Ball, values: Ball) -> Ball:
    """Average over the follower's action of (K, Y, n, A)."""
    return contract("ksa,kysa->kys", policy, values)


def through_policy(weights: Ball, gap_slope: Ball, gap: Ball) -> Ball:
    r"""Slope of $\sum_a \pi_a X_a$ through pi: $\sum_{a<c} (\pi_a \pi_c / \tau) d(Q_a - Q_c) (X_a - X_c)$."""
    upper = np.triu(np.ones(weights.mid.shape[2:]), 1)
    spec = "kysac,ksact->kyst" if gap.mid.ndim == 5 else "kysac,ksac->kys"
    return contract(spec, gap_slope * (weights * upper).moved(lambda x: x[:, None]), gap)


def action_values(
    game: AffineGame, tables: tuple[Table, Table], field: Ball, value: Ball, *, gap: bool = False
) -> Ball:
    """Differences over two leader actions of r + gamma P V, (K, n, A, B, B), or (K, n, A, A, B, B) of their gaps."""
    axis = 3 if gap else 2
    reward, transition = ((pairs(pair, 1) if gap else pair) for pair in tables)
    reward, transition = pairs(reward, axis), pairs(transition, axis)
    letters = "sacbe" if gap else "sabe"
    return at_field(reward, field) + game.discount * contract(
        f"k{letters}t,kt->k{letters}", at_field(transition, field), value
    )


def slope_by_logits(game: AffineGame, phi: Ball, differences: Ball) -> Ball:
    r"""Derivative in the free logits of $\sum_b \phi_b X_b$: $\phi_b \sum_e \phi_e (X_b - X_e)$, (K, O (B-1), n, ...).

    Args:
        game: gives the observations.
        phi: (K, n, B).
        differences: X_b - X_e, (K, n, ..., B, B).
    """
    products = contract("ksb,kse->ksbe", phi, phi)
    middle = "acd"[: differences.mid.ndim - 4]
    by_row = contract(f"ksbe,ks{middle}be->kbs{middle}", products, differences)[:, :-1]
    seen = (game.observation[None, :] == np.arange(game.rows)[:, None]).astype(float)
    spread = contract(f"os,kbs{middle}->kobs{middle}", seen, by_row)
    shape = (len(phi.mid), -1, *spread.mid.shape[3:])
    return spread.moved(lambda x: x.reshape(shape))


def slope_by_field(game: AffineGame, reward_slope: Ball, coefficients: Ball, mixing: Ball, value: Ball) -> Ball:
    """Derivative in m of sum_a pi_a sum_b phi_b (r + gamma P V) at fixed policies and V, (K, M, n)."""
    # At each box by itself, or for all of them.
    batched = reward_slope.mid.ndim == 5
    reward = in_basis(in_basis(reward_slope if batched else reward_slope[None], 4), 3)
    transition = in_basis(in_basis(game.transition[1], 3), 2)
    each = game.discount * contract("jsabt,kt->kjsab", transition, value) + reward
    return contract("ksa,kjsa->kjs", mixing, contract("ksb,kjsab->kjsa", coefficients, each))


def _chain_at_fixed_policy(game: AffineGame, phi: Ball, coefficients: Ball, policy: Ball, field: Ball) -> Ball:
    """Derivative of P_pi in (m, V, logits) with the follower's policy fixed, (K, Y, n, n)."""
    slope = in_basis(in_basis(game.transition[1], 3), 2)
    by_field = contract("ksa,kjsat->kjst", average_weights(policy), contract("ksb,jsabt->kjsat", coefficients, slope))
    differences = at_field(pairs(game.transition, 2), field).moved(lambda x: np.moveaxis(x, -1, 3))
    by_logits = contract("ksa,kysat->kyst", policy, slope_by_logits(game, phi, differences))
    return stacked(by_field, Ball.exact(np.zeros_like(by_field.mid[:, :-1])), by_logits)
