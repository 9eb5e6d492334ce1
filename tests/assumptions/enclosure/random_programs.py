"""Random programs of a mean field with three entries: as JAX code, and in ball arithmetic that shares none of it.

Every step has two meanings: what JAX does, and the exact operation on real numbers (python-flint, 300 bits), None
where the machine's operation has no such meaning (integers that wrap, a lowered precision).
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, ctx, fmpz

PRECISION = 300
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
CONSTANTS = (0.1, 0.5, 1.0 / 3.0, 1.0, -1.0, 2.0, 3.0, -7.3, 255.0, 36.0, 1e-3, 1e3, 1e8, -1e8, 1e16, 1e-14, -2.5e9)
# Exact values are asked of numbers no wider than this; floor and comparisons need a definite answer.
_SURE = 1e-40


class NoExactValue(Exception):
    """The real number that a program stands for is not defined, or not decided at this precision."""


def _flint(value: float) -> arb:
    return arb(float(value))


def _definite(ball: arb) -> arb:
    if not ball.is_finite() or not ball.rad() < _SURE * (1 + abs(ball.mid())):
        raise NoExactValue
    return ball


def _below(first: arb, second: arb) -> bool:
    if first < second:
        return True
    if first >= second:
        return False
    raise NoExactValue


def _whole(rounding: Callable[[arb], fmpz]) -> Callable[[arb], arb]:
    def exact(x):
        found = rounding(_definite(x)).unique_fmpz()
        if found is None:
            raise NoExactValue
        return arb(found)

    return exact


def _sign(x: arb) -> arb:
    return arb(1 if x > 0 else -1 if x < 0 else 0)


# name -> (JAX, exact), of one number
UNARY: dict[str, tuple[Callable, Callable]] = {
    "exp": (jnp.exp, lambda x: x.exp()),
    "log": (lambda x: jnp.log(0.01 + jnp.abs(x)), lambda x: (_flint(0.01) + abs(x)).log()),
    "raw log": (jnp.log, lambda x: x.log()),
    "log1p": (lambda x: jnp.log1p(jnp.abs(x)), lambda x: abs(x).log1p()),
    "expm1": (jnp.expm1, lambda x: x.expm1()),
    "exp2": (jnp.exp2, lambda x: arb(2) ** x),
    "tanh": (jnp.tanh, lambda x: x.tanh()),
    "sinh": (jnp.sinh, lambda x: x.sinh()),
    "sqrt": (lambda x: jnp.sqrt(jnp.abs(x)), lambda x: abs(x).sqrt()),
    "raw sqrt": (jnp.sqrt, lambda x: x.sqrt()),
    "power": (lambda x: jnp.abs(x) ** 1.7, lambda x: abs(x) ** _flint(1.7)),
    "power of 3.5": (lambda x: 3.5**x, lambda x: _flint(3.5) ** x),
    "cube": (lambda x: x**3, lambda x: x**3),
    "square": (jnp.square, lambda x: x**2),
    "inverse": (lambda x: 1.0 / x, lambda x: 1 / x),
    "sin": (jnp.sin, lambda x: x.sin()),
    "cos": (jnp.cos, lambda x: x.cos()),
    "erf": (jax.scipy.special.erf, lambda x: x.erf()),
    "arctan": (jnp.arctan, lambda x: x.atan()),
    "sigmoid": (jax.nn.sigmoid, lambda x: 1 / (1 + (-x).exp())),
    "abs": (jnp.abs, abs),
    "negative": (jnp.negative, lambda x: -x),
    "floor": (jnp.floor, _whole(lambda x: x.floor())),
    "ceil": (jnp.ceil, _whole(lambda x: x.ceil())),
    "sign": (jnp.sign, _sign),
    "clip": (lambda x: jnp.clip(x, -0.3, 0.6), lambda x: max(min(x, _flint(0.6)), _flint(-0.3))),
    "relu": (jax.nn.relu, lambda x: max(x, arb(0))),
}
BINARY: dict[str, tuple[Callable, Callable]] = {
    "add": (jnp.add, lambda x, y: x + y),
    "subtract": (jnp.subtract, lambda x, y: x - y),
    "multiply": (jnp.multiply, lambda x, y: x * y),
    "divide": (jnp.divide, lambda x, y: x / y),
    "tame divide": (lambda x, y: x / (1.5 + jnp.abs(y)), lambda x, y: x / (_flint(1.5) + abs(y))),
    "maximum": (jnp.maximum, lambda x, y: max(x, y)),
    "minimum": (jnp.minimum, lambda x, y: min(x, y)),
    "power of both": (lambda x, y: (0.1 + jnp.abs(x)) ** y, lambda x, y: (_flint(0.1) + abs(x)) ** y),
    "there and back": (lambda x, y: (x + y) - y, lambda x, y: x),
    "product and back": (lambda x, y: (x * y - y) / y, lambda x, y: (x * y - y) / y),
}
# Of three numbers.
WEIGHTS = np.array([0.7, -1e8, 1e8])
TERNARY: dict[str, tuple[Callable, Callable]] = {
    "dot": (lambda *v: jnp.dot(jnp.stack(v), jnp.array([1.0, -2.0, 0.3])), lambda a, b, c: a - 2 * b + _flint(0.3) * c),
    "cancelling dot": (
        lambda *v: jnp.dot(jnp.stack(v), jnp.asarray(WEIGHTS)),
        lambda a, b, c: _flint(0.7) * a - _flint(1e8) * b + _flint(1e8) * c,
    ),
    "form": (
        lambda *v: jnp.stack(v) @ jnp.stack(v[::-1]),
        lambda a, b, c: 2 * a * c + b * b,
    ),
    "gather": (lambda *v: jnp.stack(v)[jnp.array([2, 0])][1], lambda a, b, c: a),
    "sum": (lambda *v: jnp.sum(jnp.stack(v)), lambda a, b, c: a + b + c),
    "running sum": (lambda *v: jnp.cumsum(jnp.stack(v))[1], lambda a, b, c: a + b),
    "largest": (lambda *v: jnp.max(jnp.stack(v)), lambda a, b, c: max(a, b, c)),
    "softmax": (
        lambda *v: jax.nn.softmax(jnp.stack(v))[0],
        lambda a, b, c: 1 / (1 + (b - a).exp() + (c - a).exp()),
    ),
    "set": (lambda a, b, c: jnp.stack([a, b]).at[0].add(c)[0], lambda a, b, c: a + c),
}
COMPARISONS: dict[str, tuple[Callable, Callable]] = {
    "less": (jnp.less, _below),
    "less or equal": (jnp.less_equal, lambda x, y: not _below(y, x)),
    "greater": (jnp.greater, lambda x, y: _below(y, x)),
    "greater or equal": (jnp.greater_equal, lambda x, y: not _below(x, y)),
}
LOGIC: dict[str, tuple[Callable, Callable]] = {
    "and": (jnp.logical_and, lambda x, y: x and y),
    "or": (jnp.logical_or, lambda x, y: x or y),
    "xor": (jnp.logical_xor, lambda x, y: x != y),
    "equal": (jnp.equal, lambda x, y: x == y),
    "less": (jnp.less, lambda x, y: x < y),
    "at least": (jnp.greater_equal, lambda x, y: x >= y),
    "product": (jnp.multiply, lambda x, y: x and y),
}
WHOLE: dict[str, Callable] = {
    "add": jnp.add,
    "subtract": jnp.subtract,
    "multiply": jnp.multiply,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "absolute difference": lambda x, y: jnp.abs(x - y),
    "dot": lambda x, y: jnp.dot(jnp.stack([x, y]), jnp.stack([y, x])),
    "negative": lambda x, y: -x + y,
}


@dataclasses.dataclass
class Program:
    """Steps (kind, name, positions): each appends a value; kinds of values are "f", "b" or a type of integers."""

    steps: list[tuple]

    def __call__(self, field):
        """What the machine makes of it."""
        values = [("f", field[k]) for k in range(3)]
        for step in self.steps:
            values.append(_machine_step(step, values))
        return values[-1][1].astype(float)

    def exact(self, point) -> arb:
        """The real number it stands for at a point.

        Raises:
            NoExactValue: there is none, or it takes more digits to tell.
        """
        # For these numbers alone: the precision is one of the whole process.
        with ctx.workprec(PRECISION):
            values = [_flint(entry) for entry in point]
            for step in self.steps:
                values.append(_exact_step(step, values))
            return _definite(values[-1])

    @property
    def lowers_precision(self) -> bool:
        """Whether it leaves float64."""
        return any(step[0] == "lower" for step in self.steps)


def _machine_step(step, values):
    kind, name, *where = step
    args = [values[k][1] for k in where if isinstance(k, int)]
    if kind == "constant":
        return "f", UNARYLESS[name](args[0], where[1][0])
    if kind in ("unary", "binary", "ternary"):
        return "f", {"unary": UNARY, "binary": BINARY, "ternary": TERNARY}[kind][name][0](*args)
    if kind == "compare":
        return "b", COMPARISONS[name][0](*args)
    if kind == "logic":
        return "b", LOGIC[name][0](*args)
    if kind == "not":
        return "b", jnp.logical_not(*args)
    if kind == "where":
        return values[where[1]][0], jnp.where(*args)
    if kind == "whole":
        return values[where[0]][0], WHOLE[name](*args)
    if kind == "cast":
        return ("f" if name == "float64" else "b" if name == "bool" else name), args[0].astype(name)
    return "f", LOWER[name](args[0])


UNARYLESS: dict[str, Callable] = {
    "plus": lambda x, c: x + c,
    "times": lambda x, c: x * c,
    "over": lambda x, c: x / c,
    "from": lambda x, c: c - x,
}
LOWER: dict[str, Callable] = {
    "float32": lambda x: x.astype(jnp.float32).astype(float),
    "bfloat16": lambda x: x.astype(jnp.bfloat16).astype(float),
    "float32 dot": lambda x: jnp.dot(
        jnp.stack([x, x]), jnp.array([1.0, -0.1]), preferred_element_type=jnp.float32
    ).astype(float),
    "reduced": lambda x: jax.lax.reduce_precision(x, 8, 10),
}


def _exact_step(step, values):
    kind, name, *where = step
    args = [values[k] for k in where if isinstance(k, int)]
    if kind == "constant":
        return UNARYLESS[name](args[0], _flint(where[1][0]))
    if kind in ("unary", "binary", "ternary"):
        return {"unary": UNARY, "binary": BINARY, "ternary": TERNARY}[kind][name][1](*args)
    if kind == "compare":
        return COMPARISONS[name][1](*args)
    if kind == "logic":
        return LOGIC[name][1](*args)
    if kind == "not":
        return not args[0]
    if kind == "where":
        return args[1] if args[0] else args[2]
    if kind == "cast" and name == "float64" and isinstance(args[0], bool):
        return arb(int(args[0]))
    raise NoExactValue


def _one(rng: np.random.Generator, names) -> str:
    return str(rng.choice(list(names)))


def random_program(rng: np.random.Generator, most: int = 7) -> Program:
    """A program of up to so many steps that ends in a number."""
    kinds, steps = ["f", "f", "f"], []

    def of(kind):
        found = [k for k, other in enumerate(kinds) if other == kind]
        # The latest values twice as often, so that programs are deep.
        return int(rng.choice(found + found[-3:])) if found else None

    def append(kind, *step):
        kinds.append(kind)
        steps.append(step)

    for _ in range(rng.integers(2, most + 1)):
        draw = rng.random()
        f, g, h = of("f"), of("f"), of("f")
        whole = [kind for kind in set(kinds) if kind in INTEGERS]
        if draw < 0.2:
            append("f", "constant", _one(rng, (UNARYLESS)), f, [float(rng.choice(CONSTANTS))])
        elif draw < 0.4:
            append("f", "unary", _one(rng, (UNARY)), f)
        elif draw < 0.55:
            append("f", "binary", _one(rng, (BINARY)), f, g)
        elif draw < 0.65:
            append("f", "ternary", _one(rng, (TERNARY)), f, g, h)
        elif draw < 0.72:
            append("b", "compare", _one(rng, (COMPARISONS)), f, g)
        elif draw < 0.8:
            target = _one(rng, INTEGERS)
            append(target, "cast", target, f)
        elif draw < 0.82:
            append("f", "lower", _one(rng, (LOWER)), f)
        elif draw < 0.93 and whole:
            _whole_step(rng, append, of, _one(rng, sorted(whole)), f, g)
        elif of("b") is not None:
            _truth_step(rng, append, of, f, g)
    if kinds[-1] != "f":
        append("f", "cast", "float64", len(kinds) - 1)
    return Program(steps)


def _whole_step(rng, append, of, kind, f, g):
    first, second = of(kind), of(kind)
    draw = rng.random()
    if draw < 0.5:
        append(kind, "whole", _one(rng, (WHOLE)), first, second)
    elif draw < 0.7:
        append("f", "cast", "float64", first)
    elif draw < 0.85:
        target = _one(rng, INTEGERS)
        append(target, "cast", target, first)
    else:
        append("b", "compare", _one(rng, (COMPARISONS)), first, second)


def _truth_step(rng, append, of, f, g):
    b, c = of("b"), of("b")
    draw = rng.random()
    if draw < 0.35:
        append("f", "where", "where", b, f, g)
    elif draw < 0.6:
        append("b", "logic", _one(rng, (LOGIC)), b, c)
    elif draw < 0.7:
        append("b", "not", "not", b)
    elif draw < 0.85:
        append("f", "cast", "float64", b)
    else:
        target = _one(rng, INTEGERS)
        append(target, "cast", target, b)


def random_points(rng: np.random.Generator, number: int = 8) -> np.ndarray:
    """Mean fields: all over the simplex with its vertices, or near one of them, or near a point."""
    points = rng.dirichlet(np.full(3, rng.choice([0.3, 1.0])), number)
    if rng.random() < 0.3:
        return np.concatenate([np.eye(3), points[3:]])
    share = 10.0 ** -rng.uniform(0.0, 9.0)
    centre = np.eye(3)[rng.integers(3)] if rng.random() < 0.2 else points[0]
    return (1.0 - share) * centre + share * points
