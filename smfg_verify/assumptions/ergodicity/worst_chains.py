r"""Markov chains of pairs of policies, looked at for the worst mixing: pure policies, and ascents over all."""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.sparse.csgraph import connected_components
from scipy.special import softmax

from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.assumptions.search import SearchResult, into_box, minimise, out_of_box, simplex_of, slopes_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.compiling import table_entries
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.exact.tables_at_fields import field_size, random_fields, tables_at
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.records.entries import Entries

# Chains of pure policies whose second eigenvalues are compared for a start, and how far inside the simplex it lies.
_COMPARED, _INSIDE = 100, 1e-3
_MAX_CHAINS = 4096
_MAX_VERTICES = 8
# Entries of all chains looked at: their eigenvalues take a second or two.
_MAX_ENTRIES = 2**20
_MAX_STARTS = 16
_MAX_STEPS = 60
# Multiplications of one search (a few seconds): larger games take fewer steps.
_MAX_WORK = 1e10


def steps_looked_at(game: AbstractGame) -> int:
    """Number of steps whose coefficient is searched: the power of two from 8 up that lets moves cross all states."""
    result: int = 2 ** _squarings(game)
    return result


def _squarings(game: AbstractGame) -> int:
    return max(3, math.ceil(math.log2(game.num_states)))


class Chains(NamedTuple):
    """Chains and the policies they come from; the first axis (C) counts them.

    Attributes:
        follower: pi(a | s), (C, n, A).
        leader: phi(b | o), (C, O, B).
        mean_field: flat, (C, M).
        matrix: P(s' | s), (C, n, n); NaN where the game gives no number.
    """

    follower: Float[np.ndarray, "C n A"]
    leader: Float[np.ndarray, "C O B"]
    mean_field: Float[np.ndarray, "C M"]
    matrix: Float[np.ndarray, "C n n"]

    @property
    def usable(self) -> Bool[np.ndarray, " C"]:
        """Where the chain is all numbers."""
        result: Bool[np.ndarray, " C"] = np.all(np.isfinite(self.matrix), axis=(1, 2))
        return result

    def witness(self, game: AbstractGame, index: int) -> dict[str, np.ndarray]:
        """Policies and mean field of one chain."""
        return {
            "follower_policy": self.follower[index],
            "leader_policy": self.leader[index],
            "mean_field": self.mean_field[index].reshape(mean_field_shape(game)),
        }


def chains_of(
    game: AbstractGame,
    follower: Float[np.ndarray, "C n A"],
    leader: Float[np.ndarray, "C O B"],
    fields: Float[np.ndarray, "C M"],
) -> Chains:
    """The chains of policies at mean fields."""
    distinct, which = np.unique(fields, axis=0, return_inverse=True)
    tables = tables_at(game, distinct)["transition"]
    rows = leader[:, np.asarray(game.leader_observation)]
    which = np.ravel(which)
    matrix = np.empty((len(follower), game.num_states, game.num_states))
    for k, table in enumerate(tables):
        here = which == k
        matrix[here] = np.einsum("csa,csb,sabt->cst", follower[here], rows[here], table, optimize=True)
    return Chains(follower, leader, fields, matrix)


def joined(*parts: Chains) -> Chains:
    """Several sets of chains as one, in order."""
    return Chains(*(np.concatenate(leaves) for leaves in zip(*parts, strict=True)))


def chain_of_witness(game: AbstractGame, witness: Entries) -> Float[np.ndarray, "n n"]:
    """The chain of a witness's policies at its mean field.

    Raises:
        ValueError: a witness of another game.
    """
    shapes = {
        "follower_policy": (game.num_states, game.num_follower_actions),
        "leader_policy": leader_logits_shape(game),
        "mean_field": mean_field_shape(game),
    }
    require_shapes(witness, shapes)
    follower, leader = (witness[name][None] for name in ("follower_policy", "leader_policy"))
    result: Float[np.ndarray, "n n"] = chains_of(game, follower, leader, witness["mean_field"].reshape(1, -1)).matrix[0]
    return result


def dobrushin(matrix: Float[np.ndarray, "C n n"], steps: int) -> Float[np.ndarray, " C"]:
    r"""Dobrushin coefficients of m steps of chains, $\max_{s, s'} \frac12 \|P^m(s, .) - P^m(s', .)\|_1$."""
    power = np.linalg.matrix_power(matrix, steps)
    largest = np.zeros(len(matrix))
    for state in range(matrix.shape[-1] - 1):
        distances = np.sum(np.abs(power[:, state, None] - power[:, state + 1 :]), axis=-1)
        largest = np.maximum(largest, 0.5 * np.max(distances, axis=1))
    return largest


