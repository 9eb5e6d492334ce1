r"""Intervals that know how their numbers move with the leader: second-order models with the interface of `Ball`.

Over a box of logits $\omega_i = \bar\omega_i + w_i z_i$, $|z_i| \le 1/2$, a form stands for
$c + \sum_i l_i z_i + \sum_{i \le j} q_{ij} z_i z_j \pm r$: a `Model` over a product of as many segments. What is
written for balls runs on forms too, and then a product keeps what two numbers share: only what is of third order widens
it. Whoever reads a form's middle and radius sees the interval around it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions.enclosure import balls
from smfg_verify.assumptions.enclosure.balls import OUTWARD, Ball, Subscript, approximate_inverse
from smfg_verify.assumptions.enclosure.response.best_response import policy_of, soft_maximum
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, Shape, apply, multiply, nothing
from smfg_verify.assumptions.enclosure.response.problem import pairs_of
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

# Letters of a product that `Model` needs for itself, and what stands for them there.
_FREE_LETTERS = str.maketrans("kyz", "KYZ")


class Form(Ball):
    """Numbers over K boxes of leaders, first axis the box.

    Args:
        model: the numbers, last axis the box.
    """

    def __init__(self, model: Model) -> None:
        object.__setattr__(self, "model", model)

    model: Model

    @property
    def mid(self) -> Float[np.ndarray, "*shape"]:
        """Values of the leader in the middle, about."""
        return _first(self.model.centre)

    @property
    def rad(self) -> Float[np.ndarray, "*shape"]:
        """How far others are from them, at most."""
        return _first(self.model.deviation)

    @property
    def lower(self) -> Float[np.ndarray, "*shape"]:
        """Lower ends."""
        return _first(self.model.lower)

    @property
    def upper(self) -> Float[np.ndarray, "*shape"]:
        """Upper ends."""
        return _first(self.model.upper)

    @property
    def size(self) -> Float[np.ndarray, "*shape"]:
        """Largest absolute values."""
        return _first(self.model.largest)

    def __getitem__(self, index: Subscript) -> "Form":
        boxes, *others = index if isinstance(index, tuple) else (index,)
        if boxes is Ellipsis or boxes is None or isinstance(boxes, int):
            return self.moved(lambda part: part[index])
        model, whole, entries = self.model, slice(None), tuple(others)
        if not (isinstance(boxes, slice) and boxes == whole):
            entries = (*entries, *([whole] * (model.centre.ndim - 1 - len(entries))), boxes)
        centre, radius = (np.ascontiguousarray(part[entries]) for part in (model.centre, model.radius))
        linear = np.ascontiguousarray(model.linear[(whole, *entries)])
        if model.is_affine:
            return Form(Model(centre, linear, nothing(model.shape, centre), radius, model.shape))
        return Form(
            Model(centre, linear, np.ascontiguousarray(model.quadratic[(whole, *entries)]), radius, model.shape)
        )

    def __neg__(self) -> "Form":
        return Form(-self.model)

    def __add__(self, other: "Ball | ArrayLike") -> "Form":
        if isinstance(other, Form):
            return Form(self.model + other.model)
        if isinstance(other, Ball):
            return (self + other.mid).widened(other.rad)
        return Form(self.model + self._beside(other))

    __radd__ = __add__

    def __mul__(self, other: "Ball | ArrayLike") -> "Form":
        letters = "abcdefg"[: self.model.centre.ndim - 1]
        spec = f"{letters},{letters}->{letters}"
        if isinstance(other, Form):
            return Form(multiply(spec, self.model, other.model))
        if isinstance(other, Ball):
            return Form(apply(spec, self.model, self._beside(other.mid), self._beside(other.rad)))
        if np.ndim(other) == 0:
            return Form(self.model.scaled(float(np.asarray(other))))
        return Form(apply(spec, self.model, self._beside(other)))

    __rmul__ = __mul__

    def _beside(self, values: ArrayLike) -> Float[np.ndarray, "*S K"]:
        """Numbers beside these, boxes last."""
        array = np.asarray(values, dtype=float)
        return np.moveaxis(array.reshape((1,) * (self.model.centre.ndim - array.ndim) + array.shape), 0, -1)

    def widened(self, radius: Float[np.ndarray, "*shape"]) -> "Form":
        """The same with more room around it."""
        return Form(self.model.widened(self._beside(radius)))

    def within(self, low: Float[np.ndarray, "*shape"], high: Float[np.ndarray, "*shape"]) -> "Form":
        """The same of numbers that lie between two ends."""
        return Form(self.model.within(_last(low), _last(high)))

    def at(self, coordinates: Float[np.ndarray, "K k"]) -> Ball:
        """Numbers of one leader of each box."""
        return Ball(*(_first(part) for part in self.model.at(coordinates.T)))

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "Form":
        """All parts under a map that moves entries: an index, a transposition, a stacking with zeros."""
        model = self.model

        def parted(part: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(_last(function(_first(part))))

        centre = parted(model.centre)
        linear = np.stack([parted(part) for part in model.linear])
        quadratic = nothing(model.shape, centre) if model.is_affine else np.stack([parted(p) for p in model.quadratic])
        return Form(Model(centre, linear, quadratic, parted(model.radius), model.shape))


def form_of(numbers: Ball) -> Form:
    """Numbers that are forms, as such."""
    assert isinstance(numbers, Form)
    return numbers


def _first(part: np.ndarray) -> np.ndarray:
    """Boxes first, for those that are last."""
    return part.transpose(-1, *range(part.ndim - 1))


def _last(part: np.ndarray) -> np.ndarray:
    return part.transpose(*range(1, part.ndim), 0)


def over_boxes(lower: Float[np.ndarray, "K k"], upper: Float[np.ndarray, "K k"]) -> Form:
    """The free logits of boxes themselves."""
    shape = Shape((2,) * lower.shape[1])
    width = (upper - lower).T
    linear = np.eye(len(width))[:, :, None] * width
    return Form(Model.affine(0.5 * (lower + upper).T, linear, shape))


def contract(spec: str, first: Ball | ArrayLike, second: Ball | ArrayLike) -> Ball:
    """`einsum` of two arrays of intervals, of forms if one of them is; letter k stands for the boxes."""
    if not isinstance(first, Form) and not isinstance(second, Form):
        return balls.contract(spec, first, second)
    operands, result = spec.split("->")
    left, right = operands.split(",")
    if not isinstance(first, Form):
        first, second, left, right = second, first, right, left
    assert isinstance(first, Form)
    inner = f"{left[1:]},{right.removeprefix('k')}->{result[1:]}".translate(_FREE_LETTERS)
    if isinstance(second, Form):
        return Form(multiply(inner, first.model, second.model))
    ball = second if isinstance(second, Ball) else Ball.exact(second)
    matrix, error = (_last(part) if right.startswith("k") else part[..., None] for part in (ball.mid, ball.rad))
    return Form(apply(inner, first.model, matrix, error if np.any(error) else None))


def of_all_boxes(forms: Sequence[Form]) -> Form:
    """Forms over boxes and over others, one after the other."""
    models = [form.model for form in forms]
    centre, linear, quadratic, radius = (
        np.concatenate(leaves, axis=-1)
        for leaves in zip(*((m.centre, m.linear, m.quadratic, m.radius) for m in models), strict=True)
    )
    return Form(Model(centre, linear, quadratic, radius, models[0].shape))


def joined(parts: tuple[Ball, ...], axis: int) -> Ball:
    """Arrays of intervals side by side along an axis, not that of the boxes."""
    form = next((part for part in parts if isinstance(part, Form)), None)
    if form is None:
        return Ball(
            *(np.concatenate(leaves, axis=axis) for leaves in zip(*((p.mid, p.rad) for p in parts), strict=True))
        )
    models, shape = [_as_model(part, form) for part in parts], form.model.shape
    centre, radius = (
        np.concatenate(leaves, axis=axis - 1) for leaves in zip(*((m.centre, m.radius) for m in models), strict=True)
    )
    linear = np.concatenate([model.linear for model in models], axis=axis)
    if all(model.is_affine for model in models):
        return Form(Model(centre, linear, nothing(shape, centre), radius, shape))
    return Form(Model(centre, linear, np.concatenate([m.quadratic for m in models], axis=axis), radius, shape))


def _as_model(ball: Ball, form: Form) -> Model:
    """A form's model, or that of what does not move over the boxes of a form."""
    if isinstance(ball, Form):
        return ball.model
    shape, number = form.model.shape, form.model.centre.shape[-1]
    centre, radius = (np.broadcast_to(_last(part), (*part.shape[1:], number)) for part in (ball.mid, ball.rad))
    return Model(centre, np.zeros((shape.dimension, *centre.shape)), nothing(shape, centre), radius, shape)


