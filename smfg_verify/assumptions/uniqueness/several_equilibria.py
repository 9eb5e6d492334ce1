"""All equilibria that Newton's method finds of a leader from many mean fields, and which of them differ for sure."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.accuracy import accuracy
from smfg_verify.exact.equilibrium.continuation import follow_path
from smfg_verify.exact.equilibrium.newton import newton, unevaluated
from smfg_verify.exact.equilibrium.residual import Point
from smfg_verify.exact.equilibrium.solve import TOLERANCE
from smfg_verify.exact.response import setting_of
from smfg_verify.exact.response_jacobian import (
    LocalResponse,
    at_equilibria,
    field_size,
    on_tangents,
    tangent_radius,
    uniform_field,
)
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy

# Of the Dirichlet law of concentrated mean fields.
_CONCENTRATION = 0.2
# Two equilibria differ when their l1 distance is above this and above their own errors.
DIFFERENT = 1e-6
# Steps of a walk are kept this short (in log tau), so that no fold is leapt over.
_PATH_STEP = 0.05
# Newton steps where the path has come down to the game's temperature: it starts at the solution to 1e-9.
_LAST_STEPS = 10


class Equilibria(NamedTuple):
    """Equilibria of one leader.

    Attributes:
        distinct: one of each, flattened, (K, M).
        unconverged: starts from which none was reached.
        radius: spectral radius of the best-response map's derivative at each, on the tangents of the simplex, (K,);
            best-response iteration comes back to those below 1.
        determinant: of I - D Gamma on the same tangents at each, (K,): its sign is the index of the equilibrium.
    """

    distinct: Float[np.ndarray, "K M"]
    unconverged: int
    radius: Float[np.ndarray, " K"]
    determinant: Float[np.ndarray, " K"]

    @property
    def distance(self) -> float:
        """Largest l1 distance between two of them; 0 for one, NaN for none."""
        return self.farthest[0]

    @property
    def farthest(self) -> tuple[float, int, int]:
        """Largest l1 distance between two of them, and which two."""
        if not len(self.distinct):
            return float("nan"), 0, 0
        apart = np.sum(np.abs(self.distinct[:, None] - self.distinct[None]), axis=-1)
        i, j = np.unravel_index(np.argmax(apart), apart.shape)
        return float(apart[i, j]), int(i), int(j)


def starting_fields(game: AbstractGame, number: int, generator: np.random.Generator) -> Float[np.ndarray, "N M"]:
    """Mean fields to start from: the uniform one, vertices, then spread out and concentrated random ones."""
    size = field_size(game)
    vertices = np.eye(size)[generator.permutation(size)[: max(1, number // 2)]]
    others = max(0, number - 1 - len(vertices))
    spread = generator.dirichlet(np.ones(size), others - others // 2)
    concentrated = generator.dirichlet(np.full(size, _CONCENTRATION), others // 2)
    return np.concatenate([uniform_field(game)[None], vertices, spread, concentrated])


def find_equilibria(
    game: AbstractGame,
    logits: Float[np.ndarray, "L O B"],
    starts: Float[np.ndarray, "N M"],
    temperature: Float[np.ndarray, " L"] | None = None,
) -> list[Equilibria]:
    """The distinct equilibria of each leader.

    Args:
        game: the game, traced.
        logits: (L, O, B).
        starts: mean fields that each search starts from, (N, M).
        temperature: one for each leader; the game's own if None.

    Returns:
        One record a leader.
    """
    number, each = len(logits), len(starts)
    taus = None if temperature is None else np.repeat(temperature, each)
    found = at_equilibria(game, np.repeat(logits, each, axis=0), np.tile(starts, (number, 1)), taus)
    return [distinct_of(_slice(found, slice(k * each, (k + 1) * each))) for k in range(number)]


def _slice(found: LocalResponse, rows: slice) -> LocalResponse:
    return LocalResponse(*(leaf[rows] for leaf in found))


def distinct_of(found: LocalResponse) -> Equilibria:
    """One of each group of converged equilibria that cannot be told apart, the most accurate first."""
    order = np.argsort(found.error, kind="stable")
    kept: list[int] = []
    for k in order[found.converged[order]]:
        gaps = np.sum(np.abs(found.mean_field[kept] - found.mean_field[k]), axis=1)
        if np.all(gaps > np.maximum(DIFFERENT, found.error[kept] + found.error[k])):
            kept.append(int(k))
    radius = np.array([tangent_radius(found.response[k]) for k in kept])
    determinant = np.array([tangent_determinant(found.response[k]) for k in kept])
    return Equilibria(found.mean_field[kept], int(np.sum(~found.converged)), radius, determinant)


def tangent_determinant(jacobian: Float[np.ndarray, "M M"]) -> float:
    r"""$\det(I - D\Gamma)$ on the tangents of the simplex; NaN where the Jacobian is not finite."""
    if not np.all(np.isfinite(jacobian)):
        return float("nan")
    return float(np.linalg.det(np.eye(len(jacobian) - 1) - on_tangents(jacobian)))


class PathEnd(NamedTuple):
    """Where the equilibrium followed from a hot temperature down to the game's own ended.

    Attributes:
        mean_field: flattened, (M,).
        error: bound on its l1 error; infinite where the path did not reach the game's temperature.
        folds: how often the temperature turned back on the way.
        steps: of the walk.
    """

    mean_field: Float[np.ndarray, " M"]
    error: float
    folds: int
    steps: int

    @property
    def reached(self) -> bool:
        """Whether the walk ended at an equilibrium of the game."""
        return bool(self.error <= TOLERANCE)


def follow_down(game: AbstractGame, logits: Float[np.ndarray, "O B"], *, max_steps: int) -> PathEnd:
    """Follow the equilibrium of a leader from a hot temperature down to the game's own, through folds."""
    field, error, folds, steps = _walk(game, jax.device_put(logits), jax.device_put(max_steps))
    return PathEnd(np.asarray(field), float(error), int(folds), int(steps))


@jit_for_game
def _walk(game: AbstractGame, logits: Array, max_steps: Array) -> tuple[Array, Array, Array, Array]:
    setting = setting_of(game, softmax_policy(logits))
    field = jnp.asarray(uniform_field(game))
    start = unevaluated(Point(field, jnp.zeros((game.num_states,))))
    followed = follow_path(setting, start, max_steps=max_steps, largest_step=_PATH_STEP)
    reached = jnp.isfinite(followed.search.norm)
    found = accuracy(setting, newton(setting, followed.search, max_steps=_LAST_STEPS, active=reached))
    error = jnp.where(reached, found.mean_field_error, jnp.inf)
    return found.search.point.mean_field, error, followed.folds, followed.steps
