"""How a policy turns with the values of actions, in the rows of a chain: covariances over cells."""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.models import Model, multiply, product
from smfg_verify.assumptions.enclosure.response.problem import pairs_of


def turned_rows(policy: Model, gaps: Model, pairs: Model) -> Model:
    """Covariances under the policy of the actions' slopes and rows: what the chain's rows move by, times tau.

    Args:
        policy: (n, A).
        gaps: slopes of the values of pairs of actions, first less second, along each edge, (j, n, pairs).
        pairs: rows of the same pairs, (n, pairs, n - 1).

    Returns:
        The covariances, (j, n, n - 1).
    """
    first, second = pairs_of(policy.centre.shape[-2])
    both = _together(policy.taken(first, -1), policy.taken(second, -1))
    turned = multiply("jsa,sat->jst", gaps, multiply("sa,sat->sat", both, pairs))
    # At most a quarter of both ranges.
    ranges = (np.max(part.largest, axis=axis, initial=0.0) for part, axis in ((gaps, -2), (pairs, -3)))
    most = 0.25 * OUTWARD * np.einsum("jsk,stk->jstk", *ranges)
    return turned.within(-most, most)


def covariance(policy: Model, gaps: Model, ends: Model) -> Model:
    """Covariances under the policy of the actions' slopes and of what rows lead to.

    Args:
        policy: (n, A).
        gaps: of pairs of actions, (j, n, pairs).
        ends: of the same pairs, (u, n, pairs).

    Returns:
        The covariances, (u, j, n).
    """
    first, second = pairs_of(policy.centre.shape[-2])
    both = _together(policy.taken(first, -1), policy.taken(second, -1))
    found = multiply("jsa,usa->ujs", gaps, multiply("sa,usa->usa", both, ends))
    ranges = (np.max(part.largest, axis=-2, initial=0.0) for part in (gaps, ends))
    most = OUTWARD * OUTWARD * variance(policy) * product("js,us->ujs", *ranges)
    return found.within(-most, most)


def variance(policy: Model) -> Float[np.ndarray, "n K"]:
    """Largest variance of a number of range 1 under the policies."""
    likely = np.clip(np.max(policy.lower, axis=1), 0.5, 1.0)
    bound: Float[np.ndarray, "n K"] = OUTWARD * likely * (1.0 - likely) + 1e-15
    return bound


def _together(first: Model, second: Model) -> Model:
    """Products of two probabilities of one policy, at most a quarter: a model, or where that is worse their range."""
    found = multiply("sa,sa->sa", first, second)
    low = np.maximum(first.lower, 0.0) * np.maximum(second.lower, 0.0)
    high = np.minimum(np.minimum(first.upper, 1.0) * np.minimum(second.upper, 1.0), 0.25)
    return found.within(low, high)
