"""What AC-SMFG carries from one iteration to the next, and the two ways in which it may sample."""

from typing import Literal

import equinox as eqx
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.records.portable import Portable

Sampling = Literal["markov", "iid"]


class Iterate(Portable, eqx.Module):
    """Everything AC-SMFG carries from one iteration to the next.

    Attributes:
        leader_logits: omega, (O, B, lanes).
        follower_logits: theta, (n, A, lanes).
        leader_critic: V_l, (n, lanes), in units of reward.
        follower_critic: V_f, (n, lanes), in units of reward.
        mean_field: mu_hat, (n, lanes) or (n, A, lanes).
        occupancy_state: s, the chain with restarts, (lanes,).
        population_state: s_bar, the chain without restarts, (lanes,).

    Examples:
        >>> import dataclasses
        >>> from smfg_verify.stochastic import Iterate
        >>> [field.name for field in dataclasses.fields(Iterate)][:4]
        ['leader_logits', 'follower_logits', 'leader_critic', 'follower_critic']
    """

    leader_logits: Float[Array, "O B lanes"]
    follower_logits: Float[Array, "n A lanes"]
    leader_critic: Float[Array, "n lanes"]
    follower_critic: Float[Array, "n lanes"]
    mean_field: Float[Array, "n *A lanes"]
    occupancy_state: Int[Array, " lanes"]
    population_state: Int[Array, " lanes"]


def check_sampling(sampling: str) -> None:
    """Refuse a way of sampling that there is not.

    Raises:
        ValueError: what was got.
    """
    if sampling not in ("markov", "iid"):
        raise InputError(f"sampling: got {sampling!r}, expected 'markov' or 'iid'.")
