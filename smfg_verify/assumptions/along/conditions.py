r"""What each property asks at one iterate: a number, and the side of a limit on which it should lie."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float


class Condition(NamedTuple):
    """What a property asks of one number at an iterate.

    Attributes:
        property: name of the property.
        words: what the number is, for tables.
        label: the same for the axis of a figure.
        side: "above" where it should be above the limit, "below" where below.
        limit: the limit; infinite where the property asks for a finite number alone.
    """

    property: str
    words: str
    label: str
    side: Literal["above", "below"]
    limit: float

    def holds(self, values: Float[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
        """Where the number lies on its side; nowhere where it is none."""
        with np.errstate(invalid="ignore"):
            good: np.ndarray = values > self.limit if self.side == "above" else values < self.limit
        return good

    def worst(self, values: Float[np.ndarray, "..."]) -> float:
        """The number nearest to failing, or farthest beyond; NaN where there is none."""
        known = values[np.isfinite(values)]
        if known.size == 0:
            return float("nan")
        return float(known.min() if self.side == "above" else known.max())


CONDITIONS: dict[str, Condition] = {
    "mixing": Condition("ergodicity", "total variation of two rows of the chain", "TV of two rows [1]", "below", 1.0),
    "modulus": Condition(
        "contraction", "l1 modulus of the best response at the equilibrium", r"$\|D\Gamma(\mu^*)\|_1$ [1]", "below", 1.0
    ),
    "modulus_at_mean_field": Condition(
        "contraction", "l1 modulus at the run's mean field", r"$\|D\Gamma(\hat\mu)\|_1$ [1]", "below", 1.0
    ),
    "rate": Condition(
        "one-sided-contraction", "one-sided rate at the equilibrium", r"$c$ at $\mu^*$ [1]", "above", 0.0
    ),
    "rate_at_mean_field": Condition(
        "one-sided-contraction", "one-sided rate at the run's mean field", r"$c$ at $\hat\mu$ [1]", "above", 0.0
    ),
    "index": Condition(
        "uniqueness", "det(I - D Gamma) at the equilibrium", r"$\det(I - D\Gamma(\mu^*))$ [1]", "above", 0.0
    ),
    "domination": Condition(
        "gradient-domination",
        "squared gradient over gap of the follower",
        r"$\|\nabla J_f\|^2 / (J_f^* - J_f)$ [reward]",
        "above",
        0.0,
    ),
    "proved_domination": Condition(
        "gradient-domination",
        "C proved of all policies with no smaller probability",
        r"proved $C$ [reward]",
        "above",
        0.0,
    ),
    "near_optimum": Condition(
        "gradient-domination",
        "C proved of all policies near the optimum there",
        r"proved $C$ near $\pi^*$ [reward]",
        "above",
        0.0,
    ),
    "near_gap": Condition(
        "gradient-domination",
        "gap to the optimum up to which that is proved",
        r"gap with proved $C$ [reward]",
        "above",
        0.0,
    ),
    "cosine": Condition("gradient-alignment", "cosine of total and direct gradient", r"$\cos(g, p)$ [1]", "above", 0.0),
    "alignment": Condition(
        "gradient-alignment",
        "c in <g, p> >= c |g|^2",
        r"$\langle g, p \rangle / \|g\|^2$ [1]",
        "above",
        0.0,
    ),
    "curvature": Condition(
        "smoothness", "largest curvature of the objective", r"$\|\nabla^2\Phi\|$ [reward]", "below", float("inf")
    ),
    "occupancy": Condition("coverage", "least discounted occupancy of a state", r"$\min_s d(s)$ [1]", "above", 0.0),
}
# Properties that are about the game's functions or the step sizes: no iterate has a number of its own.
NOT_OF_ITERATES = ("lipschitz", "step-sizes")
