"""Tables read from code that cannot be traced: their mark in a game's programs, and how far they are from their source.

Numbers read at some mean fields prove nothing about the others. The mark is a primitive of the traced program, so that
it goes wherever the table goes (jit, vmap, derivatives, a game that calls another game) and nobody has to declare it.
"""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, mean_field_shape
from smfg_verify.game.compiling import compiled_for_game
from smfg_verify.game.prepared import FUNCTIONS
from smfg_verify.records.portable import Portable

# Primitives whose results come from code that JAX does not see.
UNTRACED = ("sampled_table", "pure_callback", "io_callback", "ffi_call")

# Entries of a mean field that a refusal shows.
_MANY = 12

_SAMPLED_TABLE = Primitive("sampled_table")
_SAMPLED_TABLE.def_impl(lambda table, mean_field: table)
_SAMPLED_TABLE.def_abstract_eval(lambda table, mean_field: table)
mlir.register_lowering(_SAMPLED_TABLE, lambda context, table, mean_field: [table])
batching.primitive_batchers[_SAMPLED_TABLE] = lambda values, axes: (_SAMPLED_TABLE.bind(*values), axes[0])
ad.defjvp(_SAMPLED_TABLE, lambda slope, table, mean_field: _SAMPLED_TABLE.bind(slope, mean_field), None)
ad.primitive_transposes[_SAMPLED_TABLE] = lambda slope, table, mean_field: [
    slope if isinstance(slope, ad.Zero) else _SAMPLED_TABLE.bind(slope, mean_field),
    None,
]


def sampled_table(table: Float[Array, "*shape"], mean_field: Float[Array, "..."]) -> Float[Array, "*shape"]:
    """A table that was read at some mean fields from code that cannot be traced, unchanged, and marked as such.

    Args:
        table: its value at the mean field, as the copy has it.
        mean_field: the true table may depend on it, whatever the copy does.

    Returns:
        The table. No enclosure is given for it, and every argument counts as reaching it.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.game import sampled_table
        >>> sampled_table(jnp.array([0.25, 0.75]), jnp.array([0.5, 0.5])).tolist()
        [0.25, 0.75]
    """
    result: Float[Array, "*shape"] = _SAMPLED_TABLE.bind(table, mean_field)
    return result


def untraced_functions(game: AbstractGame) -> tuple[str, ...]:
    """Which of a game's three functions rest on code that JAX does not see: sampled tables, or calls to the host.

    Args:
        game: the game, its numbers known.

    Returns:
        Names out of `FUNCTIONS`.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import untraced_functions
        >>> untraced_functions(games.load("laffer-tax"))
        ()
    """
    index = jax.ShapeDtypeStruct((), jnp.int32)
    field = jax.ShapeDtypeStruct(mean_field_shape(game), jnp.result_type(float))
    programs = {name: jax.make_jaxpr(getattr(game, name))(index, index, index, field) for name in FUNCTIONS}
    return tuple(name for name, program in programs.items() if any(p in UNTRACED for p in _primitives(program)))


def _primitives(program: Jaxpr | ClosedJaxpr) -> Iterator[str]:
    for equation in getattr(program, "jaxpr", program).eqns:
        yield equation.primitive.name
        for value in jax.tree.leaves(tuple(equation.params.values()), is_leaf=_is_program):
            if _is_program(value):
                yield from _primitives(value)


def _is_program(value: object) -> bool:
    return hasattr(value, "eqns") or hasattr(getattr(value, "jaxpr", None), "eqns")


