"""Coverage in games whose transition does not fit as a table: what some policies visit, by sparse factors."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.leader_draws import most_of, random_leaders
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.equilibrium.solve import compiled_equilibrium
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.records.entries import Entries

PROPERTY = "coverage"


class _Seen(NamedTuple):
    """Visits of one pair of policies at one mean field.

    Attributes:
        witness: what they are computed from.
        occupancy: discounted, (n,).
        stationary: law, (n,); NaN where the chain has several recurrent classes or was not solved.
    """

    witness: dict[str, np.ndarray]
    occupancy: np.ndarray
    stationary: np.ndarray


def sampled_coverage(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    """The smallest occupancy and stationary mass of policies looked at: supported where none is zero.

    Support rests on most of the leaders drawn: those whose equilibrium is not found are counted, and told.

    Args:
        game: the game, traced, which lists its successors.
        settings: `num_starts` leaders are drawn, since each equilibrium takes seconds.

    Returns:
        Findings "occupancy" and "stationary".
    """
    drawn = random_leaders(game, settings)[: settings.num_starts]
    witnesses = [*_actions_for_ever(game), *_equilibria(game, drawn)]
    seen = [_visited(game, witness) for witness in witnesses]
    searched = {
        "policies": len(seen),
        "leaders": len(drawn),
        "unconverged": len(drawn) + game.num_follower_actions - len(seen),
        "seed": settings.seed,
        "leader_scale": float(settings.leader_scale),
    }
    return [_finding(name, seen, searched) for name in ("occupancy", "stationary")]


def least_visits(game: AbstractGame, statement: str, witness: Entries) -> float:
    """Occupancy or stationary mass of a witness's state under its policies.

    Raises:
        ValueError: the witness is of another game's shapes.
    """
    shapes = {
        "logits": leader_logits_shape(game),
        "follower_policy": (game.num_states, game.num_follower_actions),
        "mean_field": mean_field_shape(game),
    }
    require_shapes(witness, shapes)
    numbers = {name: np.asarray(witness[name]) for name in shapes}
    return float(getattr(_visited(game, numbers), statement)[int(witness["state"])])


def _actions_for_ever(game: AbstractGame) -> Iterator[dict[str, np.ndarray]]:
    """Each action for ever under the uniform leader."""
    shape = mean_field_shape(game)
    uniform = np.full(shape, 1.0 / np.prod(shape))
    for action in range(game.num_follower_actions):
        always = np.zeros((game.num_states, game.num_follower_actions))
        always[:, action] = 1.0
        yield {"logits": np.zeros(leader_logits_shape(game)), "follower_policy": always, "mean_field": uniform}


def _equilibria(game: AbstractGame, leaders: Float[np.ndarray, "N O B"]) -> Iterator[dict[str, np.ndarray]]:
    """Equilibria of leaders, as far as they are found."""
    for logits in leaders:
        found = compiled_equilibrium(game, softmax_policy(jnp.asarray(logits)), None)
        if bool(found.converged):
            policy, field = np.asarray(found.follower_policy), np.asarray(found.mean_field)
            yield {"logits": logits, "follower_policy": policy, "mean_field": field}


def _visited(game: AbstractGame, witness: dict[str, np.ndarray]) -> _Seen:
    # Sparse factors are loaded by those who use them: that takes a third of a second.
    from smfg_verify.exact.sparse.visits import visits

    policy, field = witness["follower_policy"], witness["mean_field"]
    found = visits(game, softmax_policy(jnp.asarray(witness["logits"])), policy, field)
    return _Seen(witness, found.occupancy, found.stationary)


def _finding(name: str, seen: list[_Seen], searched: dict[str, int | float]) -> Finding:
    visits = [getattr(one, name) for one in seen]
    least = np.array([np.min(row) for row in visits])
    known = np.isfinite(least)
    told = {key: searched[key] for key in ("policies", "leaders", "unconverged")}
    if not known.any():
        return _concluded(name, Verdict.INCONCLUSIVE, np.nan, told, {}, searched)
    worst = int(np.argmin(np.where(known, least, np.inf)))
    constant, state = float(least[worst]), int(np.argmin(visits[worst]))
    cause = _why_unsupported(name, constant, bool(known.all()), searched)
    verdict = Verdict.INCONCLUSIVE if cause else Verdict.SUPPORTED
    witness = {**seen[worst].witness, "state": np.array(state)}
    return _concluded(name, verdict, constant, {**told, "state": state, "cause": cause}, witness, searched)


def _why_unsupported(name: str, constant: float, known: bool, searched: dict[str, int | float]) -> str:
    """Several recurrent classes, masses that rounding may have made, and few leaders of many are no support."""
    if not constant > (CLEARLY_BELOW_ONE if name == "stationary" else 0.0):
        return "none"
    if not known:
        return "unknown"
    return "" if most_of(int(searched["unconverged"]), int(searched["leaders"])) else "few"


def _concluded(
    name: str, verdict: Verdict, constant: float, facts: Entries, witness: Entries, searched: Entries
) -> Finding:
    return Finding(
        property=PROPERTY,
        statement=name,
        verdict=verdict,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.SEARCH,
        facts=facts,
        witness=witness,
        searched=searched,
    )
