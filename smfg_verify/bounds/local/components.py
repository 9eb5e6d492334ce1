"""The five parts of an iterate that AC-SMFG learns, and the iterate as one vector: whose step moves which entry."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

from smfg_verify.errors import InputError
from smfg_verify.exact.response_jacobian import tangent_basis
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape, num_leader_observations
from smfg_verify.records.portable import reduce_portable
from smfg_verify.stochastic.schedules import Schedule

# An array: of JAX inside jit, of NumPy outside. Of the same five parts there are shapes, and names of their learners.
_Table = Any


class Components(NamedTuple):
    """The five things AC-SMFG learns: an iterate without the states of its chains, or a direction to move it in.

    Attributes:
        leader_logits: omega, (O, B).
        follower_logits: theta, (n, A).
        leader_critic: V_l, (n,), in units of reward.
        follower_critic: V_f, (n,), in units of reward.
        mean_field: mu_hat, (n,) or (n, A).

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.bounds import Components
        >>> zero = jnp.zeros(2)
        >>> iterate = Components(jnp.zeros((1, 2)), jnp.zeros((2, 2)), zero, zero, zero + 0.5)
        >>> sum(component.size for component in iterate), iterate.mean_field.tolist()
        (12, [0.5, 0.5])
    """

    leader_logits: _Table
    follower_logits: _Table
    leader_critic: _Table
    follower_critic: _Table
    mean_field: _Table

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


_LEARNER_OF = Components(
    leader_logits="leader",
    follower_logits="follower",
    leader_critic="critic",
    follower_critic="critic",
    mean_field="mean_field",
)


def component_shapes(game: AbstractGame) -> Components:
    """Shapes of the five components."""
    n = game.num_states
    return Components(leader_logits_shape(game), (n, game.num_follower_actions), (n,), (n,), mean_field_shape(game))


def flattened(components: Components) -> Float[np.ndarray, " N"]:
    """The five components as one vector, in their order."""
    return np.concatenate([np.ravel(component) for component in components])


def unflattened(game: AbstractGame, vector: Float[np.ndarray, " N"]) -> Components:
    """The inverse of `flattened`."""
    shapes = component_shapes(game)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(np.asarray(vector), ends[:-1])
    return Components(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


def movable_directions(game: AbstractGame) -> Float[np.ndarray, "N R"]:
    """Orthonormal basis of the directions that an update can move the iterate in.

    Scores sum to zero over the actions of a row and the mean field keeps its mass, so a constant added to a row of
    logits never changes (and changes no policy), nor does the mass: N - O - n - 1 directions are left. The basis is
    block diagonal, each block within one component.

    Args:
        game: gives the sizes.

    Returns:
        (N, R), R = N - O - n - 1.
    """
    n, rows = game.num_states, num_leader_observations(game)
    blocks = [
        np.kron(np.eye(rows), tangent_basis(game.num_leader_actions)),
        np.kron(np.eye(n), tangent_basis(game.num_follower_actions)),
        np.eye(2 * n),
        tangent_basis(int(np.prod(mean_field_shape(game)))),
    ]
    result: Float[np.ndarray, "N R"] = scipy.linalg.block_diag(*blocks)
    return result


def step_constants(game: AbstractGame, schedule: Schedule) -> Float[np.ndarray, " N"]:
    """The constant of the step size of each flattened entry: zeta, alpha, beta, beta and xi.

    Args:
        game: gives the sizes.
        schedule: the constants.

    Returns:
        (N,), dimensionless.

    Raises:
        ValueError: not a schedule, or a constant that is zero, with which a component never moves.
    """
    if not isinstance(schedule, Schedule):
        raise InputError(f"schedule: got {type(schedule).__name__}, expected smfg_verify.stochastic.Schedule.")
    constants = schedule.constants()
    frozen = [name for name, value in constants.items() if value <= 0.0]
    if frozen:
        raise InputError(f"schedule: got zero for {', '.join(frozen)}, expected > 0: a frozen component has no limit.")
    return np.array([constants[name] for name in learners_of_entries(game)])


def learners_of_entries(game: AbstractGame) -> tuple[str, ...]:
    """Whose step moves each flattened entry, by the learner's name, N of them."""
    sizes = (int(np.prod(shape)) for shape in component_shapes(game))
    return tuple(name for name, size in zip(_LEARNER_OF, sizes, strict=True) for _ in range(size))
