"""Ergodicity of games whose transition does not fit as a table: chains of policies looked at one by one, as graphs.

Whether a chain mixes is read off its graph. How fast is measured by walking two laws, begun far apart, side by side:
that they are so far apart after so many steps bounds the coefficient from below.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.ergodicity.common_state import common_state_finding
from smfg_verify.assumptions.ergodicity.pure_policies import Policies, policies_looked_at
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.sparse.equations.chain import Chain, chain_of, recurrent_classes
from smfg_verify.exact.sparse.equations.local_moves import local_problem, weights_under
from smfg_verify.exact.sparse.reachability import apart, far_apart, levels_of
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape, traced
from smfg_verify.records.entries import Entries

PROPERTY, STATEMENT = "ergodicity", "mixing"
# Multiplications of the walks of all chains, some ten seconds of them, and the fewest steps of a walk.
_MAX_WORK, _FEWEST = 4e9, 8


class Looked(NamedTuple):
    """One chain that was looked at.

    Attributes:
        policies: it is of.
        classes: number of sets of states that are never left; 0 where the game gave no numbers.
        period: of the first of them.
        recurrent: states of them all.
        starts: two states whose laws are compared.
        kept: the chain, to walk on; None where it never mixes.
    """

    policies: Policies
    classes: int
    period: int
    recurrent: Int[np.ndarray, " r"]
    starts: Int[np.ndarray, "2"]
    kept: Chain | None

    @property
    def mixes(self) -> bool:
        """Whether there is one class without a period."""
        return self.classes == 1 and self.period == 1


def check_ergodicity_without_table(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    """Whether a state is common to all policies, and what chains of pure policies do.

    Args:
        game: the game, traced, which lists its successors.
        settings: number of random pure policies, and their seed.

    Returns:
        Findings "common-state" and "mixing".
    """
    looked, recurrent = [], np.ones(game.num_states, dtype=bool)
    for policies in policies_looked_at(game, settings):
        one = _look(game, policies)
        looked.append(one)
        if one.classes:
            recurrent &= np.isin(np.arange(game.num_states), one.recurrent)
        if one.classes and not one.mixes:
            break
    searched = {"chains": len(looked), "seed": settings.seed}
    mixing = _mixing_finding(game, looked, searched)
    return [common_state_finding(game, np.flatnonzero(recurrent)), mixing]


def _look(game: AbstractGame, policies: Policies) -> Looked:
    chain = _chain(game, policies)
    graph = _chain(game, policies.as_possible())
    nothing = np.zeros(2, dtype=int)
    if not (np.all(np.isfinite(chain.matrix.data)) and np.all(np.isfinite(graph.matrix.data))):
        return Looked(policies, 0, 0, nothing[:0], nothing, None)
    classes = recurrent_classes(graph)
    level, period = levels_of(graph, classes[0])
    if len(classes) > 1:
        starts = np.array([classes[0][0], classes[1][0]])
    elif period > 1:
        starts = classes[0][[0, int(np.argmax(level == 1))]]
    else:
        starts = far_apart(graph)
    stuck = len(classes) > 1 or period > 1
    return Looked(policies, len(classes), period, np.concatenate(classes), starts, None if stuck else chain)


def _chain(game: AbstractGame, policies: Policies) -> Chain:
    local = local_problem(game, policies.leader)
    field = jnp.asarray(np.ravel(policies.mean_field))
    return chain_of(local.targets, weights_under(game, local, jnp.asarray(policies.follower), field))


def distance_after(game: AbstractGame, witness: Entries) -> float:
    """Total variation between the laws of a witness's two starts after its number of steps.

    Raises:
        ValueError: the witness is of another game's shapes.
    """
    shapes = {
        "follower_policy": (game.num_states, game.num_follower_actions),
        "leader_policy": leader_logits_shape(game),
        "mean_field": mean_field_shape(game),
        "starts": (2,),
    }
    require_shapes(witness, shapes)
    policies = Policies(*(np.asarray(witness[name]) for name in list(shapes)[:3]))
    return apart(_chain(traced(game), policies).matrix, np.asarray(witness["starts"]), int(witness["steps"]))


def _mixing_finding(game: AbstractGame, looked: list[Looked], searched: Entries) -> Finding:
    known = [one for one in looked if one.classes]
    lost = len(looked) - len(known)
    stuck = [one for one in known if not one.mixes]
    if not known:
        return _finding(Verdict.INCONCLUSIVE, np.nan, {"case": "no-number", "sparse": True}, {}, searched)
    if stuck:
        return _refuted(game, stuck[0], searched)
    steps = _steps(game, known)
    distances = [apart(one.kept.matrix, one.starts, steps) for one in known if one.kept is not None]
    worst = int(np.argmax(distances))
    facts = {"case": "looked-at", "sparse": True, "chains": len(known), "lost": lost, "steps": steps}
    facts["visible"] = bool(distances[worst] < 1.0 - CLEARLY_BELOW_ONE)
    verdict = Verdict.SUPPORTED if facts["visible"] and not lost else Verdict.INCONCLUSIVE
    return _finding(verdict, distances[worst], facts, _witness(known[worst], steps), searched)


def _steps(game: AbstractGame, known: list[Looked]) -> int:
    """The power of two that lets moves cross all states, or as far as the work allows."""
    entries = sum(one.kept.matrix.nnz for one in known if one.kept is not None)
    most = max(_FEWEST, int(_MAX_WORK / (2 * max(entries, 1))))
    wanted = 2 ** max(3, int(np.ceil(np.log2(game.num_states))))
    return int(min(wanted, 2 ** int(np.log2(most))))


def _refuted(game: AbstractGame, stuck: Looked, searched: Entries) -> Finding:
    facts = {
        "case": "never-mixing",
        "sparse": True,
        "pure": stuck.policies.are_pure,
        "classes": stuck.classes,
        "period": stuck.period,
    }
    witness = _witness(stuck, _FEWEST)
    return _finding(Verdict.REFUTED, distance_after(game, witness), facts, witness, searched, Side.EXACT)


def _witness(one: Looked, steps: int) -> dict[str, np.ndarray]:
    return {
        "follower_policy": one.policies.follower,
        "leader_policy": one.policies.leader,
        "mean_field": one.policies.mean_field,
        "starts": one.starts,
        "steps": np.array(steps),
    }


def _finding(
    verdict: Verdict, constant: float, facts: Entries, witness: Entries, searched: Entries, side: Side = Side.LOWER
) -> Finding:
    return Finding(
        property=PROPERTY,
        statement=STATEMENT,
        verdict=verdict,
        constant=constant,
        side=side,
        evidence=Evidence.SEARCH,
        facts=facts,
        witness=witness,
        searched=searched,
    )
