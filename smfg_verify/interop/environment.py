"""A foreign environment at one time step, and how a compiled program calls it."""

import contextlib
import hashlib
import itertools
import math
import pickle
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, SupportsInt

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import MeanFieldSupport
from smfg_verify.game.reach.digest import Uncounted
from smfg_verify.interop.extras import require

# Largest deviations taken for rounding, in units of a table's largest entry. MFGLib computes in single precision
# unless told otherwise.
_TOLERANCE, _SINGLE_TOLERANCE = 1e-9, 1e-5

# A tensor of torch, which need not be installed; an array of NumPy where the environment computes in NumPy.
_Tensor = Any


class Environment:
    """An environment's two functions at one time step, of mean fields on state-action pairs, in NumPy.

    Attributes:
        environment: with `S`, `A`, `mu0`, `reward(t, L)` and `prob(t, L)`, in torch or NumPy.
        time: t.
        support: of the game's mean field.
        num_states, num_actions: n and A, axes flattened.
        content: class and content of the environment when it was read, as bytes.
    """

    def __init__(self, environment: Any, time: int, support: MeanFieldSupport):
        missing = [name for name in ("S", "A", "mu0", "reward", "prob") if not hasattr(environment, name)]
        if missing:
            raise InputError(
                f"environment: got {type(environment).__name__} without {', '.join(missing)}, expected an "
                "mfglib.env.Environment, an object with the same attributes, or a constructor's name."
            )
        self.environment, self.time, self.support = environment, time, support
        self.states, self.actions = tuple(environment.S), tuple(environment.A)
        self.num_states, self.num_actions = math.prod(self.states), math.prod(self.actions)
        self.content = _content(environment)
        self.in_torch = type(environment.mu0).__module__.partition(".")[0] == "torch"

    @property
    def initial(self) -> Float[np.ndarray, " n"]:
        """mu0."""
        return np.asarray(self.environment.mu0, dtype=float).ravel()

    @property
    def spread(self) -> Float[np.ndarray, "nA M"]:
        """From a mean field of the game to one on pairs: actions uniform where the game's has none."""
        if self.support == "state_actions":
            return np.eye(self.num_states * self.num_actions)
        result: Float[np.ndarray, "nA M"] = (
            np.repeat(np.eye(self.num_states), self.num_actions, axis=0) / self.num_actions
        )
        return result

    def at(self, name: str, joint: Float[np.ndarray, " nA"], time: int | None = None) -> Float[np.ndarray, "n A *n"]:
        """One function as it is: (n, A, n) for "prob", whatever its rows sum to, or (n, A) for "reward".

        Raises:
            ValueError: a result of the wrong shape.
        """
        # A copy in, since an environment may write to it, and a copy out, since it may write to that again.
        if not self.in_torch:
            return np.array(self._called(name, np.array(joint), time), dtype=float)
        with default_dtype(self.environment.mu0.dtype):
            return np.array(_numbers(self._called(name, self._tensor(joint), time)), dtype=float)

    def derivative(self, name: str, order: int, mean_field: Float[np.ndarray, " M"]) -> np.ndarray:
        """Derivatives of an order in the game's mean field, their axes last, by torch; rows scaled to sum to one."""
        with default_dtype(self.environment.mu0.dtype):
            spread = self._tensor(self.spread)

            def function(flat: _Tensor) -> _Tensor:
                found = self._called(name, spread @ flat, None)
                return found / found.sum(-1, keepdim=True) if name == "prob" else found

            return _numbers(_derived(function, order)(self._tensor(mean_field))).astype(mean_field.dtype)

    def tolerance(self, name: str) -> float:
        """Largest deviation taken for rounding, by the coarsest number type that the result has gone through."""
        joint = np.full(self.num_states * self.num_actions, 1.0 / (self.num_states * self.num_actions))
        with default_dtype(self.environment.mu0.dtype) if self.in_torch else contextlib.nullcontext():
            argument = self._tensor(joint) if self.in_torch else joint
            found = getattr(self.environment, name)(self.time, argument.reshape(self.states + self.actions))
        types = (str(getattr(found, "dtype", "float64")), str(self.environment.mu0.dtype))
        return _TOLERANCE if all(kind.endswith(("float64", "int64")) for kind in types) else _SINGLE_TOLERANCE

    def _tensor(self, numbers: np.ndarray) -> _Tensor:
        return _torch().tensor(numbers, dtype=self.environment.mu0.dtype)

    def _called(self, name: str, joint: _Tensor, time: int | None) -> _Tensor:
        step = self.time if time is None else time
        found = getattr(self.environment, name)(step, joint.reshape(self.states + self.actions))
        shape = (self.states if name == "prob" else ()) + self.states + self.actions
        if tuple(np.shape(found)) != shape:
            raise InputError(f"environment.{name}: got a result of shape {tuple(np.shape(found))}, expected {shape}.")
        # Rows scaled in single precision would not sum to one in double.
        found = found.double() if self.in_torch else np.asarray(found, dtype=float)
        if name == "reward":
            return found.reshape(self.num_states, self.num_actions)
        return found.reshape(self.num_states, -1).T.reshape(self.num_states, self.num_actions, self.num_states)


