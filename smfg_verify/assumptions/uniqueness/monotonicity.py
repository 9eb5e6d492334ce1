r"""Monotonicity of the follower's reward in the mean field, in the sense of Lasry and Lions."""

import itertools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.assumptions.constants.suprema import budget_of
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.enclosure import NoEnclosure, affine_table, enclose_slopes, numbers_of_a_box, supremum
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness.form_bounds import equations_of, range_bound
from smfg_verify.assumptions.uniqueness.smallest_slopes import HIDDEN, smallest_left
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.kernel import tabulate
from smfg_verify.exact.response_jacobian import field_size, tangent_basis
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

# The pair of a witness lies around a point that is moved inside the simplex by so much, and goes either way by this
# share of its least entry.
_INWARD, _APART = 0.001, 0.1
# Boxes that a search of one selection looks at, about: whether each selection is searched by itself depends on it.
_BOXES_EACH = 32
_MOST_SELECTIONS = 4096
_MOST_BOXES = 64
# Eigenvalue problems of one round of boxes; with more selections than that allows their hull is bounded at once.
_MOST_PROBLEMS = 2048
# Relative to the largest slope: what counts as zero in a proof, and as clearly positive in a counter-example.
_ZERO, _POSITIVE = 1e-12, 1e-9


class Selections(NamedTuple):
    """Choices of pure actions.

    Attributes:
        follower: action of the follower at each state, (S, n).
        leader: action of the leader at each state, the same where the leader cannot tell states apart, (S, n).
        complete: whether these are all of them.
    """

    follower: Int[np.ndarray, "S n"]
    leader: Int[np.ndarray, "S n"]
    complete: bool


def selections_of(game: AbstractGame, seed: int) -> Selections:
    """All choices of pure actions of both players, or random ones where there are too many.

    With the mean field on pairs the follower's actions are part of the point, and only the leader's are chosen.
    """
    cut = game.num_states if game.mean_field_support == "states" else 0
    sizes = [game.num_follower_actions] * cut + [game.num_leader_actions] * leader_logits_shape(game)[0]
    rows, complete = _choices(sizes, seed)
    follower = rows[:, :cut] if cut else np.zeros((len(rows), game.num_states), dtype=int)
    return Selections(follower, rows[:, cut:][:, np.asarray(game.leader_observation)], complete)


def leader_choices(game: AbstractGame, seed: int) -> tuple[Int[np.ndarray, "L n"], bool]:
    """The leader's choices of pure actions, by state, and whether they are all; else random ones."""
    rows, complete = _choices([game.num_leader_actions] * leader_logits_shape(game)[0], seed)
    return rows[:, np.asarray(game.leader_observation)], complete


def _choices(sizes: list[int], seed: int) -> tuple[Int[np.ndarray, "S k"], bool]:
    """All ways to choose one of so many actions each, or random ones, and whether they are all."""
    complete = float(np.prod(np.array(sizes, dtype=float))) <= _MOST_SELECTIONS
    if complete:
        return np.array(list(itertools.product(*(range(size) for size in sizes))), dtype=int), True
    drawn = np.random.default_rng(seed).integers(np.array(sizes), size=(_MOST_SELECTIONS, len(sizes)))
    return drawn, False


def chosen_slopes(
    table: Float[np.ndarray, "K n A B M"], chosen: Selections, on_pairs: bool
) -> Float[np.ndarray, "K S M M"]:
    r"""$G_{x j} = \partial r(x) / \partial m_j$ for every table and selection, x a state or a pair."""
    states = np.arange(table.shape[1])
    if not on_pairs:
        return table[:, states, chosen.follower, chosen.leader]
    actions = np.arange(table.shape[2])
    rows = table[:, states[:, None], actions[None, :], chosen.leader[:, :, None]]
    return rows.reshape(len(table), len(chosen.leader), table.shape[-1], table.shape[-1])


def largest_eigenvalues(matrices: Float[np.ndarray, "*K M M"]) -> Float[np.ndarray, "*K"]:
    """Largest eigenvalue of the symmetric part on the tangents of the simplex."""
    basis = tangent_basis(matrices.shape[-1])
    reduced = basis.T @ (0.5 * (matrices + np.swapaxes(matrices, -1, -2))) @ basis
    return np.linalg.eigvalsh(reduced)[..., -1]


