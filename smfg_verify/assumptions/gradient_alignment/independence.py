"""Proof that the leader's world does not depend on the followers: then the direct gradient is the total gradient.

The mean field is independent by structure: in the traced program of the function no path of equations leads from it
to the result. The follower's action is independent by structure too, or, once the mean field is out and
the function has finitely many arguments, because its table over all of them does not change with the action.
What the game declares is not looked at.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array

from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.game import AbstractGame, compiled_for_game, dense_transition, mean_field_shape, over_indices
from smfg_verify.records.entries import Entries

_STATE, _FOLLOWER_ACTION, _LEADER_ACTION, _MEAN_FIELD = range(4)
_NUM_PROBES = 8
_INLINED = ("jit", "pjit", "closed_call", "core_call", "remat", "checkpoint")

FUNCTIONS: dict[str, Callable[..., Array]] = {
    "transition": lambda game, s, a, b, m: dense_transition(game, s, a, b, m),
    "leader_reward": lambda game, s, a, b, m: jnp.asarray(game.leader_reward(s, a, b, m)),
}


class Independence(NamedTuple):
    """Whether a function of the game is proved independent of mean field and follower action.

    Attributes:
        function: "transition" or "leader_reward".
        mean_field: proved independent of the mean field.
        follower_action: proved independent of the follower's action.
        how: "structure" where no path of equations leads to the function, "table" where its whole table is the same
            for every follower's action; empty without a proof.
        change: largest change found between two probes (mean field or follower's action), 0 when proved.
        witness: where that change is: state, leader action, two follower actions, two mean fields.
    """

    function: str
    mean_field: bool
    follower_action: bool
    how: Literal["", "structure", "table"]
    change: float
    witness: dict[str, np.ndarray]

    @property
    def proved(self) -> bool:
        """Independent of both."""
        return self.mean_field and self.follower_action


def arguments_reaching_result(function: Callable[..., Array], game: AbstractGame) -> frozenset[int]:
    """Arguments of `function(game, s, a, b, m)` that a path of equations leads from to the result, by position.

    An argument that is missing has no influence, whatever its value. Calls into inner programs are followed where their
    arguments map one to one; any other equation counts as using all of its inputs.
    """
    index = jax.ShapeDtypeStruct((), jnp.int32)
    field = jax.ShapeDtypeStruct(mean_field_shape(game), jnp.result_type(float))
    program = jax.make_jaxpr(lambda s, a, b, m: function(game, s, a, b, m))(index, index, index, field)
    if program.effects:
        # An effect may carry a value past the equations, so nothing is proved.
        return frozenset(range(4))
    return frozenset().union(*_reaching(program.jaxpr, [frozenset({k}) for k in range(4)]))


def _reaching(program: core.Jaxpr, inputs: list[frozenset[int]]) -> list[frozenset[int]]:
    """For each result of a program, which arguments reach it, given which reach each of its inputs."""
    known = dict(zip(program.invars, inputs, strict=True))

    def sources(variable: core.Literal | core.Var) -> frozenset[int]:
        return frozenset() if isinstance(variable, core.Literal) else known.get(variable, frozenset())

    for equation in program.eqns:
        arriving = [sources(variable) for variable in equation.invars]
        inner = equation.params.get("jaxpr")
        followed = equation.primitive.name in _INLINED and inner is not None
        body = getattr(inner, "jaxpr", inner) if followed else None
        if body is not None and len(body.invars) == len(arriving):
            leaving = _reaching(body, arriving)
        else:
            leaving = [frozenset().union(*arriving)] * len(equation.outvars)
        known.update(zip(equation.outvars, leaving, strict=True))
    return [sources(variable) for variable in program.outvars]


def prove_independence(game: AbstractGame, name: str) -> Independence:
    """Try to prove that `transition` or `leader_reward` depends on neither the mean field nor the follower's action.

    Args:
        game: the game, traced.
        name: "transition" or "leader_reward".

    Returns:
        What was proved, and where it was not, the largest change found between probes.
    """
    function = FUNCTIONS[name]
    reaching = arguments_reaching_result(function, game)
    tables, fields = _probe(game, name)
    free_of_field = _MEAN_FIELD not in reaching
    free_of_action = _FOLLOWER_ACTION not in reaching
    how: Literal["", "structure", "table"] = "structure" if free_of_field and free_of_action else ""
    if (
        free_of_field
        and not free_of_action
        and np.array_equal(tables[0], np.repeat(tables[0][:, :1], tables.shape[2], 1))
    ):
        free_of_action = True
        how = "table"
    if free_of_field and free_of_action:
        return Independence(name, True, True, how, 0.0, _witness(fields, (0, 0, 0, 0), (0, 0)))
    change, witness = _largest_change(tables, fields)
    return Independence(name, free_of_field, free_of_action, "", change, witness)


def free_of_mean_field(game: AbstractGame) -> bool:
    """Whether all three functions are proved independent of the mean field: no path of equations leads from it."""
    functions = (*FUNCTIONS.values(), lambda game, s, a, b, m: jnp.asarray(game.follower_reward(s, a, b, m)))
    return all(_MEAN_FIELD not in arguments_reaching_result(function, game) for function in functions)


def change_at(game: AbstractGame, name: str, witness: Entries) -> float:
    """Largest absolute change of a function between the two probes of a witness.

    Raises:
        ValueError: the witness is of another game's shapes.
    """
    require_shapes(witness, {"mean_fields": (2, *mean_field_shape(game))})
    state, leader_action = (jnp.asarray(witness[key]) for key in ("state", "leader_action"))
    values = [
        FUNCTIONS[name](game, state, jnp.asarray(action), leader_action, jnp.asarray(field))
        for action, field in zip(witness["follower_actions"], witness["mean_fields"], strict=True)
    ]
    return float(jnp.max(jnp.abs(values[1] - values[0])))


def _probe(game: AbstractGame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Tables of a function at a few mean fields, (F, n, A, B, ...), uniform and random from a fixed seed."""
    shape = mean_field_shape(game)
    size = int(np.prod(shape))
    random = np.random.default_rng(0).dirichlet(np.ones(size), _NUM_PROBES - 1)
    fields = np.concatenate([np.full((1, size), 1.0 / size), random]).reshape(-1, *shape)
    tables = np.stack([np.asarray(_table(game, name, jax.device_put(field))) for field in fields])
    return tables.reshape(*tables.shape[:4], -1), fields


@compiled_for_game
def _table(game: AbstractGame, name: str, field: jax.Array) -> jax.Array:
    return over_indices(game, lambda s, a, b: FUNCTIONS[name](game, s, a, b, field))


def _largest_change(tables: np.ndarray, fields: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    """Largest change against the first probe: of the mean field, or of the follower's action at the first field."""
    by_field = np.max(np.abs(tables - tables[:1]), axis=-1)
    by_action = np.max(np.abs(tables[0] - tables[0][:, :1]), axis=-1)
    if by_field.max() >= by_action.max():
        probe, state, action, leader_action = np.unravel_index(by_field.argmax(), by_field.shape)
        return float(by_field.max()), _witness(fields, (state, action, action, leader_action), (0, int(probe)))
    state, action, leader_action = np.unravel_index(by_action.argmax(), by_action.shape)
    return float(by_action.max()), _witness(fields, (state, 0, action, leader_action), (0, 0))


def _witness(
    fields: np.ndarray, indices: tuple[int | np.integer, ...], probes: tuple[int, int]
) -> dict[str, np.ndarray]:
    state, first, second, leader_action = (int(index) for index in indices)
    return {
        "state": np.array(state),
        "leader_action": np.array(leader_action),
        "follower_actions": np.array([first, second]),
        "mean_fields": fields[list(probes)],
    }
