"""Records of derived rates: exponents and what decides them as data, in words and formulas on reading."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import sympy

from smfg_verify.records.codec import plain
from smfg_verify.records.coded_text import CodedText, Sentence
from smfg_verify.records.entries import Record
from smfg_verify.symbolic.rates import sentences


class Reading(CodedText):
    """A hypothesis that a derivation uses.

    Examples:
        >>> from smfg_verify.symbolic.rates import derive_rates
        >>> [reading.case for reading in derive_rates().hypotheses][:2]
        ['leader-ascends', 'residuals-contract']
    """

    SENTENCES: ClassVar[Mapping[str, Sentence]] = sentences.READINGS


class Condition(CodedText):
    """What exponents alone do not settle: a condition on the constants of the steps, or on symbolic exponents.

    Examples:
        >>> from smfg_verify.symbolic.rates import derive_rates
        >>> str(derive_rates({"leader": "1/2"}).conditions[0])
        'c >= d: the follower steps decay no more slowly than those of the critic, whose target they move.'
    """

    SENTENCES: ClassVar[Mapping[str, Sentence]] = sentences.CONDITIONS


class NoRate(CodedText):
    """Why exponents give no rate; the empty one, which is false, where they give one.

    Examples:
        >>> from smfg_verify.symbolic.rates import derive_rates
        >>> derive_rates(dict.fromkeys(("leader", "mean_field", "follower", "critic"), 2)).measure.obstacle.case
        'summable'
    """

    SENTENCES: ClassVar[Mapping[str, Sentence]] = sentences.NO_RATES


FOUND = NoRate()


class Deciding(CodedText):
    """A term that decides a rate."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = sentences.DECIDING


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate:
    r"""An upper order $k^{-r} \log^p k$.

    Attributes:
        exponent: r, exact; of symbols a minimum of affine forms. None where no rate follows.
        logs: p; 0 where exponents are symbols, for which it depends on ties.
        deciding: the terms of that order.
        obstacle: why there is no rate.

    Examples:
        >>> from smfg_verify.symbolic.rates import derive_rates
        >>> half = dict.fromkeys(("leader", "mean_field", "follower", "critic"), "1/2")
        >>> rate = derive_rates(half).measure
        >>> rate.exponent, rate.logs, rate.found
        (1/2, 0, True)
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("text",)

    exponent: sympy.Expr | None
    logs: int = 0
    deciding: tuple[Deciding, ...] = ()
    obstacle: NoRate = FOUND

    @property
    def found(self) -> bool:
        """Whether there is a rate."""
        return self.exponent is not None

    @property
    def text(self) -> str:
        """The order in plain text, such as k^(-2/5) log k; "no rate" where there is none."""
        return sentences.order_text(self.exponent, self.logs)

    @property
    def latex(self) -> str:
        """The order in LaTeX."""
        return sentences.order_latex(self.exponent, self.logs)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResidualRate:
    """The rates of one learner's residual.

    Attributes:
        learner, residual, step: names.
        step_exponent: of its steps.
        mean: of the weighted mean over iterations up to k.
        last: of the error at iteration k itself; without a rate for a leader whose gap does not contract.
    """

    learner: str
    residual: str
    step: str
    step_exponent: sympy.Expr
    mean: Rate
    last: Rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class RateDerivation:
    """What `derive_rates` derived.

    Attributes:
        scheme: name of the recursion.
        residuals: by learner, the leader first.
        measured_by: "gradient", the mean squared gradient (no smaller than the least so far), or "gap", that of the
            last iterate's objective.
        weighting: "uniform" or "leader", the weights of the means.
        hypotheses: what the derivation uses.
        conditions: what exponents alone do not settle.

    Examples:
        >>> from smfg_verify.symbolic.rates import BILEVEL, derive_rates
        >>> derivation = derive_rates({"outer": "3/5", "inner": "2/5"}, recursion=BILEVEL)
        >>> derivation.measure.text, derivation["inner"].last.text
        ('k^(-2/5)', 'k^(-2/5)')
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("text",)

    scheme: str
    residuals: tuple[ResidualRate, ...]
    measured_by: str
    weighting: str
    hypotheses: tuple[Reading, ...]
    conditions: tuple[Condition, ...]

    def __getitem__(self, learner: str) -> ResidualRate:
        """The rates of one learner's residual.

        Raises:
            KeyError: no such learner; the message lists those there are.
        """
        for row in self.residuals:
            if row.learner == learner:
                return row
        raise KeyError(f"{learner!r}; this derivation has {', '.join(row.learner for row in self.residuals)}")

    @property
    def measure(self) -> Rate:
        """The rate of the leader's stationarity: of its mean squared gradient, or of its gap."""
        return self.residuals[0].last if self.measured_by == "gap" else self.residuals[0].mean

    @property
    def text(self) -> str:
        """The derivation in plain text."""
        return sentences.derivation_text(self)

    @property
    def latex(self) -> str:
        """The derivation in LaTeX: a table of rates, and the hypotheses as a list."""
        return sentences.derivation_latex(self)

    def as_record(self) -> Record:
        """As JSON values; exponents and sentences as text."""
        record: Record = plain(self)
        return record


@dataclasses.dataclass(frozen=True, kw_only=True)
class BestExponents:
    r"""The exponents of the steps with the best rate of the leader, and why nothing is better.

    Attributes:
        rate: r.
        exponents: learner -> exponent, one best choice.
        ranges: learner -> smallest and largest exponent among the best choices.
        proof: forms $f_j$ with multipliers $y_j > 0$ summing to one: the rate is at most every $f_j$, hence at most
            $\sum_j y_j f_j$.
        uses: conditions $g_i \ge 0$ of the recursion with multipliers $z_i > 0$:
            $\sum_j y_j f_j + \sum_i z_i g_i \le r$.
        derivation: at the best exponents.

    Examples:
        >>> from smfg_verify.symbolic.rates import BILEVEL, best_exponents
        >>> best = best_exponents(BILEVEL)
        >>> best.rate, {name: str(value) for name, value in best.exponents.items()}
        (2/5, {'outer': '3/5', 'inner': '2/5'})
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("text",)

    rate: sympy.Rational
    exponents: Mapping[str, sympy.Rational]
    ranges: Mapping[str, tuple[sympy.Rational, sympy.Rational]]
    proof: tuple[tuple[sympy.Rational, sympy.Expr], ...]
    uses: tuple[tuple[sympy.Rational, sympy.Expr], ...]
    derivation: RateDerivation

    @property
    def text(self) -> str:
        """The best exponents in plain text."""
        return sentences.best_text(self)

    @property
    def latex(self) -> str:
        """The best exponents in LaTeX."""
        return sentences.best_latex(self)

    def as_record(self) -> Record:
        """As JSON values; exponents and sentences as text."""
        record: Record = plain(self)
        return record