def quotient_of(game: AbstractGame, witness: Entries) -> float:
    r"""$\sum_x (r(x, m) - r(x, m'))(m - m')(x) / \|m - m'\|_2^2$ of a witness: two mean fields and a selection."""
    game = checked(game)
    size = int(np.prod(mean_field_shape(game)))
    actions = dict.fromkeys(("follower_actions", "leader_actions"), (game.num_states,))
    require_shapes(witness, {"mean_fields": (2, size), **{k: v for k, v in actions.items() if k in witness}})
    first, second = witness["mean_fields"]
    rewards = [_reward(game, field, witness) for field in (first, second)]
    step = first - second
    return float((rewards[0] - rewards[1]) @ step / (step @ step))


def _reward(game: AbstractGame, field: np.ndarray, witness: Entries) -> np.ndarray:
    table = np.asarray(_rewards(game, jax.device_put(field)))
    states = np.arange(game.num_states)
    if game.mean_field_support == "states":
        result: np.ndarray = table[states, witness["follower_actions"], witness["leader_actions"]]
        return result
    return table[states, :, witness["leader_actions"]].ravel()


@jit_for_game
def _rewards(game: AbstractGame, field: Array) -> Array:
    return tabulate(game, field.reshape(mean_field_shape(game))).follower_reward


@jit_for_game
def _slopes(game: AbstractGame, fields: Array) -> Array:
    reward = lambda field: tabulate(game, field.reshape(mean_field_shape(game))).follower_reward  # noqa: E731
    result: Array = jax.lax.map(jax.jacfwd(reward), fields)
    return result


def _witness(
    matrices: Float[np.ndarray, "S M M"], chosen: Selections, field: Float[np.ndarray, " M"]
) -> dict[str, np.ndarray]:
    """Two mean fields around one, along the steepest direction of the worst selection."""
    worst = int(np.argmax(np.nan_to_num(largest_eigenvalues(matrices), nan=-np.inf)))
    basis = tangent_basis(len(field))
    reduced = basis.T @ (0.5 * (matrices[worst] + matrices[worst].T)) @ basis
    direction = basis @ np.linalg.eigh(reduced)[1][:, -1]
    inside = (1.0 - _INWARD) * field + _INWARD / len(field)
    step = _APART * float(np.min(inside)) / float(np.max(np.abs(direction)))
    return {
        "mean_fields": np.stack([inside + step * direction, inside - step * direction]),
        "follower_actions": chosen.follower[worst],
        "leader_actions": chosen.leader[worst],
    }


class _Evidence(NamedTuple):
    """A certified bound of the quotient (infinite where there is none), a witness, and what was looked at.

    A bound of at most `zero` is zero up to the roundings of affine slopes, which hide no smaller slope.
    `obstacle` has the case why nothing is decided where nothing is, and its numbers.
    """

    upper: float
    exact: bool
    scale: float
    witness: dict[str, np.ndarray]
    searched: Entries
    obstacle: Entries
    cut: bool = False
    zero: float = 0.0


def monotonicity_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    r"""Whether $\sum_x (r(x,m) - r(x,m'))(m - m')(x) \le 0$ for all mean fields and policies of both players.

    x is a state, its reward averaged over both players' policies, or a pair of state and action, averaged over the
    leader's. The quotient by $\|m - m'\|_2^2$ is largest at pure actions, where it is an eigenvalue if the reward is
    affine, and at most one of an enclosed slope matrix otherwise: midpoint's eigenvalue plus the norm of the radius.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        The finding; classical games that satisfy the condition have one equilibrium, here it decides nothing.

    Source: monotonicity condition of Lasry and Lions (2007).
    """
    chosen = selections_of(game, settings.seed)
    table = affine_table(game, "follower_reward")
    if table is not None:
        found = _affine(game, np.moveaxis(table.slope, 0, -1)[None], chosen)
    else:
        found = _general(game, chosen, settings)
    constant = quotient_of(game, found.witness)
    if constant > _POSITIVE * found.scale:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.CERTIFIED if found.upper <= found.zero else Verdict.INCONCLUSIVE
    finding = Finding(
        property="uniqueness",
        statement="monotonicity",
        verdict=verdict,
        constant=constant,
        side=Side.EXACT if found.exact else Side.LOWER,
        evidence=Evidence.PROOF if verdict is Verdict.CERTIFIED else Evidence.SEARCH,
        facts={"obstacle": found.obstacle},
        witness=found.witness,
        searched=found.searched,
        details={"certified_upper": found.upper},
    )
    return cut_short(finding, {"quotient"} if found.cut else (), "quotient")