def second_modulus(matrix: Float[np.ndarray, "C n n"]) -> Float[np.ndarray, " C"]:
    """Second largest modulus of the eigenvalues of chains, one eigenvalue 1 left out; 0 for a single state."""
    values = np.linalg.eigvals(matrix)
    one = np.argmin(np.abs(values - 1.0), axis=1)
    moduli = np.abs(values)
    moduli[np.arange(len(values)), one] = 0.0
    result: Float[np.ndarray, " C"] = np.max(moduli, axis=1)
    return result


# Structure: which chains never forget their start


def never_mixing(matrix: Float[np.ndarray, "C n n"]) -> Bool[np.ndarray, " C"]:
    """Chains with two recurrent classes or a periodic one, decided exactly on the graph of their positive entries.

    Others have a state that every state reaches in the same number of steps, and then in every larger number.
    """
    num_states = matrix.shape[-1]
    reach = (matrix > 0.0).astype(np.float32)
    # Of n states, transience takes at most n steps and a primitive class fills up in (n - 1)^2 + 1 (Wielandt).
    for _ in range(int(np.ceil(np.log2(num_states**2 + 1)))):
        reach = (reach @ reach > 0.0).astype(np.float32)
    result: Bool[np.ndarray, " C"] = ~np.any(np.all(reach > 0.0, axis=1), axis=-1)
    return result


def recurrent_structure(matrix: Float[np.ndarray, "n n"]) -> tuple[list[np.ndarray], list[int]]:
    """Recurrent classes of a chain and their periods, on the graph of its positive entries.

    The period is the greatest common divisor of level(s) + 1 - level(t) over the edges (s, t) of a class, the levels
    from a breadth-first search.
    """
    edges = matrix > 0.0
    count, label = connected_components(edges, directed=True, connection="strong")
    classes = [np.flatnonzero(label == k) for k in range(count)]
    closed = [members for members in classes if not np.any(np.delete(edges[members], members, axis=1))]
    return closed, [_period(edges[np.ix_(members, members)]) for members in closed]


def _period(edges: Bool[np.ndarray, "k k"]) -> int:
    level = np.full(len(edges), -1)
    level[0], frontier, depth = 0, np.array([0]), 0
    while len(frontier):
        depth += 1
        frontier = np.flatnonzero(np.any(edges[frontier], axis=0) & (level < 0))
        level[frontier] = depth
    source, target = np.nonzero(edges)
    return int(np.gcd.reduce(level[source] + 1 - level[target]))


# Candidates


