r"""Step sizes $c / (k+1)^s$, one constant and exponent a learner, and the conditions that theorems put on them.

Every condition is decided exactly: a float is a fraction, and so is an exponent.
"""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar

from smfg_verify.errors import InputError
from smfg_verify.learners import LEARNERS
from smfg_verify.records.readable import Readable
from smfg_verify.stochastic import Schedule
from smfg_verify.suggestions import closest

_HALF = Fraction(1, 2)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class PowerSteps(Readable):
    r"""Step sizes $c / (k+1)^s$ for k = 0, 1, ..., by learner; a run clips those of mean field and critics to one.

    Attributes:
        constants: learner -> c >= 0; all four.
        exponents: learner -> s >= 0; all four.

    Raises:
        ValueError: another learner, or a number that is none or negative.

    Examples:
        >>> from smfg_verify.theorems import power_steps
        >>> steps = power_steps({"leader": 0.25}, {"leader": "3/5"})
        >>> steps.text("leader"), steps.sums_to_infinity("leader"), steps.square_summable("mean_field")
        ('0.25/(k+1)^(3/5)', True, False)
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("texts",)

    constants: Mapping[str, float]
    exponents: Mapping[str, Fraction]

    def __post_init__(self) -> None:
        for name, values in (("constants", self.constants), ("exponents", self.exponents)):
            if tuple(values) != LEARNERS:
                raise InputError(f"{name}: got {', '.join(values)}, expected {', '.join(LEARNERS)}.")
        for learner, constant in self.constants.items():
            if not 0.0 <= constant < float("inf"):
                raise InputError(f"{learner}: got the step constant {constant!r}, expected a finite number >= 0.")
        for learner, exponent in self.exponents.items():
            if exponent < 0:
                raise InputError(f"{learner}: got the exponent {exponent}, expected s >= 0 of steps c/(k+1)^s.")

    @property
    def texts(self) -> dict[str, str]:
        """The steps of every learner in words."""
        return {learner: self.text(learner) for learner in LEARNERS}

    def text(self, learner: str) -> str:
        """The steps of a learner, such as 0.2/(k+1)^(1/2).

        Args:
            learner: one of the four.

        Returns:
            The formula as text.
        """
        exponent, constant = self.exponents[learner], f"{self.constants[learner]:g}"
        return constant if exponent == 0 or self.rests(learner) else f"{constant}/(k+1)^({exponent})"

    def rests(self, learner: str) -> bool:
        """Whether a learner never moves.

        Args:
            learner: one of the four.

        Returns:
            True where c = 0.
        """
        return self.constants[learner] == 0.0

    def is_constant(self, learner: str) -> bool:
        """Whether the steps are all the same: s = 0.

        Args:
            learner: one of the four.

        Returns:
            True where they are.
        """
        return self.exponents[learner] == 0

    def sums_to_infinity(self, learner: str) -> bool:
        r"""Whether $\sum_k c/(k+1)^s = \infty$: c > 0 and s <= 1.

        Args:
            learner: one of the four.

        Returns:
            True where the sum is infinite.
        """
        return not self.rests(learner) and self.exponents[learner] <= 1

    def square_summable(self, learner: str) -> bool:
        r"""Whether $\sum_k c^2/(k+1)^{2s} < \infty$: s > 1/2, or c = 0.

        Args:
            learner: one of the four.

        Returns:
            True where the sum is finite.
        """
        return self.rests(learner) or self.exponents[learner] > _HALF

    def not_above(self, slow: str, fast: str) -> bool:
        """Whether the steps of one learner are at most those of another at every k: c <= c' and s >= s', or c = 0.

        Args:
            slow: the learner with c and s.
            fast: the one with c' and s'.

        Returns:
            True where no step is larger.
        """
        if self.rests(slow):
            return True
        smaller = Fraction(self.constants[slow]) <= Fraction(self.constants[fast])
        return smaller and self.exponents[slow] >= self.exponents[fast]

    def ratio_vanishes(self, slow: str, fast: str) -> bool:
        """Whether the steps of one learner over those of another tend to zero: s > s', or c = 0.

        Args:
            slow: the learner with c and s.
            fast: the one with c' > 0 and s'.

        Returns:
            True where they do.
        """
        return not self.rests(fast) and (self.rests(slow) or self.exponents[slow] > self.exponents[fast])


def power_steps(
    constants: Mapping[str, float] | None = None, exponents: Mapping[str, str | Fraction] | None = None
) -> PowerSteps:
    r"""Steps of AC-SMFG with other constants or exponents for some learners.

    Args:
        constants: learner -> c; the defaults of `Schedule` for the others.
        exponents: learner -> s, a fraction such as "3/5" or a decimal such as "0.6", which is the fraction it says; 1/2
            for the others.

    Returns:
        The steps.

    Raises:
        ValueError: an unknown learner, or something that is no number >= 0.

    Examples:
        >>> from smfg_verify.theorems import power_steps
        >>> power_steps(exponents={"follower": "0.6"}).exponents["follower"]
        Fraction(3, 5)
    """
    for learner in {**(constants or {}), **(exponents or {})}:
        if learner not in LEARNERS:
            options = ", ".join(LEARNERS)
            raise InputError(f"steps: got {learner!r}{closest(learner, LEARNERS)}; expected one of: {options}.")
    given = {learner: _fraction(learner, value) for learner, value in (exponents or {}).items()}
    chosen = {**Schedule().constants(), **(constants or {})}
    return PowerSteps(
        {learner: float(chosen[learner]) for learner in LEARNERS},
        {learner: given.get(learner, _HALF) for learner in LEARNERS},
    )


def _fraction(learner: str, value: str | Fraction) -> Fraction:
    try:
        return Fraction(value)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise InputError(
            f"exponent: got {learner} = {value!r}, expected a fraction or a decimal, such as 3/5 or 0.6."
        ) from error
