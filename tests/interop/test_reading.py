"""What no table can hold is refused when it is read."""

import numpy as np
import pytest

from smfg_verify.interop import from_mfglib
from tests.interop.foreign_sites import LEADER, OPTIONS, N, Sites


class Stateful(Sites):
    calls = 0

    def reward(self, t, joint):
        self.calls += 1
        return super().reward(t, joint) + 1e-7 * (self.calls > 300)


class Random(Sites):
    def reward(self, t, joint):
        return super().reward(t, joint) + 1e-11 * np.random.default_rng().normal(size=(N, N))


class Remembers(Sites):
    last = None

    def prob(self, t, joint):
        before, self.last = self.last, np.array(joint)
        return super().prob(t, joint if before is None else before)

    def reward(self, t, joint):
        return super().reward(t, joint) + (0.0 if self.last is None else 1e-6 * self.last.reshape(N, -1).sum(1)[0])


class Clock(Sites):
    def prob(self, t, joint):
        rows = super().prob(t, joint)
        return rows if t < 3 else np.roll(rows, 1, axis=0)


class LeaksInAFace(Sites):
    def prob(self, t, joint):
        m = joint.reshape(N, -1).sum(axis=1)
        return super().prob(t, joint) * (0.9 if m[0] + m[1] > 0.995 and m[0] > 0.3 and m[1] > 0.3 else 1.0)


class NegativeEntry(Sites):
    def prob(self, t, joint):
        rows = super().prob(t, joint)
        rows[0], rows[1] = rows[0] - 0.02, rows[1] + 0.02
        return rows


class LooksAtActions(Sites):
    def reward(self, t, joint):
        return super().reward(t, joint) - 5.0 * max(0.0, joint.reshape(N, -1)[0, 3] - 0.8)


class LogOfEmpty(Sites):
    def reward(self, t, joint):
        with np.errstate(divide="ignore"):
            return super().reward(t, joint) - np.log(joint.reshape(N, -1).sum(axis=1))[:, None]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (Stateful(), r"environment.reward: two calls at the same time and mean field differ by 1e-07"),
        (Random(), r"environment.reward: two calls at the same time and mean field differ"),
        (Remembers(), r"environment.reward: two calls at the same time and mean field differ"),
        (Clock(), r"environment.prob: differs by 0.976 between the time steps 0 and 3 .* Pass time="),
        (LeaksInAFace(), r"environment.prob: got rows that do not sum to 1 .* \(sum 0.9 at"),
        (NegativeEntry(), r"environment.prob: got rows .* entries below 0 .* least entry -0.016"),
        (LooksAtActions(), r"acts differently in the same states"),
        (
            LogOfEmpty(),
            r"environment.reward: got NaN or an infinite number at \(state, action\) = \(1, 0\), mean field \[1",
        ),
    ],
)
def test_what_is_no_function_of_the_mean_field_is_refused(environment, message):
    with pytest.raises(ValueError, match=message):
        from_mfglib(environment, LEADER, mean_field_support="states", **OPTIONS)
