r"""A game as boxes of leaders look at it: tables of its functions in the mean field, proved affine or none."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.bases import Table
from smfg_verify.assumptions.enclosure.response.models import EPSILON
from smfg_verify.assumptions.enclosure.response.tables.curved import Rows
from smfg_verify.assumptions.enclosure.response.tables.shared import off_one, worth_of
from smfg_verify.assumptions.enclosure.table_enclosures import AffineTable, affine_table
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape

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
    def num_fields(self) -> int:
        """Number M of entries of the mean field."""
        result: int = self.follower[1].mid.shape[0]
        return result

    @property
    def on_pairs(self) -> bool:
        """Whether the mean field is one of states and actions."""
        return self.num_fields > len(self.initial)

    @property
    def num_free(self) -> int:
        """Number O (B - 1) of free logits."""
        return self.rows * (self.num_leader_actions - 1)

    def guesses(self, number: int) -> tuple[Float[np.ndarray, "K M"], Float[np.ndarray, "K n-1"]]:
        """Mean fields and relative values from which equilibria of so many leaders are searched for: uniform, zero."""
        return np.full((number, self.num_fields), 1.0 / self.num_fields), np.zeros((number, len(self.initial) - 1))

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
    """The tables of a game; None unless all three functions are proved affine.

    None, too, where rows of the transition miss one by more than rounding: values are taken relative to the last
    state's, and a level that rows of different sums carry on is lost by that.
    """
    leader = affine_table(game, "leader_reward")
    return None if leader is None else _affine_game(game, leader)


def affine_for_followers(game: AbstractGame) -> AffineGame | None:
    """The same where only transition and follower's reward need be affine; the leader's reward may be `curved`."""
    tables = affine_game(game)
    if tables is not None:
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
    number = int(np.prod(mean_field_shape(game)))
    shape = (size, game.num_follower_actions, game.num_leader_actions)
    own, moves = ((Ball.exact(np.zeros(s)), Ball.exact(np.zeros((number, *s)))) for s in (shape, (*shape, size)))
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
