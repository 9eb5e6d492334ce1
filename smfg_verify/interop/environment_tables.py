"""The tables of an MFGLib environment at one time step, as functions of the mean field that JAX can differentiate."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.game import Dependence, MeanFieldSupport
from smfg_verify.interop.extras import require
from smfg_verify.portable import Portable

# Largest deviations taken for rounding, relative. MFGLib computes in single precision unless told otherwise.
_TOLERANCE, _SINGLE_TOLERANCE = 1e-9, 1e-5
_NUM_RANDOM_FIELDS = 8


class AffineTable(Portable, eqx.Module):
    r"""A table affine in the mean field, $f(m) = c + \sum_j m_j d_j$ with $c + d_j$ its value at vertex j.

    The slopes sum to zero over j. With vertices alone, $\sum_j m_j f(e_j)$, rows would sum to $1^T m$: off the simplex,
    where derivatives are taken too, mass would not be conserved, and the equilibrium's linear system would be singular.

    Attributes:
        constant: c, (n, A) or (n, A, n).
        slopes: d, (M, n, A) or (M, n, A, n).
        dependence: "none" or "affine".
    """

    constant: Float[Array, "n A *n"]
    slopes: Float[Array, "M n A *n"]
    dependence: Dependence = eqx.field(static=True)

    def __call__(self, mean_field: Float[Array, " M"]) -> Float[Array, "n A *n"]:
        if self.dependence == "none":
            return self.constant
        return self.constant + jnp.tensordot(mean_field, self.slopes, axes=1)


class CalledTable(Portable, eqx.Module):
    """A table that torch computes at every evaluation, with its derivatives.

    Attributes:
        source: the torch function of a flat mean field (M,).
        shape: of the table.
    """

    source: Callable = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    dependence: Dependence = eqx.field(static=True, default="general")

    def __call__(self, mean_field: Float[Array, " M"]) -> Float[Array, "n A *n"]:
        return _derivative(self.source, self.shape, 0, mean_field)


class EnvironmentTables(NamedTuple):
    """What an environment is at one time step: P(s' | s, a, m), r(s, a, m), mu0 and the sizes."""

    transition: AffineTable | CalledTable
    reward: AffineTable | CalledTable
    initial: Float[np.ndarray, " n"]
    num_states: int
    num_actions: int


def read_tables(environment: Any, time: int, support: MeanFieldSupport) -> EnvironmentTables:
    """Read an environment's tables.

    Args:
        environment: with `S`, `A`, `mu0`, `reward(t, L)` and `prob(t, L)`, in torch or NumPy.
        time: t.
        support: of the mean field.

    Returns:
        The tables, affine ones as arrays.

    Raises:
        ValueError: not such an environment, tables of the wrong shape, rows that do not sum to one, functions that look
            at actions where the mean field has none, or a NumPy environment that is not affine.
    """
    missing = [name for name in ("S", "A", "mu0", "reward", "prob") if not hasattr(environment, name)]
    if missing:
        raise InputError(
            f"environment: got {type(environment).__name__} without {', '.join(missing)}, expected an "
            "mfglib.env.Environment, an object with the same attributes, or a constructor's name."
        )
    source = _Source(environment, time, support)
    return EnvironmentTables(
        transition=_table(source, source.transition, "prob"),
        reward=_table(source, source.reward, "reward"),
        initial=np.asarray(environment.mu0, dtype=float).ravel(),
        num_states=source.num_states,
        num_actions=source.num_actions,
    )


class _Source:
    """An environment's two functions of a flat mean field, in its own kind of array, (n, A, n) and (n, A)."""

    def __init__(self, environment: Any, time: int, support: MeanFieldSupport):
        self.environment, self.time, self.support = environment, time, support
        self.states, self.actions = tuple(environment.S), tuple(environment.A)
        self.num_states, self.num_actions = math.prod(self.states), math.prod(self.actions)
        self.dtype = environment.mu0.dtype
        self.in_torch = type(environment.mu0).__module__.partition(".")[0] == "torch"
        self.tolerance = _TOLERANCE if str(self.dtype).endswith("float64") else _SINGLE_TOLERANCE
        pairs = self.num_states * self.num_actions
        states_only = np.repeat(np.eye(self.num_states), self.num_actions, axis=0) / self.num_actions
        self.spread = np.eye(pairs) if support == "state_actions" else states_only

    def transition(self, joint: Any) -> Any:
        """P(s' | s, a) of a mean field on state-action pairs, rows scaled to sum to one."""
        found = self._checked("prob", joint, self.states + self.states + self.actions)
        rows = found.reshape(self.num_states, -1).T.reshape(self.num_states, self.num_actions, self.num_states)
        sums = rows.sum(-1)
        if np.max(np.abs(np.asarray(sums.detach() if self.in_torch else sums) - 1.0)) > self.tolerance:
            raise InputError(
                "environment.prob: got rows that do not sum to 1, expected the probabilities of the next states along "
                "the first axes (S, then S and A)."
            )
        return rows / sums[..., None]

    def reward(self, joint: Any) -> Any:
        """r(s, a) of a mean field on state-action pairs."""
        found = self._checked("reward", joint, self.states + self.actions)
        return found.reshape(self.num_states, self.num_actions)

    def at(self, function: Callable, mean_field: Float[np.ndarray, " M"]) -> np.ndarray:
        """One of the functions at a mean field of the game, as numbers."""
        joint = self.spread @ mean_field
        if not self.in_torch:
            return np.asarray(function(joint), dtype=float)
        with default_dtype(self.dtype):
            return _numbers(function(self._tensor(joint)))

    def derivative(self, function: Callable, order: int, mean_field: np.ndarray) -> np.ndarray:
        """Derivatives of an order in the game's mean field, their axes last, by torch."""
        with default_dtype(self.dtype):
            spread = self._tensor(self.spread)
            derived = _derived(lambda flat: function(spread @ flat), order)
            return _numbers(derived(self._tensor(mean_field))).astype(mean_field.dtype)

    def _tensor(self, numbers: np.ndarray) -> Any:
        return _torch().tensor(numbers, dtype=self.dtype)

    def _checked(self, name: str, joint: Any, shape: tuple[int, ...]) -> Any:
        found = getattr(self.environment, name)(self.time, joint.reshape(self.states + self.actions))
        if tuple(found.shape) != shape:
            raise InputError(f"environment.{name}: got a result of shape {tuple(found.shape)}, expected {shape}.")
        # Rows scaled in single precision would not sum to one in double.
        return found.double() if self.in_torch else found


def _table(source: _Source, function: Callable, name: str) -> AffineTable | CalledTable:
    size, generator = source.spread.shape[1], np.random.default_rng(0)
    random = generator.dirichlet(np.ones(size), _NUM_RANDOM_FIELDS)
    values = np.stack([source.at(function, field) for field in random])
    if not np.all(np.isfinite(values)):
        raise InputError(f"environment.{name}: got NaN or an infinite number at a random mean field, expected numbers.")
    _check_support(source, function, name, random[0], values[0], generator)
    corners = np.stack([source.at(function, corner) for corner in np.eye(size)])
    with np.errstate(invalid="ignore"):
        bend = np.max(np.abs(np.tensordot(random, corners, axes=1) - values))
    if bend <= source.tolerance * max(1.0, np.max(np.abs(values))):  # false for NaN
        if np.all(corners == corners[0]):
            return AffineTable(jnp.asarray(corners[0]), jnp.zeros_like(corners), "none")
        constant = np.mean(corners, axis=0)
        return AffineTable(jnp.asarray(constant), jnp.asarray(corners - constant), "affine")
    if not source.in_torch:
        raise InputError(
            f"environment.{name}: got a NumPy function that differs by {bend:.3g} from its affine interpolation, "
            "expected an affine one: the derivatives of others are taken by torch."
        )
    return CalledTable(functools.partial(source.derivative, function), values.shape[1:])


def _check_support(source, function, name, field, value, generator) -> None:
    """A game on states must not look at the actions: move them about, leave the states as they are."""
    if source.support == "state_actions":
        return
    rows = generator.dirichlet(np.ones(source.num_actions), source.num_states)
    other = _Source(source.environment, source.time, "state_actions")
    moved = other.at(getattr(other, function.__name__), (field[:, None] * rows).ravel())
    if np.max(np.abs(moved - value)) > source.tolerance * max(1.0, np.max(np.abs(value))):
        raise InputError(
            f"environment.{name}: got another result where the population acts differently in the same states, "
            "expected the same with mean_field_support 'states'; use 'state_actions'."
        )


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _derivative(source: Callable, shape: tuple[int, ...], order: int, mean_field: Float[Array, " M"]) -> Array:
    """All derivatives of one order, a table in place of a directional derivative so that JAX can transpose it."""
    kind = jax.ShapeDtypeStruct(shape + mean_field.shape * order, mean_field.dtype)
    return jax.pure_callback(lambda field: source(order, np.asarray(field)), kind, mean_field, vmap_method="sequential")


@_derivative.defjvp
def _derivative_jvp(source, shape, order, primals, tangents):
    (mean_field,), (direction,) = primals, tangents
    slope = _derivative(source, shape, order + 1, mean_field)
    return _derivative(source, shape, order, mean_field), slope @ direction


def _derived(function: Callable, order: int) -> Callable:
    """The function of torch that gives all derivatives of an order, the newest axis last."""
    if order == 0:
        return function
    below = _derived(function, order - 1)
    return lambda flat: _torch().autograd.functional.jacobian(below, flat, create_graph=True)


def _numbers(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().cpu(), dtype=float)


def _torch() -> ModuleType:
    return require("torch", "mfglib", "from_mfglib")


@contextlib.contextmanager
def default_dtype(dtype: Any) -> Iterator[None]:
    """Torch's default type, which the tables that an environment makes take, for as long as it is asked.

    Args:
        dtype: a torch type, or "float64".
    """
    torch = _torch()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64 if dtype == "float64" else dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
