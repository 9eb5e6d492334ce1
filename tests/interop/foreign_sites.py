"""An environment of six sites in plain NumPy, and the leader that is added to it."""

import numpy as np

from smfg_verify.interop import AddedLeader

N = 6


def _leader_reward(s, a, b, m):
    return 0.3 * b - m.reshape(N, -1).sum(axis=1)[0] + 0.0 * s


def _follower_reward(r, s, a, b, m):
    return r - 0.1 * b * (s == 0)


LEADER = AddedLeader(
    2, _leader_reward, _follower_reward, reward_dependence="affine", follower_reward_dependence="affine"
)


OPTIONS = {"discount": 0.9, "temperature": 0.2}


START = np.zeros((N, 2))


class Sites:
    """Six sites, a move to any of them, a reward affine in the crowd there; `extra` is what a trial adds to it."""

    S, A, mu0, T = (N,), (N,), np.full(N, 1 / N), 4

    def __init__(self, extra=None, base=(3.0, 2.5, 0.0, 0.0, 0.0, 0.0), crowding=2.0):
        self.extra, self.base, self.crowding = extra, np.array(base), crowding

    def prob(self, t, joint):
        return np.stack([0.004 + 0.976 * np.eye(N)] * N, axis=1).transpose(2, 1, 0)

    def reward(self, t, joint):
        m = joint.reshape(N, -1).sum(axis=1)
        reward = self.base - self.crowding * m
        return np.repeat((reward if self.extra is None else reward + self.extra(m))[:, None], N, axis=1)
