"""Games as the oracle reads them: three tables at a mean field, from arrays or from plain Python functions."""

import dataclasses
from collections.abc import Callable

import numpy as np

from tests.helpers.numerics import central_difference


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArrayGame:
    r"""An affine game, $P(m) = P_0 + \sum_j m_j K_j$, rewards likewise, with the axes of `TabularGame.from_arrays`.

    Attributes:
        kernel: (n, A, B, n). follower_rewards, leader_rewards: (n, A, B).
        kernel_mean_field: (M, n, A, B, n) or None; the rewards' slopes (M, n, A, B) or None.
        initial_distribution: (n,). observation: (n,) integers, the row of the leader's logits each state uses.
        support: "states" (M = n) or "state_actions" (M = n * A, row major).
    """

    kernel: np.ndarray
    follower_rewards: np.ndarray
    leader_rewards: np.ndarray
    kernel_mean_field: np.ndarray | None = None
    follower_rewards_mean_field: np.ndarray | None = None
    leader_rewards_mean_field: np.ndarray | None = None
    discount: float
    temperature: float
    initial_distribution: np.ndarray
    observation: np.ndarray
    support: str = "states"
    leader_temperature: float = 0.0

    @property
    def sizes(self) -> tuple[int, int, int]:
        return self.follower_rewards.shape

    def tables(self, mean_field):
        """P (n, A, B, n), r_f (n, A, B), r_l (n, A, B) at a flat mean field (M,), real or complex."""
        return (
            _affine(self.kernel, self.kernel_mean_field, mean_field),
            _affine(self.follower_rewards, self.follower_rewards_mean_field, mean_field),
            _affine(self.leader_rewards, self.leader_rewards_mean_field, mean_field),
        )

    def from_arrays_arguments(self) -> dict:
        """Keyword arguments that build the same game with the package's `TabularGame.from_arrays`."""
        arguments = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        arguments["leader_observation"] = arguments.pop("observation")
        arguments["mean_field_support"] = arguments.pop("support")
        return arguments


@dataclasses.dataclass(frozen=True, kw_only=True)
class CallableGame:
    """A general game: `functions(mean_field)`, of shape (n,) or (n, A), gives (P, r_f, r_l) as arrays.

    With `analytic` the functions accept complex mean fields and are analytic. Otherwise they see real float64 ones
    only (a tabulated game of any library will do), and the imaginary part of a complex step is the
    Richardson-extrapolated central difference of the tables along it, good to about 1e-10.
    """

    functions: Callable
    sizes: tuple[int, int, int]
    analytic: bool = False
    discount: float
    temperature: float
    initial_distribution: np.ndarray
    observation: np.ndarray
    support: str = "states"
    leader_temperature: float = 0.0

    def tables(self, mean_field):
        """P (n, A, B, n), r_f (n, A, B), r_l (n, A, B) at a flat mean field (M,), real or complex."""
        if self.analytic:
            return self._at(mean_field)
        if not np.iscomplexobj(mean_field) or not np.any(mean_field.imag):
            return self._at(mean_field.real.astype(float))
        scale = np.max(np.abs(mean_field.imag))
        point, direction = mean_field.real.astype(float), (mean_field.imag / scale).astype(float)
        slopes = (self._slope(point, direction, i) for i in range(3))
        return tuple(table + 1j * scale * slope for table, slope in zip(self._at(point), slopes, strict=True))

    def _at(self, mean_field):
        num_states, num_actions, _ = self.sizes
        shape = (num_states,) if self.support == "states" else (num_states, num_actions)
        return tuple(np.asarray(table) for table in self.functions(mean_field.reshape(shape)))

    def _slope(self, point, direction, which):
        return central_difference(lambda t: self._at(point + t * direction)[which], 1e-3)[0]


def _affine(constant, slope, mean_field):
    if slope is None:
        return constant
    return constant + np.tensordot(np.ravel(mean_field), slope, axes=1)
