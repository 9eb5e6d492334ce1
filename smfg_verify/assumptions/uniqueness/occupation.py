r"""Laws of state and action that the dynamics allow under one leader, and rewards between them.

A population whose followers all play $\pi$ under $\phi$ settles at a law $d(s,a) = \nu(s) \pi(a|s)$ with
$\sum_a d(s',a) = \sum_{s,a} d(s,a) P_\phi(s'|s,a)$; these laws are a polytope where P depends on no mean field. Its
mean field is $m = C d$: d itself, or the masses of the states.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure import affine_table
from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness.form_bounds import Equations, equations_of
from smfg_verify.assumptions.uniqueness.monotonicity import leader_choices
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.tables_at_fields import field_size, slopes_at, tables_at
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

# A law misses the flow equations by less, or it is none of the dynamics.
_MISSED = 1e-10
# What the sum of a row of probabilities may be off by beside its entries.
_SUMS = 1e-15
# Leaders looked at: pure ones, all or spread over them, and mixed ones; and mean fields of random followers.
_MOST_PURE, _MIXED, _FIELDS = 48, 16, 4
# Multiplications, X^3 for each problem of X pairs, that proofs and candidates may take; and entries of slopes.
MOST_WORK, _MOST_LOOKED, _MOST_ENTRIES = 5e8, 2e9, 2**24
# Roundings of a sum of rewards, relative to the largest.
_NOISE = 1e-13


class Laws(NamedTuple):
    """Which laws of state and action are compared; vectors (X,) with X = n A.

    Attributes:
        kernel: P(s' | s, a, b), proved to depend on no mean field, (n, A, B, n); None where there is no such proof, and
            all laws of state and action are compared, whatever the dynamics.
        error: what its entries may be off by.
        sizes: n, A, B.
        on_pairs: whether the mean field is the law itself.
    """

    kernel: Float[np.ndarray, "n A B n"] | None
    error: float
    sizes: tuple[int, int, int]
    on_pairs: bool

    @property
    def led(self) -> bool:
        """Whether the leader moves the followers."""
        return self.kernel is not None and bool(np.any(self.kernel != self.kernel[:, :, :1]))

    @property
    def unmoved(self) -> bool:
        """Whether no two laws under one leader have different mean fields, for sure: no action moves a single chain."""
        if self.on_pairs or self.sizes[0] == 1:
            return not self.on_pairs
        if self.kernel is None:
            return False
        single = np.any(np.all(self.kernel > self.error, axis=(0, 1, 2)))
        return bool(single and np.all(self.kernel == self.kernel[:, :1]))

    def moved(self, copies: int = 1) -> Float[np.ndarray, "M X"]:
        """C: the mean field of a law, or of one that has `copies` of each pair."""
        n, num_actions, _ = self.sizes
        entries, each = (n * num_actions, copies) if self.on_pairs else (n, num_actions * copies)
        return np.kron(np.eye(entries), np.ones((1, each)))

    def flow(self, rows: Float[np.ndarray, "n B"]) -> Float[np.ndarray, "K X"]:
        """What is zero of the difference of two laws under one leader's policy, the last row their sum."""
        kernel = None if self.kernel is None else np.einsum("sabt,sb->sat", self.kernel, rows)
        return self._flow(kernel, 1)

    def equations(self, rows: Float[np.ndarray, "n B"]) -> Equations:
        """The same, solved."""
        return equations_of(self.flow(rows), self.error)

    def joint_equations(self) -> Equations:
        """Of laws of state, action and leader's action, whatever the leader: more than one leader allows."""
        return equations_of(self._flow(self.kernel, self.sizes[2]), self.error)

    def _flow(self, kernel: np.ndarray | None, copies: int) -> np.ndarray:
        n, num_actions, _ = self.sizes
        total = np.ones((1, n * num_actions * copies))
        if kernel is None:
            return total
        leave = np.kron(np.eye(n), np.ones((1, num_actions * copies)))
        return np.concatenate([leave - kernel.reshape(-1, n).T, total])

    def middle(self, policy: Float[np.ndarray, "n A"], rows: Float[np.ndarray, "n B"]) -> Float[np.ndarray, " X"]:
        """The law of a policy under a leader's; with equal masses of the states where all laws are compared."""
        n = len(policy)
        masses = np.full(n, 1.0 / n)
        if self.kernel is not None:
            chain = np.einsum("sa,sabt,sb->st", policy, self.kernel, rows)
            matrix = np.concatenate([np.eye(n) - chain.T, np.ones((1, n))])
            masses = np.linalg.lstsq(matrix, np.eye(n + 1)[n])[0]
        law: Float[np.ndarray, " X"] = (masses[:, None] * policy).ravel()
        return law

    def allow(self, law: Float[np.ndarray, " X"], rows: Float[np.ndarray, "n B"]) -> bool:
        """Whether a vector is a law that the dynamics allow under a leader's policy, up to rounding."""
        flow = self.flow(rows) @ law
        flow[-1] -= 1.0
        return bool(np.all(np.abs(flow) <= _MISSED) and np.all(law >= 0.0))

    def around(
        self,
        law: Float[np.ndarray, " X"],
        steps: Float[np.ndarray, "K X"],
        share: float,
        rows: Float[np.ndarray, "n B"],
    ) -> Float[np.ndarray, "K X"] | None:
        """Laws around one, as far along the steps as this share of the way to where an entry is zero.

        Returns:
            None where they are no laws of the dynamics, or all the same.
        """
        furthest = np.max(np.abs(steps), axis=0)
        moving = furthest > 0.0
        reach = float(np.min(law[moving] / furthest[moving], initial=np.inf)) if moving.any() else 0.0
        found: Float[np.ndarray, "K X"] = law + share * reach * steps
        return found if reach > 0.0 and all(self.allow(each, rows) for each in found) else None


class Candidate(NamedTuple):
    """A leader's policy, a law of state and action under it, and what is known there.

    Attributes:
        rows: phi(b | s), (n, B).
        law: (X,).
        slope: d r_phi(x) / d m_j, (X, M).
        equations: of differences of laws.
    """

    rows: Float[np.ndarray, "n B"]
    law: Float[np.ndarray, " X"]
    slope: Float[np.ndarray, "X M"]
    equations: Equations


class Shown(NamedTuple):
    """What laws show of the rewards: a number, the laws that show it, none where there are none, and if it refutes."""

    value: float
    witness: dict[str, np.ndarray]
    refutes: bool


NOTHING_SHOWN = Shown(float("nan"), {}, False)


class Survey(NamedTuple):
    """What statements about laws of state and action look at.

    Attributes:
        laws: that are compared.
        pure: all pure leaders' actions by state, (L, n); None where there are too many.
        slope: of the follower's reward, (n, A, B, M), where it is proved affine; else None.
        leaders: number of leaders looked at.
        candidates: laws under them.
        scale: the largest slope, or the largest met.
        error: what an entry of the slope may be off by, and a reward, where it is proved affine.
    """

    laws: Laws
    pure: Int[np.ndarray, "L n"] | None
    slope: Float[np.ndarray, "n A B M"] | None
    leaders: int
    candidates: tuple[Candidate, ...]
    scale: float
    error: float

    @property
    def by_pure_leaders(self) -> bool:
        """Whether forms of all leaders are mixtures of those of pure ones, which are few."""
        n, num_actions, _ = self.laws.sizes
        return not self.laws.led and self.pure is not None and len(self.pure) * (n * num_actions) ** 3 <= MOST_WORK

    @property
    def by_joint_laws(self) -> bool:
        """Whether laws of state, action and leader's action are small enough."""
        return float(np.prod(self.laws.sizes)) ** 3 <= MOST_WORK

    def pure_rows(self) -> Float[np.ndarray, "L n B"]:
        """Policies by state of the pure leaders."""
        assert self.pure is not None
        rows: Float[np.ndarray, "L n B"] = np.eye(self.laws.sizes[2])[self.pure]
        return rows


def surveyed(game: AbstractGame, settings: SearchSettings) -> Survey:
    """Laws of a game that are compared, under pure and mixed leaders, with the rewards' slopes there.

    Args:
        game: the game, traced.
        settings: gives the seed.

    Returns:
        The survey; candidates whose law or slope is no number are left out.
    """
    laws, (actions, complete) = laws_of(game), leader_choices(game, settings.seed)
    table = affine_table(game, "follower_reward")
    slope = None if table is None else np.moveaxis(table.slope, 0, -1)
    # A slope is a difference of two values.
    error = 0.0 if table is None else 2.0 * float(np.max(table.error, initial=0.0))
    leaders = _leaders(game, actions, settings.seed)
    candidates = _candidates(game, laws, leaders, slope, settings.seed)
    slopes = [each.slope for each in candidates] if slope is None else [slope]
    scale = max((float(np.max(np.abs(each), initial=0.0)) for each in slopes), default=0.0)
    looked = len({each.rows.tobytes() for each in candidates})
    return Survey(laws, actions if complete else None, slope, looked, candidates, scale, error)


def laws_of(game: AbstractGame) -> Laws:
    """The laws of a game that are compared, by what is proved of its transition."""
    table = affine_table(game, "transition")
    if table is None or not table.is_constant:
        return all_laws(game)
    error = float(np.max(table.error, initial=0.0)) + _SUMS
    return all_laws(game)._replace(kernel=table.constant, error=error)


def all_laws(game: AbstractGame) -> Laws:
    """All laws of a game's states and actions, whatever its dynamics."""
    sizes = (game.num_states, game.num_follower_actions, game.num_leader_actions)
    return Laws(None, 0.0, sizes, game.mean_field_support != "states")


def averaged(table: Float[np.ndarray, "n A B *tail"], rows: Float[np.ndarray, "n B"]) -> Float[np.ndarray, " X *tail"]:
    """A table by pairs of state and action, averaged over a leader's policy."""
    mean = np.einsum("sab...,sb->sa...", table, rows)
    result: np.ndarray = mean.reshape(-1, *mean.shape[2:])
    return result


def rewards_at(
    game: AbstractGame, laws: Float[np.ndarray, "K X"], rows: Float[np.ndarray, "n B"]
) -> tuple[Float[np.ndarray, "K X"], float]:
    """The follower's rewards under a leader's policy at the mean fields of laws, and what an entry may be off by."""
    tables = tables_at(game, laws @ all_laws(game).moved().T)["follower_reward"]
    return np.stack([averaged(table, rows) for table in tables]), _NOISE * float(np.max(np.abs(tables)))


def witness_of(laws: Laws, at: Candidate, corners: Float[np.ndarray, "K X"]) -> dict[str, np.ndarray]:
    """Laws under a candidate's leader, as a finding holds them."""
    return {"laws": corners, "mean_fields": corners @ laws.moved().T, "leader_rows": at.rows}


def require_laws(game: AbstractGame, witness: Entries, number: int) -> AbstractGame:
    """The game, ready to be asked about the laws of a witness.

    Raises:
        ValueError: a witness of another game.
    """
    game = checked(game)
    size = game.num_states * game.num_follower_actions
    shapes = {"laws": (number, size), "mean_fields": (number, field_size(game))}
    require_shapes(witness, {**shapes, "leader_rows": (game.num_states, game.num_leader_actions)})
    return game


def _leaders(game: AbstractGame, pure: np.ndarray, seed: int) -> Float[np.ndarray, "L n B"]:
    num_rows, num_actions = leader_logits_shape(game)
    chosen: Float[np.ndarray, "L n B"] = np.eye(num_actions)[pure[_spread(len(pure), _MOST_PURE)]]
    if num_actions == 1:
        return chosen
    mixed = np.random.default_rng([seed, 2]).dirichlet(np.ones(num_actions), (_MIXED, num_rows))
    return np.concatenate([chosen, mixed[:, np.asarray(game.leader_observation)]])


def _candidates(
    game: AbstractGame, laws: Laws, leaders: np.ndarray, slope: np.ndarray | None, seed: int
) -> tuple[Candidate, ...]:
    """Laws of the uniform follower, and of random ones where the slope is another at other mean fields; few of large
    games, none of those too large to look at one.
    """
    n, num_actions, num_leader = laws.sizes
    leaders = leaders[_spread(len(leaders), int(_MOST_LOOKED / (n * num_actions) ** 3))]
    policies = np.full((1, n, num_actions), 1.0 / num_actions)
    if slope is None:
        drawn = np.random.default_rng([seed, 3]).dirichlet(np.ones(num_actions), (_FIELDS, n))
        policies = np.concatenate([policies, drawn])
    pairs = [(k, laws.middle(policy, rows)) for k, rows in enumerate(leaders) for policy in policies]
    if slope is None:
        pairs = [
            pairs[k] for k in _spread(len(pairs), _MOST_ENTRIES // (field_size(game) * n * num_actions * num_leader))
        ]
    if not pairs:
        return ()
    if slope is not None:
        tables = np.broadcast_to(slope, (len(pairs), *slope.shape))
    else:
        fields = np.stack([law for _, law in pairs]) @ laws.moved().T
        tables = np.moveaxis(slopes_at(game, "follower_reward", fields), 1, -1)
    solved = [laws.equations(rows) for rows in (leaders if laws.led else leaders[:1])]
    found = (
        Candidate(leaders[k], law, averaged(table, leaders[k]), solved[k if laws.led else 0])
        for (k, law), table in zip(pairs, tables, strict=True)
    )
    return tuple(each for each in found if np.all(np.isfinite(each.slope)) and np.all(np.isfinite(each.law)))


def _spread(number: int, most: int) -> Int[np.ndarray, " K"]:
    """Indices of at most so many of a number of entries, spread evenly over them."""
    kept = min(number, max(0, most))
    return np.linspace(0, number - 1, kept).astype(int) if kept < number else np.arange(number)
