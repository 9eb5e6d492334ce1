"""Certified constants of a game that several properties build on, computed once."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.certified_rows import Rows, certified_rows
from smfg_verify.assumptions.constants.mixing import Mixing, best_mixing
from smfg_verify.assumptions.constants.sampled_constants import LIPSCHITZ, Sampled, sampled_constants
from smfg_verify.assumptions.constants.suprema import Bound, budget_of, lipschitz_bound
from smfg_verify.assumptions.constants.variations import PAIRS, variation_bound
from smfg_verify.assumptions.enclosure import NoEnclosure, TableEnclosure, envelope, numbers_of_a_box
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced
from smfg_verify.game.identity import GameKey
from smfg_verify.records.entries import Entries

# Powers of the chain that a mixing factor is looked for at: these, or four a state in games of many.
_LEAST_STEPS, _STEPS_PER_STATE = 32, 4
# Table entries visited by the search for the best number of steps (a few seconds).
_MIXING_WORK = 3e8
# What is known of a table's entries, by name of the table.
ENVELOPES = {"transition": "rows", "follower_reward": "follower_reward_range"}


@dataclasses.dataclass(frozen=True, eq=False)
class GameConstants:
    r"""Certified upper bounds of a game's constants, over all mean fields and, where they concern it, policies.

    Mean fields and rows of the transition in the l1 norm, total variation half of it.

    Attributes:
        bounds: by name (transition_lipschitz, follower_lipschitz, leader_lipschitz, one_step, action_spread) the
            bound with its witness.
        mixing: the best certified m-step mixing, the one-step bound included.
        minorisation: the same without the one-step bound, from the entrywise bounds of the transition alone.
        transition_lower, transition_upper: bounds of P(s' | s, a, b, m) over the mean fields, (n, A, B, n); 0 and 1
            where there is no proof, among them where rows are not proved to be probabilities ("rows" in `unproved`).
        follower_reward_lower, follower_reward_upper: bounds of r_f over the mean fields, (n, A, B), in units of
            reward; infinite where there is no proof.
        unproved: name -> why there is no proof beyond the trivial bound; empty where all is proved.
        cut: names of those that a time limit cut short.
        sampled: lower bounds of the same constants from sampled mean fields.
    """

    bounds: Mapping[str, Bound]
    mixing: Mixing
    minorisation: Mixing
    transition_lower: Float[np.ndarray, "n A B n"]
    transition_upper: Float[np.ndarray, "n A B n"]
    follower_reward_lower: Float[np.ndarray, "n A B"]
    follower_reward_upper: Float[np.ndarray, "n A B"]
    unproved: Mapping[str, str]
    cut: frozenset[str]
    sampled: Sampled

    @property
    def transition_lipschitz(self) -> float:
        r"""$L_P$: $\|P(. | s,a,b,m) - P(. | s,a,b,m')\|_1 \le L_P \|m - m'\|_1$."""
        return self.bounds["transition_lipschitz"].upper

    @property
    def follower_lipschitz(self) -> float:
        r"""$L_f$: $|r_f(s,a,b,m) - r_f(s,a,b,m')| \le L_f \|m - m'\|_1$, in units of reward."""
        return self.bounds["follower_lipschitz"].upper

    @property
    def leader_lipschitz(self) -> float:
        """The same of the leader's reward."""
        return self.bounds["leader_lipschitz"].upper

    @property
    def one_step(self) -> float:
        """Largest total variation between the next-state laws of two states, under any policies, at one mean field.

        The Dobrushin coefficient of the worst chain. Two actions at one state are compared by `action_spread`.
        """
        return self.bounds["one_step"].upper

    @property
    def action_spread(self) -> float:
        r"""$\delta_A$: largest total variation between two follower actions at one state and leader action."""
        return self.bounds["action_spread"].upper

    @property
    def mixing_steps(self) -> int:
        """m of the best certified mixing."""
        return self.mixing.steps

    @property
    def mixing_coefficient(self) -> float:
        r"""$\delta_m$: bound of the Dobrushin coefficient of m steps under any policies."""
        return self.mixing.coefficient

    @property
    def mixing_factor(self) -> float:
        r"""$m / (1 - \delta_m)$; infinite where no mixing is certified."""
        return self.mixing.factor

    @property
    def doeblin_mass(self) -> Float[np.ndarray, " n"]:
        """Lower bounds of the probability to be at each state after `mixing_steps` steps, (n,)."""
        return self.mixing.mass

    @property
    def follower_reward_low(self) -> float:
        """Least follower's reward."""
        return float(np.min(self.follower_reward_lower))

    @property
    def follower_reward_high(self) -> float:
        """Largest follower's reward."""
        return float(np.max(self.follower_reward_upper))

    @property
    def measured(self) -> Mapping[str, float]:
        """Name -> lower bound of the constant from sampled mean fields."""
        return self.sampled.values

    @property
    def searched(self) -> Entries:
        """What was sampled, and by name of each bound what was enclosed."""
        return {**self.sampled.searched, **{name: bound.searched for name, bound in self.bounds.items()}}

    @property
    def proved(self) -> bool:
        """Whether every constant has a proof beyond the trivial bound."""
        return not self.unproved

    @property
    def reason(self) -> str:
        """Why constants are without a proof; empty where none is."""
        return "; ".join(f"{name}: {why}" for name, why in self.unproved.items())


def game_constants(game: AbstractGame, settings: SearchSettings) -> GameConstants:
    """The certified constants of a game; computed once for a game's content and budget.

    Args:
        game: the game.
        settings: budget of each branch and bound, number of samples, seed.

    Returns:
        The constants. Nothing raises where a proof is out of reach: see `unproved`.
    """
    budget = {name: getattr(settings, name) for name in ("num_leaders", "num_boxes", "time_limit", "seed")}
    # The rest of the settings does not count, and so is that of no budget in particular.
    return _cached(GameKey.of(traced(game)), SearchSettings(**budget))


@functools.lru_cache(maxsize=32)
def _cached(key: GameKey, settings: SearchSettings) -> GameConstants:
    game = key.game
    bounds = {constant: lipschitz_bound(game, name, settings) for name, constant in LIPSCHITZ.items()}
    rows = certified_rows(game, settings)
    bounds |= {name: _variation(game, rows, pairs(game), settings) for name, pairs in PAIRS.items()}
    reward, reward_why = _reward_range(game, settings)
    roundings = {"transition_lipschitz": rows.rounding, "follower_lipschitz": float(np.max(reward.rounding))}
    bounds |= {name: dataclasses.replace(bounds[name], rounding=error) for name, error in roundings.items()}
    reasons = {name: bound.reason for name, bound in bounds.items()}
    reasons |= {ENVELOPES["transition"]: rows.unproved, ENVELOPES["follower_reward"]: reward_why}
    short = {name: bound.cut for name, bound in bounds.items()}
    short |= {ENVELOPES["transition"]: rows.cut, ENVELOPES["follower_reward"]: reward.cut}
    mixing, minorisation = (
        best_mixing(
            rows.lower,
            rows.upper,
            one_step=one_step,
            max_steps=max(_LEAST_STEPS, _STEPS_PER_STATE * game.num_states),
            max_work=_MIXING_WORK,
            slack=rows.slack if np.isfinite(rows.slack) else 0.0,
        )
        for one_step in (bounds["one_step"].upper, 1.0)
    )
    return GameConstants(
        bounds,
        mixing,
        minorisation,
        rows.lower,
        rows.upper,
        reward.lower,
        reward.upper,
        {name: reason for name, reason in reasons.items() if reason},
        frozenset(name for name, cut in short.items() if cut),
        sampled_constants(game, settings),
    )


def _variation(game: AbstractGame, rows: Rows, pairs: np.ndarray, settings: SearchSettings) -> Bound:
    """The bound of a total variation, which is none where the rows are not proved to be probabilities."""
    return Bound(1.0, False, reason=rows.unproved) if rows.unproved else variation_bound(game, pairs, settings)


def _reward_range(game: AbstractGame, settings: SearchSettings) -> tuple[TableEnclosure, str]:
    """Bounds of the follower's reward over all mean fields, and why there are none."""
    shape = (game.num_states, game.num_follower_actions, game.num_leader_actions)
    name = "follower_reward"
    try:
        return envelope(game, name, **budget_of(settings, numbers_of_a_box(game, name, slopes=False))), ""
    except NoEnclosure as error:
        unknown = np.full(shape, np.inf)
        return TableEnclosure(-unknown, unknown, 0, False, unknown), str(error)
