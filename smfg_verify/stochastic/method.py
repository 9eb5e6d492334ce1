"""What a learning method is: what it draws, what it remembers, one iteration of it, and its name in a file."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import equinox as eqx
import jax
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries, Record
from smfg_verify.records.portable import Portable
from smfg_verify.records.registry import Registry
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.schedules import Schedule
from smfg_verify.stochastic.value_bounds import ValueBounds

Memory = dict[str, Array]
Step = Callable[[Int[Array, ""], "Carry", Float[Array, "uniforms lanes"]], "Carry"]

_METHODS: Registry[type["Method"]] = Registry("method")


class Carry(NamedTuple):
    """What goes from one iteration to the next: the iterate, and what a method remembers beside it, lanes last."""

    iterate: Iterate
    memory: Memory


class Method(Portable, eqx.Module):
    """A learning method of the leader, the follower and the mean field.

    The fields of a concrete method are its options: numbers are traced, so that another one does not recompile, and
    counts and words are static. A method is registered under its name, by which a checkpoint file finds it again.

    Attributes:
        name: of the method, a class attribute.

    Examples:
        >>> from smfg_verify import Schedule
        >>> from smfg_verify.stochastic.baselines import NestedLoop
        >>> method = NestedLoop(schedule=Schedule(), inner_iterations=5, leader_samples=1)
        >>> method.name, NestedLoop.from_options(method.options()).inner_iterations
        ('nested-loop', 5)
    """

    name: eqx.AbstractClassVar[str]

    @abc.abstractmethod
    def num_uniforms(self, game: AbstractGame) -> int:
        """Number of uniforms that one iteration uses, the same for every iteration.

        Args:
            game: the game.

        Returns:
            The number a lane.
        """

    @abc.abstractmethod
    def transitions_per_iteration(self, game: AbstractGame) -> int:
        """Number of transitions of the game that one iteration samples; 0 where the model is read instead.

        Args:
            game: the game.

        Returns:
            The number a lane.
        """

    def first_memory(self, game: AbstractGame) -> Memory:
        """What one run remembers beside its iterate, before the first iteration; no lanes yet.

        Args:
            game: the game.

        Returns:
            Name -> array; empty where nothing is remembered.
        """
        return {}

    def iterate(self, carry: Carry) -> Iterate:
        """The iterate that a carry stands for: its own, unless the method carries it in another form.

        Args:
            carry: after some iterations.

        Returns:
            The iterate, arrays where the carry has arrays.
        """
        return carry.iterate

    def at_lane(self, lane: Int[Array, ""]) -> "Method":
        """The method of one lane, where its options differ from lane to lane; else the method itself.

        Args:
            lane: which.

        Returns:
            The method for a carry of that lane alone.
        """
        return self

    def stepper(self, game: AbstractGame, bounds: ValueBounds) -> Step:
        """`step` for a loop, with what no iteration changes computed before it.

        Args:
            game: the game, with traced leaves.
            bounds: boxes of the critics.

        Returns:
            Function of iteration, carry and uniforms.
        """
        return functools.partial(self.step, game, bounds)

    @abc.abstractmethod
    def step(
        self,
        game: AbstractGame,
        bounds: ValueBounds,
        iteration: Int[Array, ""],
        carry: Carry,
        uniforms: Float[Array, "uniforms lanes"],
    ) -> Carry:
        """One iteration.

        Args:
            game: the game, with traced leaves.
            bounds: boxes of the critics.
            iteration: k = 0, 1, ...
            carry: of before, lanes last.
            uniforms: `num_uniforms(game)` draws in [0, 1) a lane.

        Returns:
            The carry of after. No lane may depend on another one.
        """

    def options(self) -> Record:
        """The options as plain numbers and words, from which `from_options` builds the same method."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_options(cls, options: Entries) -> "Method":
        """The method of some options as `options` gives them.

        Args:
            options: name -> number or word; step constants of a `Schedule` by learner.

        Returns:
            The method.
        """
        built = {k: Schedule.from_constants(v) if isinstance(v, Mapping) else v for k, v in options.items()}
        return cls(**built)


def _plain(value: object) -> object:
    if isinstance(value, Schedule):
        return value.constants()
    return float(value) if isinstance(value, jax.Array) else value


def register(method: type[Method]) -> type[Method]:
    """Make a method known by its name, so that its runs can be resumed; a class decorator.

    Args:
        method: a concrete method.

    Returns:
        The same class.

    Raises:
        ValueError: another method has the name.

    Examples:
        >>> from smfg_verify.stochastic import Method, register
        >>> try:
        ...     @register
        ...     class Mine(Method):
        ...         name = "adage"
        ... except ValueError:
        ...     print("the name is taken")
        the name is taken
    """
    _METHODS.add(method.name, method, maker=f"{method.__module__}.{method.__qualname__}")
    return method


def method_named(name: str) -> type[Method]:
    """The method registered under a name.

    Raises:
        ValueError: there is none.
    """
    return _METHODS.find(name)


def check_count(where: str, value: object) -> None:
    """Refuse an option that is not a positive integer.

    Raises:
        ValueError: what was got.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{where}: got {value!r}, expected an integer >= 1.")


def check_schedule(value: object) -> None:
    """Refuse step sizes of another kind.

    Raises:
        ValueError: what was got.
    """
    if not isinstance(value, Schedule):
        raise InputError(f"schedule: got {type(value).__name__}, expected smfg_verify.stochastic.Schedule.")
