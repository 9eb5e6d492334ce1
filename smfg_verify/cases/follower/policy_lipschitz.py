"""How fast a softmax policy moves with the action values behind it."""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.policies import softmax_policy

_TEMPERATURE = 0.3
_NUM_ACTIONS = 5
_ROUNDINGS = 64.0
# In units of the temperature: its softmax is below 1e-21, and a difference this small leaves no trace of curvature.
_NEVER = 50.0
_SMALL = 1e-3

Policy = Callable[[Array], Array]


@register_case(
    "policy-lipschitz", source="Derivative of the softmax as a mean absolute deviation; theory of this project."
)
def policy_lipschitz(version: Version, *, policy: Policy = softmax_policy) -> CaseRecord:
    r"""The softmax policy is 1/tau-Lipschitz from the sup norm of action values to l1, and no smaller constant will do.

    $$ \|\pi - \pi'\|_1 \le \frac{1}{\tau} \|Q - Q'\|_\infty, \qquad \pi = softmax(Q/\tau), \qquad
       \|d\pi\|_1 = \frac{1}{\tau} \sum_a \pi(a) |dQ(a) - \langle \pi, dQ \rangle| $$

    The derivative is a mean absolute deviation, at most 1 for $|dQ| \le 1$ and equal to 1 only where two actions share
    all of the probability and move apart. So $1/\tau$ is the sharp constant in these norms; in total variation, half of
    l1, it is $1/(2\tau)$. It is a supremum: no pair of distinct Q attains it ($\tanh(h/\tau) < h/\tau$).

    Measured: the largest norm of the derivative (sup norm to l1, exact over all signs of dQ) and of difference
    quotients over random Q, the two-action points included.

    Args:
        version: 200 random points, or 20 000.
        policy: of logits, an ingredient.

    Returns:
        The largest slope against 1/tau.
    """
    number = 200 if version is Version.QUICK else 20_000
    values = _action_values(number, np.random.default_rng(0))
    slopes = np.asarray(jax.jit(jax.vmap(jax.jacfwd(lambda q: policy(q / _TEMPERATURE))))(jnp.asarray(values)))
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=_NUM_ACTIONS)))
    tangent = np.max(np.sum(np.abs(signs @ np.swapaxes(slopes, 1, 2)), axis=-1), axis=-1)
    secant = _secants(policy, values)
    largest = max(np.max(tangent), np.max(secant))
    return CaseRecord(
        measured=largest,
        predicted=1.0 / _TEMPERATURE,
        kind=Kind.EQUALITY,
        error=_ROUNDINGS * np.finfo(float).eps / (_TEMPERATURE * _SMALL),
        error_source=CaseText("rounding-of-quotients"),
        looked_at=CaseText(
            "action-values", {"vectors": len(values), "actions": _NUM_ACTIONS, "temperature": _TEMPERATURE}
        ),
        details={"median_slope": np.median(tangent), "largest_quotient": np.max(secant)},
    )


def _action_values(number: int, generator: np.random.Generator) -> Float[np.ndarray, "N A"]:
    """Random ones, and one where the first two actions share all of the probability."""
    shared = np.full((1, _NUM_ACTIONS), -_NEVER * _TEMPERATURE)
    shared[0, :2] = 0.0
    return np.concatenate([shared, _TEMPERATURE * 2.0 * generator.standard_normal((number, _NUM_ACTIONS))])


def _secants(policy: Policy, values: Float[np.ndarray, "N A"]) -> Float[np.ndarray, " N"]:
    """Quotients along the direction that parts the first two actions, small steps and large ones in turn."""
    step = _TEMPERATURE * np.where(np.arange(len(values)) % 2, 1.0, _SMALL)[:, None]
    moved = values + step * np.sign(np.arange(_NUM_ACTIONS) - 0.5) * np.where(np.arange(_NUM_ACTIONS) < 2, 1.0, 0.0)
    difference = np.asarray(policy(jnp.asarray(moved / _TEMPERATURE)) - policy(jnp.asarray(values / _TEMPERATURE)))
    result: Float[np.ndarray, " N"] = np.sum(np.abs(difference), axis=1) / step[:, 0]
    return result
