"""Mean fields at which foreign tables are read: vertices, edges, faces, every scale, many concentrations."""

import itertools
import math

import numpy as np
from jaxtyping import Float

_CONCENTRATIONS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
_DRAWS = 24
# Weights along a line, fine at both ends.
_WEIGHTS = (1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)
_EDGE_WEIGHTS = (0.02, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 0.98)
_MAX_LINES = 24
_MAX_SUBSETS = 300
# Probes of one simplex, and numbers in all of them together.
_MAX_PROBES, _MAX_NUMBERS = 2000, 2**21


def probe_fields(size: int, seed: int = 0) -> Float[np.ndarray, "F M"]:
    """Points of a simplex, all but its vertices.

    Its centre; lines from vertices to the centre; mixtures of two, three and four vertices (all of them where they are
    few, neighbours and random ones where they are many), uniform and weighted; uniform mixtures of larger subsets;
    random points of concentrations 0.01 to 100, and such points near a vertex.

    Args:
        size: number M of vertices.
        seed: of the random ones.

    Returns:
        (F, M), about 1500 at M = 6; fewer where M is large, in random order after the first.
    """
    if size == 1:
        return np.ones((1, 1))
    generator = np.random.default_rng(seed)
    centre = np.full((1, size), 1.0 / size)
    rest = np.concatenate(
        [_lines(size, generator), _mixtures(size, generator), _subsets(size, generator), _random(size, generator)]
    )
    generator.shuffle(rest)
    return np.concatenate([centre, rest[: min(_MAX_PROBES, max(64, _MAX_NUMBERS // size))]])


def joint_fields(num_states: int, num_actions: int, seed: int = 0) -> Float[np.ndarray, "F M"]:
    """Points of the simplex of state-action pairs: probes of its own, and probes on states with actions spread.

    Args:
        num_states, num_actions: n and A.
        seed: of the random ones.

    Returns:
        (F, n A), the actions uniform, pure or random within each state.
    """
    pairs = probe_fields(num_states * num_actions, seed)
    if num_actions == 1:
        return pairs
    return np.concatenate([pairs, spread_over_actions(probe_fields(num_states, seed), num_actions, seed)])


def spread_over_actions(fields: Float[np.ndarray, "F n"], num_actions: int, seed: int = 0) -> Float[np.ndarray, "F M"]:
    """Mean fields on states with actions added, in turn uniform, pure and random ones, (F, n A)."""
    generator = np.random.default_rng(seed)
    shape = (*fields.shape, num_actions)
    uniform = np.full(shape, 1.0 / num_actions)
    pure = np.eye(num_actions)[generator.integers(num_actions, size=fields.shape)]
    random = generator.dirichlet(np.full(num_actions, 0.5), fields.shape)
    kind = (np.arange(len(fields)) % 3)[:, None, None]
    rows = np.choose(kind, [uniform, pure, random])
    result: Float[np.ndarray, "F M"] = (fields[:, :, None] * rows).reshape(len(fields), -1)
    return result


def _lines(size: int, generator: np.random.Generator) -> np.ndarray:
    chosen = generator.permutation(size)[:_MAX_LINES]
    weights = np.array(_WEIGHTS)[:, None, None]
    return (weights * np.eye(size)[chosen] + (1.0 - weights) / size).reshape(-1, size)


def _mixtures(size: int, generator: np.random.Generator) -> np.ndarray:
    """Of two, three and four vertices, uniform and weighted."""
    found = []
    for count in (2, 3, 4):
        if count > size:
            break
        members = _members(size, count, generator)
        found.append(_placed(members, np.full(members.shape, 1.0 / count), size))
        found.append(_placed(members, generator.dirichlet(np.ones(count), len(members)), size))
    neighbours = np.stack([np.arange(size), (np.arange(size) + 1) % size], axis=1)
    neighbours = neighbours[generator.permutation(size)[: 2 * _MAX_LINES]]
    for weight in _EDGE_WEIGHTS:
        found.append(_placed(neighbours, np.tile([weight, 1.0 - weight], (len(neighbours), 1)), size))
    return np.concatenate(found)


def _members(size: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Subsets of so many vertices: all, or neighbours and random ones."""
    if math.comb(size, count) <= _MAX_SUBSETS:
        return np.array(list(itertools.combinations(range(size), count)))
    random = np.stack([generator.choice(size, count, replace=False) for _ in range(_MAX_SUBSETS // 2)])
    first = generator.permutation(size)[: _MAX_SUBSETS // 2]
    return np.concatenate([random, (first[:, None] + np.arange(count)) % size])


def _subsets(size: int, generator: np.random.Generator) -> np.ndarray:
    """Uniform over random subsets of five vertices and more."""
    counts = np.unique(np.geomspace(5, size, 8).astype(int)) if size > 5 else np.zeros(0, int)
    members = [generator.choice(size, count, replace=False) for count in counts for _ in range(_DRAWS)]
    return np.array([np.bincount(chosen, minlength=size) / len(chosen) for chosen in members]).reshape(-1, size)


def _random(size: int, generator: np.random.Generator) -> np.ndarray:
    draws = [generator.dirichlet(np.full(size, c), _DRAWS) for c in _CONCENTRATIONS]
    # So small a concentration may underflow to nothing at all.
    draws = [drawn[np.isfinite(drawn).all(axis=1)] for drawn in draws]
    near = generator.dirichlet(np.ones(size), 3 * _DRAWS)
    distance = np.repeat([0.3, 1e-2, 1e-4], _DRAWS)[:, None]
    corner = np.eye(size)[generator.integers(size, size=len(near))]
    return np.concatenate([*draws, (1.0 - distance) * corner + distance * near])


def _placed(members: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
    placed = np.zeros((len(members), size))
    np.put_along_axis(placed, members, weights, axis=1)
    return placed