def softmax_of_gaps(gaps: Ball, temperature: float = 1.0) -> Ball:
    """Softmax of numbers over the temperature from their differences (own less other), (K, n, A, A)."""
    if not isinstance(gaps, Form):
        return balls.softmax_of_differences(gaps.lower / temperature, gaps.upper / temperature)
    number = gaps.model.centre.shape[1]
    return Form(policy_of(_paired(gaps), temperature, number))


def _paired(gaps: Form) -> Model:
    """Of all gaps (K, n, A, A) those of each pair of actions once, (n, pairs)."""
    first, second = pairs_of(gaps.model.centre.shape[1])
    return gaps[:, :, first, second].model


def soft_maximum_of(values: Ball, gaps: Ball, temperature: float) -> Form:
    r"""$\tau \log \sum_a e^{q_a / \tau}$, (K, n), from forms of q (K, n, A) and of its differences (K, n, A, A)."""
    return Form(soft_maximum(form_of(values).model, _paired(form_of(gaps)), temperature))


def solved(matrix: Ball, right: Ball) -> Ball:
    r"""All solutions of linear systems with matrices (K, D, D) and right-hand sides (K, D, ...), as forms if they are.

    The solution's value and derivatives at the middle make a guess x, a polynomial; with C about the inverse there
    $|y - x| \le |C (b - A x)| + |I - C A| \, |y - x|$ bounds the rest, of third order, as `balls.solved` does.
    """
    if not isinstance(matrix, Form):
        return balls.solved(matrix, right)
    times = "kij,kjr->kir" if right.mid.ndim == 3 else "kij,kj->ki"
    inverse = approximate_inverse(matrix.mid)
    guess = _guess(matrix.model, _as_model(right, matrix), inverse)
    defect = contract(times, inverse, contract(times, matrix, guess) - right).size
    excess = (contract("kij,kjl->kil", inverse, matrix) - np.eye(inverse.shape[1])).size
    return guess.widened(balls.missed_by(defect, excess) + TINY)


