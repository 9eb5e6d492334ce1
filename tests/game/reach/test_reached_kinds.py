"""Kinds of code and of objects that a game may reach: a change of any is another game, whatever it is written with."""

import collections
import contextlib
import copy
import enum
import functools
import operator
import types
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.game import game_hash, traced
from smfg_verify.game.prepared import digest_of
from tests.game.reach.roads import Road, road

TOLL = 0.0


def toll():
    return TOLL


def set_global(name, value):
    globals()[name] = value


def another(value):
    set_global("TOLL", value)


@pytest.fixture(autouse=True)
def restore():
    yield
    another(0.0)
    Scale.toll = 0.0


class Scale:
    toll = 0.0
    other = 0.0

    def __init__(self, weight=1.0):
        self.weight = weight * TOLL

    def save(self, path):
        with open(path, "w") as file:
            file.write("toll")

    def __call__(self, state):
        return TOLL * state

    __add__ = __getitem__ = __call__

    def __len__(self):
        return int(TOLL)


class Point(NamedTuple):
    weight: float = 1.0

    def cost(self, state):
        return self.weight * TOLL * state


class Kind(enum.Enum):
    LOW = 0.0
    HIGH = 2.0

    def cost(self, state):
        return TOLL * state


class Number(float):
    pass


class Words(dict):
    pass


class Called:
    """A decorator with a state."""

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.toll = 0.0

    def __call__(self, state):
        return self.__wrapped__(state) + self.toll * state


@Called
def called(state):
    return 0.0 * state


def with_attribute(state):
    return with_attribute.toll * state


with_attribute.toll = 0.0


@jax.custom_jvp
def ruled(x):
    return 0.0 * x


@ruled.defjvp
def ruled_jvp(primals, tangents):
    return 0.0 * primals[0], TOLL * tangents[0]


@jax.custom_vjp
def reversed_rule(x):
    return 0.0 * x


reversed_rule.defvjp(lambda x: (0.0 * x, None), lambda _, cotangent: (TOLL * cotangent,))


@functools.singledispatch
def dispatched(state):
    return TOLL * state


def read(module, state):
    return module.TOLL * state


class Base(Road):
    def cost(self, state):
        return TOLL * state


class Super(Base):
    def cost(self, state):
        return super().cost(state)


class Mixin:
    def priced(self, state):
        return TOLL * state


class Mixed(Mixin, Road):
    def cost(self, state):
        return self.priced(state)


class Cached(Road):
    @functools.cached_property
    def price(self):
        return TOLL

    def cost(self, state):
        return self.price * state


class Callable_(Road):
    def __call__(self, state):
        return TOLL * state

    def cost(self, state):
        return self(state)


class Fallback(Road):
    def __getattr__(self, name):
        if name == "price":
            return TOLL
        raise AttributeError(name)

    def cost(self, state):
        return self.price * state


class Inner(eqx.Module):
    weight: float = 1.0
    steps: int = 2

    def __call__(self, state):
        return self.weight * TOLL * state

    @property
    def price(self):
        return TOLL


class Nested(Road):
    inner: Any = Inner()

    def cost(self, state):
        return self.inner(state)


NUMBER, WORDS, QUEUE = Number(0.0), Words(toll=0.0), collections.deque([0.0])
MASKED = np.ma.MaskedArray([0.0, 1.0], mask=[True, False])
LOOKED_UP = np.array([0.0, 0.0])
FALLBACK = collections.defaultdict(lambda: TOLL)
GETTER, TAKE = operator.attrgetter("toll"), LOOKED_UP.take
THIS = types.ModuleType("prices")
THIS.TOLL = 0.0
LABELLED = np.array([(0.0, 1.0)], dtype=[("toll", float), ("other", float)])


def matched(self, state):
    match self:
        case Road(weight=weight):
            return weight * state


def walrus(self, state):
    return (price := toll()) * state + 0.0 * price


def generated(self, state):
    return sum(TOLL * state for _ in range(1))


def guarded(self, state):
    try:
        return {}["toll"] * state
    except KeyError:
        return TOLL * state


@contextlib.contextmanager
def context():
    yield TOLL


def managed(self, state):
    with context() as price:
        return price * state


def executed():
    names = {"TOLL": 0.0}
    exec("def cost(self, state): return TOLL * state", names)
    return names["cost"]


EXECUTED = executed()