def _affine(game: AbstractGame, table: Float[np.ndarray, "1 n A B M"], chosen: Selections) -> _Evidence:
    on_pairs = game.mean_field_support != "states"
    scale = float(np.max(np.abs(table), initial=0.0))
    matrices = chosen_slopes(table, chosen, on_pairs)[0]
    bounds = _enclosed(matrices, matrices) if chosen.complete else _hull_bound(game, table, table)
    case = "constant-reward" if scale == 0.0 else "none" if chosen.complete else "many-actions"
    searched = {"selections": len(matrices), "all_selections": chosen.complete, "affine": True}
    field = np.full(table.shape[-1], 1.0 / table.shape[-1])
    zero = min([_ZERO * scale, *(HIDDEN * smallest_left(matrix, 1.0) for matrix in matrices)])
    witness = _witness(matrices, chosen, field)
    return _Evidence(float(np.max(bounds)), chosen.complete, scale, witness, searched, {"case": case}, zero=zero)


def _general(game: AbstractGame, chosen: Selections, settings: SearchSettings) -> _Evidence:
    on_pairs = game.mean_field_support != "states"
    size = field_size(game)
    each = chosen.complete and len(chosen.leader) * _BOXES_EACH <= _MOST_PROBLEMS

    def matrices_at(fields: Float[np.ndarray, "K M"]) -> Float[np.ndarray, "K S M M"]:
        return chosen_slopes(np.asarray(_slopes(game, jax.device_put(fields))), chosen, on_pairs)

    def sample(fields: Float[np.ndarray, "K M"]) -> Float[np.ndarray, " K"]:
        return np.array([np.max(largest_eigenvalues(matrices_at(field[None])[0])) for field in fields])

    def bound(lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]) -> Float[np.ndarray, " K"]:
        found = enclose_slopes(game, "follower_reward", lower, upper)
        low, high = np.moveaxis(found.lower, 1, -1), np.moveaxis(found.upper, 1, -1)
        if not each:
            return _hull_bound(game, low, high)
        result: Float[np.ndarray, " K"] = np.max(
            _enclosed(chosen_slopes(low, chosen, on_pairs), chosen_slopes(high, chosen, on_pairs)), axis=1
        )
        return result

    budget = budget_of(settings, numbers_of_a_box(game, "follower_reward", slopes=True))
    budget["num_boxes"] = min(budget["num_boxes"], _MOST_BOXES)
    searched: dict[str, object] = {"selections": len(chosen.leader), "all_selections": chosen.complete, "affine": False}
    upper, field, cut = float("inf"), np.full(size, 1.0 / size), False
    try:
        found = supremum(bound, sample, size, **budget)
    except NoEnclosure as error:
        obstacle: dict[str, object] = {"case": "no-enclosure", "reason": str(error)}
        samples = np.random.default_rng(settings.seed).dirichlet(np.ones(size), _MOST_BOXES)
        field = samples[int(np.argmax(np.nan_to_num(sample(samples), nan=-np.inf)))]
    else:
        upper, field, cut = found.upper, found.field, found.cut
        obstacle = {"case": "bound", "upper": float(upper), "boxes": int(found.boxes)}
        searched |= {"boxes": found.boxes, "finished": found.finished}
    matrices = matrices_at(field[None])[0]
    scale = float(np.max(np.abs(matrices), initial=0.0))
    return _Evidence(upper, False, scale, _witness(matrices, chosen, field), searched, obstacle, cut)


def _hull_bound(
    game: AbstractGame, lower: Float[np.ndarray, "K n A B M"], upper: Float[np.ndarray, "K n A B M"]
) -> Float[np.ndarray, " K"]:
    """The bound for all selections at once, from the range of each slope over the actions that are chosen."""
    if game.mean_field_support == "states":
        low, high = np.min(lower, axis=(2, 3)), np.max(upper, axis=(2, 3))
    else:
        shape = (len(lower), lower.shape[-1], lower.shape[-1])
        low, high = np.min(lower, axis=3).reshape(shape), np.max(upper, axis=3).reshape(shape)
    return _enclosed(low, high)


def _enclosed(low: Float[np.ndarray, "*K M M"], high: Float[np.ndarray, "*K M M"]) -> Float[np.ndarray, "*K"]:
    """Certified bounds of the quotient for all matrices in each range; infinite where a range is not finite."""
    equations, size = equations_of(np.ones((1, low.shape[-1])), 0.0), low.shape[-1]
    ends = zip(low.reshape(-1, size, size), high.reshape(-1, size, size), strict=True)
    bounds = [range_bound(first, last, equations) for first, last in ends]
    return np.array(bounds).reshape(low.shape[:-2])