class SourceGap(Portable, eqx.Module):
    """The largest difference between a game's tables and the code they were read from, at and beside a mean field.

    Of a batch of mean fields each number has an axis in front.

    Attributes:
        excess: the difference in units of what rounding explains; at most 1 where they agree.
        reward: whether it is in the reward; else in the transition.
        row: state, follower's action and next state of the entry, (3,); the next state is 0 for the reward.
        of_game, of_source: the two numbers there.
        mean_field: where they were compared, flattened: (M,).

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.game import SourceGap
        >>> gap = SourceGap(
        ...     excess=jnp.array(0.5),
        ...     reward=jnp.array(True),
        ...     row=jnp.array([0, 1, 0]),
        ...     of_game=jnp.array(1.0),
        ...     of_source=jnp.array(1.0 + 1e-16),
        ...     mean_field=jnp.array([0.5, 0.5]),
        ... )
        >>> bool(gap.agrees)
        True
    """

    excess: Float[Array, "*batch"]
    reward: Bool[Array, "*batch"]
    row: Int[Array, "*batch 3"]
    of_game: Float[Array, "*batch"]
    of_source: Float[Array, "*batch"]
    mean_field: Float[Array, "*batch M"]

    @property
    def agrees(self) -> Bool[Array, ""]:
        """Whether rounding explains it; false for NaN."""
        return self.excess <= 1.0

    def require_agreement(self) -> None:
        """Raise where the two differ, at the worst of a batch; under tracing it cannot be known and passes.

        Raises:
            ValueError: what each says, where, and what to do.
        """
        if isinstance(self.excess, jax.core.Tracer) or np.all(self.agrees):
            return
        excess = np.asarray(self.excess).ravel()
        worst = int(np.argmax(np.where(np.isnan(excess), np.inf, excess)))
        row, field = (np.asarray(v).reshape(excess.size, -1)[worst] for v in (self.row, self.mean_field))
        game, source, reward = (np.ravel(v)[worst] for v in (self.of_game, self.of_source, self.reward))
        place = f"(state, action) = ({row[0]}, {row[1]})" + ("" if reward else f", next state {row[2]}")
        raise InputError(
            f"environment.{'reward' if reward else 'prob'}: says {source:.6g} at {place}, mean field "
            f"{field_text(field)}, where the game's copy of its tables says {game:.6g}: "
            "the copy is affine in the mean field and the environment is not, or it has changed since it was read. "
            "Write the function in JAX, as a game or in AddedLeader.follower_reward, where it can be traced."
        )


def field_text(mean_field: Float[np.ndarray, "..."]) -> str:
    """A mean field in a refusal; of a long one its largest entries, by their numbers in the flattened array."""
    flat = np.ravel(np.asarray(mean_field))
    if flat.size <= _MANY:
        return np.array2string(flat, precision=4, max_line_width=1000)
    first, rest = np.split(np.argsort(-flat, kind="stable"), [_MANY // 2])
    told = ", ".join(f"{index}: {flat[index]:.4g}" for index in sorted(first) if flat[index] > 0.0)
    return f"{{{told}; the other {flat.size - len(told.split(', '))} at most {flat[rest].max():.3g}}}"


def source_gap(
    game: AbstractGame, mean_field: Float[Array, "..."], policy: Float[Array, "n A"] | None = None
) -> SourceGap | None:
    """Ask the code that a game's tables were read from; traceable, without derivatives.

    A game that has such code defines the method `source_gap(mean_field, policy)`.

    Args:
        game: the game, traced.
        mean_field: (n,) or (n, A).
        policy: how the followers act there, (n, A); None for uniformly, where the mean field does not say.

    Returns:
        The gap; None for a game that stands for itself.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.game import source_gap, traced
        >>> source_gap(traced(games.load("laffer-tax")), jnp.array([0.5, 0.5])) is None  # stands for itself
        True
    """
    ask = getattr(game, "source_gap", None)
    return None if ask is None else jax.lax.stop_gradient(ask(mean_field, policy))


@compiled_for_game
def _gaps(game: AbstractGame, fields: Float[Array, "K ..."]) -> SourceGap | None:
    result: SourceGap | None = jax.lax.map(lambda field: source_gap(game, field), fields)
    return result


def require_source_agrees(game: AbstractGame, mean_fields: Float[ArrayLike, "..."]) -> None:
    """Ask the code that a game's tables were read from at mean fields that a result rests on.

    Args:
        game: any game; nothing happens for one that stands for itself.
        mean_fields: (K, n) or (K, n, A); rows that are not finite are left out.

    Raises:
        ValueError: game and code differ.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.game import require_source_agrees
        >>> require_source_agrees(games.load("laffer-tax"), np.array([[0.5, 0.5]]))  # stands for itself
    """
    fields = np.asarray(mean_fields, dtype=float).reshape(-1, *mean_field_shape(game))
    fields = fields[np.isfinite(fields).reshape(len(fields), -1).all(axis=1)]
    gaps = _gaps(game, jnp.asarray(fields)) if hasattr(game, "source_gap") and len(fields) else None
    if gaps is not None:
        gaps.require_agreement()
