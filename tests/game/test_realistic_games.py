"""Games as users write them pass, and keep their hash when they are used, made again or sent elsewhere."""

import dataclasses
import functools
import logging
import re
from typing import Any, ClassVar

import cloudpickle
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest
import scipy.interpolate
import scipy.stats

import smfg_verify as sv
from smfg_verify.game import AbstractGame, game_hash, parameter
from tests.game.reach.roads import Road, road

FIELD = np.array([0.4, 0.6])
LOG = logging.getLogger(__name__)
FRAME = pandas.DataFrame({"toll": [0.0, 1.0]}, index=["low", "high"])
SPLINE = scipy.interpolate.CubicSpline([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])


class Abstract(AbstractGame):
    weight: ClassVar[float] = 0.0
    kind: eqx.AbstractVar[str]


class Concrete(Abstract, Road):
    weight = 2.0
    kind = "steep"

    def cost(self, state):
        return (self.weight if self.kind == "steep" else 0.0) * state


class Data:
    """Read from a file once, used as numbers."""

    def __init__(self, table):
        self.table = table

    @classmethod
    def read(cls, path):
        with open(path) as file:
            return cls(np.loadtxt(file))


DATA = Data(np.array([0.0, 1.0]))


def logged(self, state):
    LOG.debug("tracing %s", state)
    return 0.5 * state


class Saved(Road):
    toll: float = parameter(default=1.0)

    def cost(self, state):
        return getattr(self, "toll", 0.0) * state

    def save(self, path):
        with open(path, "w") as file:
            file.write(str(self.toll))


class Net(Road):
    net: Any = eqx.nn.MLP(1, "scalar", 4, 1, key=jax.random.key(0))

    def cost(self, state):
        return self.net(jnp.ones(1) * state)


@dataclasses.dataclass(frozen=True)
class Prices:
    high: float = 0.5
    names: list = dataclasses.field(default_factory=list)

    def of(self, state):
        return self.high * state


PRICES, KEY, NORMAL, WORD = Prices(), jax.random.key(0), scipy.stats.norm(0, 1), re.compile("to+l")


class Smooth(Road):
    price: Any = jax.tree_util.Partial(jnp.tanh)

    def cost(self, state):
        return self.price(state * 1.0)


REALISTIC = {
    "a dataclass": lambda: road(lambda self, s: PRICES.of(s)),
    "a key of random numbers": lambda: road(lambda self, s: jax.random.uniform(KEY) * s),
    "a distribution": lambda: road(lambda self, s: float(NORMAL.cdf(0.3)) * s),
    "a regular expression": lambda: road(lambda self, s: len(WORD.findall("tool")) * s),
    "a function of JAX as field": lambda: Smooth(),
    "class attribute of a base": lambda: Concrete(),
    "a class that also reads files": lambda: road(lambda self, s: jnp.asarray(DATA.table)[s]),
    "a logger": lambda: road(logged),
    "a game that also writes files": lambda: Saved(),
    "a network": lambda: Net(),
    "a table of pandas": lambda: road(lambda self, s: jnp.asarray(FRAME.loc[["low", "high"], "toll"].to_numpy())[s]),
    "a spline": lambda: road(lambda self, s: jnp.polyval(jnp.asarray(SPLINE.c[:, 0]), s * 1.0)),
    "keyword names": lambda: road(lambda self, s: dict(price=1.0)["price"] * s),
    "a cached helper": lambda: road(lambda self, s: cached(2.0) * s),
}


@functools.lru_cache
def cached(price):
    return price


@pytest.mark.parametrize("what", REALISTIC)
def test_realistic_games_pass_and_keep_their_hash_when_used(what):
    game = REALISTIC[what]()
    before = game_hash(game)
    sv.validate(game)
    sv.tabulate(game, FIELD)
    assert game_hash(game) == before == game_hash(REALISTIC[what]())
    assert game_hash(cloudpickle.loads(cloudpickle.dumps(game))) == before