def pure_chains(game: AbstractGame, settings: SearchSettings, *, constant: bool) -> tuple[Chains, bool]:
    """Chains of pure policies: all of them if they are few, else random ones and the laziest.

    Args:
        game: the game, traced.
        settings: seed.
        constant: the transition is proved independent of the mean field.

    Returns:
        The chains at the vertices, the middle and random points of the simplex, and whether all pairs of pure
        policies are among them.
    """
    fields = _fields(game, settings, constant=constant)
    limit = min(_MAX_CHAINS, max(_MAX_ENTRIES // game.num_states**2, 8)) // len(fields)
    sizes = (game.num_states, game.num_follower_actions), leader_logits_shape(game)
    number = float(sizes[0][1]) ** sizes[0][0] * float(sizes[1][1]) ** sizes[1][0]
    complete = number <= limit
    follower, leader = _all_choices(*sizes) if complete else _random_choices(*sizes, max(limit, 1), settings.seed)
    parts = [_with_choices(game, follower, leader, field) for field in fields]
    if not complete:
        parts += [_laziest(game, field) for field in fields]
    return joined(*parts), complete


def _fields(game: AbstractGame, settings: SearchSettings, *, constant: bool) -> np.ndarray:
    size = field_size(game)
    middle = np.full((1, size), 1.0 / size)
    if constant:
        return middle
    return np.concatenate([np.eye(size)[:_MAX_VERTICES], middle, random_fields(size, 3, settings.seed)])


def _all_choices(follower: tuple[int, int], leader: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Actions of all pure policies: (C, n) and (C, O)."""
    bases = [follower[1]] * follower[0] + [leader[1]] * leader[0]
    digits = np.indices(bases).reshape(len(bases), -1).T
    return digits[:, : follower[0]], digits[:, follower[0] :]


def _random_choices(
    follower: tuple[int, int], leader: tuple[int, int], number: int, seed: int
) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(seed)
    return tuple(generator.integers(0, actions, (number, rows)) for rows, actions in (follower, leader))


def _laziest(game: AbstractGame, field: np.ndarray) -> Chains:
    """The chain of the actions likeliest to keep the state: reducible where states can be kept for ever."""
    table = tables_at(game, field[None])["transition"][0]
    states = np.arange(game.num_states)
    stay = table[states, :, :, states]
    observation = np.asarray(game.leader_observation)
    best = np.max(stay, axis=1)
    leader = np.array([np.argmax(np.sum(best[observation == k], axis=0)) for k in range(leader_logits_shape(game)[0])])
    follower = np.argmax(stay[states, :, leader[observation]], axis=1)
    return _with_choices(game, follower[None], leader[None], field)


def _with_choices(game: AbstractGame, follower: np.ndarray, leader: np.ndarray, field: np.ndarray) -> Chains:
    pi, phi = np.eye(game.num_follower_actions)[follower], np.eye(game.num_leader_actions)[leader]
    return chains_of(game, pi, phi, np.repeat(field[None], len(follower), axis=0))


# Ascent


def coefficient_objective(game: AbstractGame, point: Float[Array, " D"], label: None) -> Float[Array, ""]:
    """Minus the Dobrushin coefficient of several steps at follower logits, leader logits and mean field, in a row."""
    follower, leader, field = _split(game, point)
    model = follower_model(
        tabulate(game, jnp.asarray(simplex_of(field)).reshape(mean_field_shape(game))),
        observed_rows(softmax_policy(into_box(leader)), game.leader_observation),
    )
    power = chain(softmax_policy(into_box(follower)), model.transition)
    for _ in range(_squarings(game)):
        power = power @ power
    return -0.5 * jnp.max(jnp.sum(jnp.abs(power[:, None] - power), axis=-1))


def _split(game: AbstractGame, point: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Follower logits (n, A), leader logits (O, B) and the mean field's parameter (M,) of a point."""
    first, last = game.num_states * game.num_follower_actions, point.shape[-1] - field_size(game)
    leader = point[first:last].reshape(-1, game.num_leader_actions)
    return point[:first].reshape(game.num_states, game.num_follower_actions), leader, point[last:]


def worst_mixing(game: AbstractGame, settings: SearchSettings, pure: Chains) -> tuple[Chains, SearchResult]:
    """Ascend the coefficient of several steps over both policies and the mean field.

    Args:
        game: the game, traced.
        settings: starts (16 at most), steps (60 at most, fewer where the game is large), seed.
        pure: chains of pure policies; the worst of them is a start.

    Returns:
        The chains of the ends, and of the ends rounded to pure policies, and the search.
    """
    number = min(settings.num_starts, _MAX_STARTS)
    work = game.num_states**3 * _squarings(game) + table_entries(game) * field_size(game)
    steps = min(settings.num_steps, _MAX_STEPS, int(_MAX_WORK / (work * number)))
    size = game.num_states * game.num_follower_actions + int(np.prod(leader_logits_shape(game))) + field_size(game)
    starts = settings.leader_scale * np.random.default_rng(settings.seed).standard_normal((number, size))
    starts[-1] = _nearly_pure(pure)
    found = minimise(slopes_of(coefficient_objective, game), starts, num_steps=steps)
    # Softmax of logits in the box for both policies and, by `simplex_of`, for the mean field.
    ends = np.asarray(into_box(found.points))
    tables = [_split(game, end) for end in ends]
    follower, leader, fields = (softmax(np.stack(part), axis=-1) for part in zip(*tables, strict=True))
    rounded = chains_of(game, _rounded(follower), _rounded(leader), fields)
    return joined(chains_of(game, follower, leader, fields), rounded), found


def _rounded(policies: Float[np.ndarray, "C rows actions"]) -> Float[np.ndarray, "C rows actions"]:
    """The pure policies of the likeliest actions."""
    result: Float[np.ndarray, "C rows actions"] = np.eye(policies.shape[-1])[np.argmax(policies, axis=-1)]
    return result


def _nearly_pure(pure: Chains) -> np.ndarray:
    """Parameter of a point near the pure policies of worst second eigenvalue among the first `_COMPARED`."""
    some = pure.matrix[:_COMPARED]
    usable = np.all(np.isfinite(some), axis=(1, 2))
    worst = np.argmax(np.where(usable, second_modulus(np.where(usable[:, None, None], some, 0.0)), -1.0))
    logits = (2.0 * (table[worst].ravel() - 0.5) for table in (pure.follower, pure.leader))
    field = np.log(np.maximum(pure.mean_field[worst], _INSIDE))
    return np.concatenate([*logits, out_of_box(field - np.mean(field))])