# Environments that games of this process call, by number. The number is a leaf of the game and not a part of its
# structure: one compiled program serves all environments, and none is ever called in another's place.
class _Known(Uncounted):
    """Environments by number. Which ones there are is no part of what a game's functions do."""

    def __init__(self) -> None:
        self.by_number: dict[int, Environment] = {}


_KNOWN = _Known()


def number_of(environment: Environment, values: bytes) -> int:
    """A number in [0, 2**31) made of an environment's content and of what it said when it was read.

    The same environment has the same number in every process.
    """
    digest = hashlib.sha256(f"{environment.time}{environment.support}".encode() + environment.content + values)
    return int(digest.hexdigest()[:8], 16) % 2**31


def enter(environment: Environment, first: int) -> int:
    """Make an environment callable from compiled programs.

    Args:
        environment: to call.
        first: its own number.

    Returns:
        The number it is called by: its own, unless another environment has it. One that is equal to an earlier one, in
        class and content, takes its place, so that a game read anew is the same game.
    """
    for number in itertools.count(first):
        known = _KNOWN.by_number.get(number % 2**31)
        if known is None or _interchangeable(known, environment):
            _KNOWN.by_number[number % 2**31] = environment
            return number % 2**31
    raise AssertionError("unreachable")


def environment_of(number: int) -> Environment:
    """The environment of a number.

    Raises:
        ValueError: there is none in this process.
    """
    if number not in _KNOWN.by_number:
        raise InputError(
            "environment: the one that this game was read from is not in this process, so that its tables cannot be "
            "compared; read it again with from_mfglib. Likely cause: leaves of a game copied from another process."
        )
    return _KNOWN.by_number[number]


def _content(environment: object) -> bytes:
    kind = type(environment)
    name = f"{kind.__module__}.{kind.__qualname__}".encode()
    try:
        return name + pickle.dumps(environment)
    except Exception:  # whatever a foreign class raises; one that cannot be pickled is equal to itself alone
        return name + str(id(environment)).encode()


def _interchangeable(known: Environment, new: Environment) -> bool:
    """Whether two of one number were equal in class and content when they were read."""
    return type(known.environment) is type(new.environment) and known.content == new.content


def called_tables(
    number: Int[Array, ""], joints: Float[Array, "K nA"], shape: tuple[int, int]
) -> tuple[Float[Array, "K n A n"], Float[Array, "K n A"]]:
    """What an environment says at K mean fields on pairs, as it is: transition and reward; traceable."""
    num_states, num_actions = shape
    transition = jax.ShapeDtypeStruct((len(joints), num_states, num_actions, num_states), joints.dtype)
    reward = jax.ShapeDtypeStruct((len(joints), num_states, num_actions), joints.dtype)
    result: tuple[Float[Array, "K n A n"], Float[Array, "K n A"]] = jax.pure_callback(
        _say, (transition, reward), number, joints, vmap_method="sequential"
    )
    return result


def _say(number: SupportsInt, joints: object) -> tuple[np.ndarray, ...]:
    environment, joints = environment_of(int(number)), np.asarray(joints)
    told = [np.stack([environment.at(name, joint) for joint in joints]) for name in ("prob", "reward")]
    return tuple(table.astype(joints.dtype) for table in told)


def _derived(function: Callable[[_Tensor], _Tensor], order: int) -> Callable[[_Tensor], _Tensor]:
    """The function of torch that gives all derivatives of an order, the newest axis last."""
    if order == 0:
        return function
    below = _derived(function, order - 1)
    return lambda flat: _torch().autograd.functional.jacobian(below, flat, create_graph=True)


def _numbers(tensor: _Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().cpu(), dtype=float)


def _torch() -> ModuleType:
    return require("torch", "mfglib", "from_mfglib")


@contextlib.contextmanager
def default_dtype(dtype: object) -> Iterator[None]:
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
