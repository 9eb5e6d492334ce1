"""The leader's policies that a report shows."""

import numpy as np
from jaxtyping import Float

from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Trace


def uniform_policy(game: AbstractGame) -> Float[np.ndarray, "O B"]:
    """phi(b|o) = 1/B."""
    return np.full(leader_logits_shape(game), 1.0 / game.num_leader_actions)


def final_policies(trace: Trace) -> Float[np.ndarray, "S O B"]:
    """The leader's policy at the last checkpoint, one for each seed that did not diverge."""
    return np.asarray(softmax_policy(trace.leader_logits[~trace.diverged, -1]))
