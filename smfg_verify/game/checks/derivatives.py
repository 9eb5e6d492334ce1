"""Whether the derivatives that JAX takes of a game's functions are theirs.

A `stop_gradient`, a rule given by the user or one that is zero (`round`, `argmax`, a conversion to integers) may say
anything of a function's slope. Names do not decide it: `jax.nn` uses such rules where they are right. So wherever a
program has a primitive that is not known to be differentiated exactly, its derivatives meet differences.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, mean_field_shape
from smfg_verify.game.checks.differences import judge
from smfg_verify.game.compiling import UNOPTIMISED
from smfg_verify.game.tables import over_indices

# Primitives whose rule is the derivative wherever there is one, whatever their arguments.
_EXACT_NAMES = """
abs acos acosh add add_any and asin asinh atan atan2 atanh broadcast_in_dim cbrt clamp closed_call concatenate cond copy
copy_p cos cosh cumlogsumexp cummax cummin cumprod cumsum digamma div dot_general dynamic_slice dynamic_update_slice eq
erf erf_inv erfc exp exp2 expand_dims expm1 gather ge gt integer_pow iota is_finite jit le lgamma log log1p logistic lt
max min mul ne neg not or pad pow reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum reshape rev rsqrt
sampled_table scan scatter scatter-add scatter_add select_n sin sinh slice sort split sqrt square squeeze sub tan tanh
transpose while xor
"""
_EXACT = frozenset(_EXACT_NAMES.split())
# Lengths at which differences are taken, in mass, for each precision: close ones, and ones at which a fine staircase
# looks like the slope that it stands for.
_LENGTHS = {
    "float64": ((2.0**-30, 2.0**-24, 2.0**-18), (2.0**-14, 2.0**-12, 2.0**-10)),
    "float32": ((2.0**-9, 2.0**-7, 2.0**-5),),
}
# What a slope may miss, relative to the steepest of all: what is computed in float32 on the way must pass.
_NEGLIGIBLE = {"float64": 1e-4, "float32": 1e-2}
_NUM_FIELDS = 8
# Entries of tables that one check evaluates, so that a large game is checked in seconds, and holds at once.
_MOST_ENTRIES, _MAX_ENTRIES = 2**28, 2**22


def custom_rules(game: AbstractGame, name: str) -> bool:
    """Whether a function does something to the mean field that is not known to be differentiated exactly.

    Args:
        game: prepared by `traced`.
        name: of one of its three functions.

    Returns:
        Whether its derivatives must be compared, see `check_derivatives`.

    Raises:
        ValueError: JAX has no forward derivative of the function.
    """
    indices = [jax.ShapeDtypeStruct((), jnp.int32)] * 3
    field = jax.ShapeDtypeStruct(mean_field_shape(game), jnp.result_type(float))
    # A new function each time: JAX keeps what it traced by function.
    program = jax.make_jaxpr(lambda s, a, b, m: getattr(game, name)(s, a, b, m))(*indices, field)
    met = set(_inexact(program.jaxpr, [False] * (len(program.jaxpr.invars) - 1) + [True]))
    if not met:
        return False
    if any(primitive.startswith("custom_vjp") for primitive in met):
        raise InputError(
            f"{name}: got a custom_vjp of the mean field, which has no forward derivative, expected functions that JAX "
            "can differentiate forward: equilibria and gradients are found by such derivatives. Give the rule as "
            "jax.custom_jvp, from which JAX makes the other."
        )
    try:
        jax.eval_shape(lambda *at: jax.jvp(lambda m: getattr(game, name)(*at[:3], m), at[3:], at[3:]), *indices, field)
    except (TypeError, ValueError, NotImplementedError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{name}: JAX cannot differentiate it forward in the mean field ({type(error).__name__}: {reason}), and "
            "equilibria and gradients are found by such derivatives. Likely cause: a callback; give its rule as "
            "jax.custom_jvp, or write the function in jax.numpy alone."
        ) from error
    return True


def _inexact(program: Jaxpr, reached: list[bool]) -> Iterator[str]:
    """Each primitive that the mean field reaches and that is not known; programs inside included."""
    from_field = dict(zip(program.invars, reached, strict=True))
    for equation in program.eqns:
        touched = [not hasattr(v, "val") and from_field.get(v, False) for v in equation.invars]
        if any(touched):
            from_field.update(dict.fromkeys(equation.outvars, True))
            yield from _inexact_equation(equation, touched)


def _inexact_equation(equation: JaxprEqn, touched: list[bool]) -> Iterator[str]:
    name = equation.primitive.name
    to_number = name == "convert_element_type" and jnp.issubdtype(equation.params["new_dtype"], jnp.floating)
    from_integer = name == "convert_element_type" and not any(
        jnp.issubdtype(cast(jax.core.ShapedArray, v.aval).dtype, jnp.floating) for v in equation.invars
    )
    if name not in _EXACT and not (to_number or from_integer):
        yield name
    for value in jax.tree.leaves(tuple(equation.params.values()), is_leaf=_is_program):
        if _is_program(value):
            inner = cast(Jaxpr, getattr(value, "jaxpr", value))
            same = name in ("jit", "pjit", "closed_call") and len(inner.invars) == len(touched)
            yield from _inexact(inner, touched if same else [True] * len(inner.invars))


def _is_program(value: object) -> bool:
    return hasattr(value, "eqns") or hasattr(getattr(value, "jaxpr", None), "eqns")


def check_derivatives(game: AbstractGame, name: str) -> None:
    """Compare the first and second derivatives of a function in the mean field with differences, at its numbers.

    Kinks and jumps are no fault of a rule: only where differences on both sides agree is the derivative to be theirs.

    Args:
        game: prepared by `traced`.
        name: of one of its three functions.

    Raises:
        ValueError: the derivative that JAX takes is not the function's.
    """
    fields, directions = _probes(mean_field_shape(game), _table_size(game, name))
    miss, entry, used, slope, steepest = (np.asarray(part) for part in _worst(game, name, fields, directions))
    # A derivative next to nothing is made of its rounding errors: the steepest of all probes is the measure.
    unit = np.max(np.where(np.isfinite(steepest), steepest, 0.0), axis=0)
    wrong = np.where(miss > _NEGLIGIBLE[str(miss.dtype)] * unit, miss / np.where(unit > 0.0, unit, 1.0), 0.0)
    if not np.any(wrong > 0.0):
        return
    probe, order = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    sizes = (game.num_states, game.num_follower_actions, game.num_leader_actions)
    place = np.unravel_index(int(entry[probe, order]), (*sizes, _table_size(game, name) // math.prod(sizes)))[:3]
    raise InputError(
        f"{name}: the {('first', 'second')[order]} derivative in the mean field that JAX takes of it is "
        f"{used[probe, order]:.6g} at (state, follower action, leader action) = {tuple(int(i) for i in place)}, "
        f"expected {slope[probe, order]:.6g}, which differences of the function give on both sides; likely causes: "
        "stop_gradient, a custom_jvp whose rule is not the function's derivative, or a rounding so fine that it hides "
        "a slope. Every equilibrium and gradient is found by these derivatives."
    )


def _table_size(game: AbstractGame, name: str) -> int:
    entries = game.num_states * game.num_follower_actions * game.num_leader_actions
    if name != "transition":
        return entries
    index = jax.ShapeDtypeStruct((), jnp.int32)
    successors = getattr(game, "successors", None)
    return entries * (game.num_states if successors is None else jax.eval_shape(successors, *[index] * 3).shape[0])


def _batch(entries: int) -> int:
    """Probes looked at together; each takes about forty tables."""
    return max(1, _MAX_ENTRIES // (40 * entries))


@functools.lru_cache(maxsize=64)
def _probes(shape: tuple[int, ...], entries: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean fields inside the simplex, even ones, uneven ones and ones near a vertex, and a tangent at each."""
    size, generator = math.prod(shape), np.random.default_rng(0)
    number = int(np.clip(_MOST_ENTRIES // (40 * entries), 2, _NUM_FIELDS))
    even, uneven = (generator.dirichlet(np.full(size, spread), number) for spread in (1.0, 0.3))
    vertices = np.eye(size)[generator.permutation(max(size, number))[:number] % size]
    fields = np.concatenate([even, 0.9 * uneven + 0.1 / size, 0.95 * vertices + 0.05 * even])
    # Each entry moves in proportion to itself, so that all stay positive.
    pull = generator.uniform(-1.0, 1.0, fields.shape)
    tangents = fields * (pull - np.sum(fields * pull, axis=1, keepdims=True))
    largest = np.max(np.abs(tangents), axis=1, keepdims=True)
    return fields, tangents / np.where(largest > 0.0, largest, 1.0)


@functools.partial(jax.jit, static_argnames="name", compiler_options=UNOPTIMISED)
def _worst(game: AbstractGame, name: str, fields: Array, directions: Array) -> tuple[Array, ...]:
    """At each probe, for both orders: largest miss, its entry, derivative used, slope of differences, and steepest."""

    def table(field: Float[Array, " M"]) -> Float[Array, " E"]:
        shaped = field.reshape(mean_field_shape(game))
        return jnp.ravel(over_indices(game, lambda s, a, b: jnp.asarray(getattr(game, name)(s, a, b, shaped))))

    def probe(pair: tuple[Array, Array]) -> tuple[Array, ...]:
        field, direction = pair
        # The function, and its derivative along the direction, are compared alike.
        both = lambda m: jnp.concatenate(jax.jvp(table, (m,), (direction,)))  # noqa: E731
        here, turned = jax.jvp(both, (field,), (direction,))
        # A rule inside a rule is differentiated as any function: the first derivative used is that of the inner one.
        half = here.size // 2
        return _compared(both, here, jnp.concatenate([here[half:], turned[half:]]), field, direction)

    batch = _batch(_table_size(game, name))
    if batch >= len(fields):
        return jax.vmap(probe)((fields, directions))
    result: tuple[Array, ...] = jax.lax.map(probe, (fields, directions), batch_size=batch)
    return result


def _compared(
    both: Callable[[Array], Array], here: Array, slope: Array, field: Array, direction: Array
) -> tuple[Array, ...]:
    """For each half of a table, the entry at which both sides agree best on another slope than the derivative."""
    scales = jnp.asarray(_LENGTHS[str(here.dtype)])
    room = jnp.min(jnp.where(direction == 0.0, jnp.inf, field / jnp.abs(jnp.where(direction == 0.0, 1.0, direction))))
    lengths = scales * jnp.minimum(1.0, 0.5 * room / scales[:, -1:])
    sections = (here.size // 2,) * 2
    step: Callable[[Array], Array] = jax.vmap(jax.vmap(lambda h: both(field + h * direction)))
    found = jax.vmap(lambda h, ahead, behind: judge(here, slope, ahead, behind, h, sections, 0.0))(
        lengths, step(lengths), step(-lengths)
    )
    middle = jnp.asarray(0.5 * (found.forward + found.backward))
    miss = jnp.where(found.wrong_rule & found.finite[:, None], jnp.abs(middle - slope), 0.0)
    scale = jnp.argmax(miss, axis=0)
    pick: Callable[[Array], Array] = lambda leaf: jnp.take_along_axis(leaf, scale[None], axis=0)[0].reshape(2, -1)  # noqa: E731
    miss, middle, slope = pick(miss), pick(middle), slope.reshape(2, -1)
    worst = jnp.argmax(miss, axis=1, keepdims=True)
    chosen = [jnp.take_along_axis(leaf, worst, axis=1)[:, 0] for leaf in (miss, slope, middle)]
    return chosen[0], worst[:, 0], chosen[1], chosen[2], jnp.max(jnp.abs(slope), axis=1)