def _guess(matrix: Model, right: Model, inverse: Float[np.ndarray, "K D D"]) -> Form:
    """The solutions to second order, as exact polynomials."""
    shape, back, r = matrix.shape, _last(inverse), "r" * (right.centre.ndim - 2)

    def times(lead: str, left: np.ndarray, x: np.ndarray) -> np.ndarray:
        first, second = lead.split(",")
        product: np.ndarray = np.einsum(f"{first}ijk,{second}j{r}k->{first}{second}i{r}k", left, x)
        return product

    centre = times(",", back, right.centre)
    linear = times(",z", back, right.linear - times("z,", matrix.linear, centre))
    both, a, b = times("y,z", matrix.linear, linear), shape.first, shape.second
    bent = both[a, b]
    bent[a != b] += both[b, a][a != b]
    if not matrix.is_affine:
        bent = bent + times("z,", matrix.quadratic, centre)
    return Form(Model(centre, linear, times(",z", back, right.quadratic - bent), np.zeros_like(centre), shape))


def logarithm(form: Form) -> Form:
    r"""Logarithms of positive numbers.

    With $x = f / c - 1$ about the centre c, $|x| \le X < 1$, it is $\log c + x - \frac12 x^2$ up to
    $X^3 / (3 (1 - X))$; unbounded where X may be one.
    """
    model = form.model
    with np.errstate(divide="ignore", invalid="ignore"):
        x = Form((model + -model.centre).scaled(1.0 / model.centre))
        far = x.model.deviation
        rest = np.where((model.centre > 0.0) & (far < 1.0), far**3 / (3.0 * (1.0 - far)), np.inf) * OUTWARD
        start = np.log(model.centre)
    rounding = 16.0 * EPSILON * (1.0 + np.abs(start))
    found = x - x * x * 0.5 + _first(start)
    return Form(form_of(found).model.widened(rest + rounding))