REACHES = {
    "property of a mixin": lambda: Mixed(),
    "cached property": lambda: Cached(),
    "method of a base": lambda: Super(),
    "call of self": lambda: Callable_(),
    "__getattr__ of self": lambda: Fallback(),
    "module as field": lambda: Nested(),
    "partial as field": lambda: Nested(inner=functools.partial(lambda t, s: toll() * t * s, 1.0)),
    "call of an object": lambda: road(lambda self, s: Scale()(s)),
    "operator of an object": lambda: road(lambda self, s: Scale() + s),
    "index of an object": lambda: road(lambda self, s: Scale()[s]),
    "length of an object": lambda: road(lambda self, s: len(Scale()) * s),
    "construction": lambda: road(lambda self, s: Scale().weight * s),
    "method of a named tuple": lambda: road(lambda self, s: Point().cost(s)),
    "method of an enumeration": lambda: road(lambda self, s: Kind.LOW.cost(s)),
    "rule of differentiation": lambda: road(lambda self, s: ruled(self.discount) * s),
    "rule backwards": lambda: road(lambda self, s: reversed_rule(self.discount) * s),
    "single dispatch": lambda: road(lambda self, s: dispatched(s)),
    "default of a dictionary": lambda: road(lambda self, s: FALLBACK.copy()["none"] * s),
    "computed name": lambda: road(lambda self, s: getattr(Inner(), "pri" + "ce") * s),
    "vars": lambda: road(lambda self, s: vars(Scale())["weight"] * s),
    "local names": lambda: road(lambda self, s: (lambda price, **_: price)(price=toll(), **locals()) * s),
    "walrus": lambda: road(walrus),
    "generator": lambda: road(generated),
    "exception": lambda: road(guarded),
    "context": lambda: road(managed),
    "jit": lambda: road(jax.jit(lambda self, s: TOLL * s)),
    "filter_jit": lambda: road(eqx.filter_jit(lambda self, s: TOLL * s)),
    "vmap": lambda: road(lambda self, s: jax.vmap(lambda x: TOLL * x)(jnp.ones(2) * s).sum()),
    "made by vmap": lambda: road(
        lambda self, s: self.price(jnp.ones(2) * s).sum(), price=staticmethod(jax.vmap(lambda x: TOLL * x))
    ),
    "made by checkpoint": lambda: road(
        lambda self, s: self.price(s), price=staticmethod(jax.checkpoint(lambda x: TOLL * x))
    ),
    "made by vectorize": lambda: road(
        lambda self, s: self.price(s), price=staticmethod(jnp.vectorize(lambda x: TOLL * x))
    ),
    "made by filter_vmap": lambda: road(
        lambda self, s: self.price(jnp.ones(2) * s).sum(), price=staticmethod(eqx.filter_vmap(lambda x: TOLL * x))
    ),
}


@pytest.mark.parametrize("what", REACHES)
def test_a_global_counts_through_every_kind_of_code(what):
    make = REACHES[what]
    game = make()
    before = digest_of(traced(game))
    # An equal game, and the same one when its functions have run, have the same digest.
    game.follower_reward(jnp.array(1), 0, 0, jnp.array([0.5, 0.5]))
    assert digest_of(traced(make())) == before == digest_of(traced(game))
    another(2.0)
    assert digest_of(traced(game)) != before
    another(0.0)
    assert digest_of(traced(game)) == before


CHANGES = {
    "float with a class": (lambda self, s: NUMBER * s, lambda: set_global("NUMBER", Number(2.0))),
    "dictionary with a class": (lambda self, s: WORDS["toll"] * s, lambda: WORDS.__setitem__("toll", 2.0)),
    "queue": (lambda self, s: QUEUE[0] * s, lambda: QUEUE.__setitem__(0, 2.0)),
    "mask": (lambda self, s: jnp.asarray(MASKED.filled(0.0))[s], lambda: MASKED.__setitem__(0, 2.0)),
    "method of an array": (lambda self, s: TAKE([0])[0] * s, lambda: LOOKED_UP.__setitem__(0, 2.0)),
    "attribute getter": (lambda self, s: GETTER(Scale) * s, lambda: setattr(Scale, "toll", 2.0)),
    "has an attribute": (
        lambda self, s: (2.0 if hasattr(Scale, "new") else 0.0) * s,
        lambda: setattr(Scale, "new", 2.0),
    ),
    "decorator with a state": (lambda self, s: called(s), lambda: setattr(called, "toll", 2.0)),
    "attribute of a function": (lambda self, s: with_attribute(s), lambda: setattr(with_attribute, "toll", 2.0)),
    "module as argument": (lambda self, s: read(THIS, s), lambda: setattr(THIS, "TOLL", 2.0)),
    "class pattern": (matched, lambda: setattr(Road, "weight", 2.0)),
    "column": (lambda self, s: float(LABELLED["toll"][0]) * s, lambda: LABELLED["toll"].__setitem__(0, 2.0)),
    "rule given again": (lambda self, s: ruled(self.discount) * s, lambda: ruled.defjvp(lambda p, t: (p[0], t[0]))),
    "globals of its own": (EXECUTED, lambda: EXECUTED.__globals__.__setitem__("TOLL", 2.0)),
}


@pytest.fixture
def kept():
    before = {name: copy.copy(globals()[name]) for name in ("NUMBER", "WORDS", "QUEUE", "MASKED", "LABELLED")}
    yield
    globals().update(before)
    LOOKED_UP[0] = called.toll = with_attribute.toll = THIS.TOLL = EXECUTED.__globals__["TOLL"] = 0.0
    Road.weight = 0.0
    ruled.defjvp(ruled_jvp)
    if hasattr(Scale, "new"):
        del Scale.new


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_any_kind_of_object_is_another_game(what, kept):
    cost, change = CHANGES[what]
    game = road(cost)
    before = game_hash(game)
    assert game_hash(road(cost)) == before
    change()
    assert game_hash(game) != before
