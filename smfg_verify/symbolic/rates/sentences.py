"""What derived rates say, in plain text and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sympy

from smfg_verify.records.coded_text import Sentence
from smfg_verify.records.entries import Entries
from smfg_verify.records.latex_text import escaped

if TYPE_CHECKING:
    from smfg_verify.symbolic.rates.records import BestExponents, RateDerivation

# Terms of one order that are written out.
_SHOWN = 4
_GREEK = ("zeta", "xi", "alpha", "beta")


def _learners(facts: Entries) -> str:
    return ", ".join(facts["learners"])


READINGS: Mapping[str, Sentence] = {
    "leader-ascends": "The leader's objective is smooth and bounded, and the mean of its update has an inner product "
    "with the gradient of at least a constant times its square, less multiples of the errors that enter (gradient "
    "alignment without slack).",
    "leader-dominates": "As for a leader that ascends, and its gap is at most a multiple of its squared gradient "
    "(gradient domination, or strong concavity).",
    "residuals-contract": lambda facts: (
        f"The residual of each of {_learners(facts)} contracts by a constant times its "
        "own step (for AC-SMFG: contraction of the mean field's map, gradient domination of the follower with a "
        "constant bounded below along the run, coverage for the critics)."
    ),
    "lipschitz-targets": lambda facts: (
        f"Targets are Lipschitz in the iterates of {_learners(facts)}, whose steps have "
        "bounded second moments; no more is used of how they move."
    ),
    "smooth-targets": lambda facts: (
        f"Targets have Lipschitz derivatives in the iterates of {_learners(facts)}, whose "
        "noise has mean zero given the past, and whose mean steps are of the size of the errors (a leader's: at most "
        "a multiple of its gradient and of the errors that enter)."
    ),
    "uniform-weights": "Means over iterations are uniform; residuals are bounded (policies, values and mean fields in "
    "their boxes), and the residual at the start is forgotten.",
    "leader-weights": "Means over iterations are weighted by the leader's steps.",
    "independent-samples": "Samples are independent given the iterates.",
    "chain-samples": "Samples come from uniformly ergodic chains that the iterates move: one factor log k for the "
    "mixing time, our reading.",
    "symbols": "Exponents are symbols: a logarithm where two terms tie at the rate of the start is not told, and "
    "errors of the last iterate are for steps that decay more slowly than 1/k. Where the smallest of several forms is "
    "not positive there is no rate.",
    "our-reading": "The recursion is the toolkit's own (smfg_verify.bounds.drift); where a paper is named, our reading "
    "of it, since its proof was not at hand.",
}
CONDITIONS: Mapping[str, Sentence] = {
    "order": "{left} >= {right}: the {mover} steps decay no more slowly than those of the {learner}, whose target "
    "they move.",
    "loop": "{left} >= {right}: errors that feed each other through the {learner} do not grow.",
    "steps-decay": "{left} >= 0: the steps of the {learner} do not grow.",
    "small-ratio": "The steps of {mover} and {learner} decay alike, so that only their constants separate them: the "
    "ratio c_{slow} / c_{fast} has to be small enough (that of the loop's gains below one), which exponents do not "
    "tell.",
    "large-constant": "Steps c/k forget like a power of their constant: c_{step} times the contraction constant of the "
    "{learner} has to exceed {exponent}.",
}
NO_RATES: Mapping[str, Sentence] = {
    "summable": "the steps of the {learner} are summable (k^(-{step})): it stops before it arrives, wherever it is.",
    "logarithm": "steps k^(-{step}) sum to a logarithm only: what is left of the start decays like 1 / log k, slower "
    "than any power.",
    "noise": "the steps of the {mover} do not go to zero, nor does the noise in the residual of the {learner}.",
    "not-tracked": "the steps of the {mover} (k^(-{mover_step})) do not decay faster than those of the {learner} "
    "(k^(-{step})), whose target they move: the target is not tracked, and the lag stays.",
    "not-tracked-singly": "the steps of the {mover} do not decay faster than those of the {learner} (both "
    "k^(-{step})), and at a single iteration its mean step is bounded and no more: only the mean over iterations has a "
    "rate.",
    "wrong-order": "time scales in the wrong order: the steps of the {mover} (k^(-{mover_step})) decay more slowly "
    "than those of the {learner} (k^(-{step})), whose target they move, so that the lag grows.",
    "impossible": "no choice of the free exponents keeps errors that feed each other from growing ({asked}).",
    "nowhere": "{smallest} is not positive for any exponents that keep the conditions.",
    "mean-only": "ascent bounds the mean over iterations only, not the last iterate.",
}
_HANDS = " (handed on {handed_on} times)"
_DECIDING = {
    "start": "what is left of the start in the line of the {learner}",
    "noise": "noise of the {mover} in the line of the {learner}",
    "chain": "noise of a chain that the {mover} moves, in the line of the {learner}",
    "lag": "lag of the {learner} behind the target that the {mover} moves",
    "bounded": "lag of the {learner} behind the target that bounded steps of the {mover} move",
}


def _decided(case: str) -> Sentence:
    return lambda facts: _DECIDING[case].format_map(facts) + (_HANDS.format_map(facts) if facts["handed_on"] else "")


DECIDING: Mapping[str, Sentence] = {case: _decided(case) for case in _DECIDING}


def order_text(exponent: sympy.Expr | None, logs: int) -> str:
    """An order in plain text."""
    if exponent is None:
        return "no rate"
    logarithm = {0: "", 1: " log k"}.get(logs, f" log^{logs} k")
    return f"{_power_text(exponent)}{logarithm}"


def order_latex(exponent: sympy.Expr | None, logs: int) -> str:
    """An order in LaTeX."""
    if exponent is None:
        return r"\text{no rate}"
    logarithm = {0: "", 1: r" \log k"}.get(logs, rf" \log^{{{logs}}} k")
    return f"k^{{-{_exponent_latex(exponent)}}}{logarithm}"


def _power_text(exponent: sympy.Expr) -> str:
    return f"k^(-{exponent})" if not exponent.is_Add else f"k^(-({exponent}))"


def _exponent_latex(exponent: sympy.Expr) -> str:
    if exponent.is_Rational and not exponent.is_Integer:
        return f"{exponent.p}/{exponent.q}"
    text: str = sympy.latex(exponent).replace(r"\min\left(", r"\min(").replace(r"\right)", ")")
    return f"({text})" if exponent.is_Add else text


def derivation_text(derivation: RateDerivation) -> str:
    """A derivation in plain text: the steps, a line a residual, what decides, conditions, hypotheses."""
    lines = [
        f"Rates of {derivation.scheme}",
        *(
            f"  {row.step}_k = {_power_text(row.step_exponent)} ({row.learner}): {row.residual} "
            f"in the mean {row.mean.text}; last iterate {row.last.text}"
            for row in derivation.residuals
        ),
        f"  {_measure_text(derivation)}: {derivation.measure.text}",
    ]
    rates = [derivation.measure, *(rate for row in derivation.residuals for rate in (row.mean, row.last))]
    lines += _listed("No rate", list(dict.fromkeys(str(rate.obstacle) for rate in rates if rate.obstacle)))
    lines += _listed("Decided by", _shortened([term.sentence for term in derivation.measure.deciding]))
    lines += _listed("Conditions", derivation.conditions) + _listed("Hypotheses", derivation.hypotheses)
    return "\n".join(lines)


def _listed(title: str, texts: Sequence[object]) -> list[str]:
    return [f"  {title}:", *(f"    - {text}" for text in texts)] if texts else []


def _shortened(texts: list[str]) -> list[str]:
    """The first of terms that decay alike, and how many more there are."""
    more = len(texts) - _SHOWN
    return texts if more <= 0 else [*texts[:_SHOWN], f"and {more} more that decay alike"]


def _measure_text(derivation: RateDerivation) -> str:
    if derivation.measured_by == "gap":
        return "Leader's gap at the last iterate"
    weights = " weighted by its steps" if derivation.weighting == "leader" else ""
    return f"Leader's mean squared gradient{weights}, which the least so far does not exceed"


def derivation_latex(derivation: RateDerivation) -> str:
    """A derivation in LaTeX: a table (booktabs) and, below it, conditions and hypotheses as a list."""
    rows = [
        f"{row.learner.replace('_', ' ')} & ${_step_latex(row.step)}_k = {order_latex(row.step_exponent, 0)}$ & "
        f"${_residual_latex(row.residual)}$ & ${row.mean.latex}$ & ${row.last.latex}$ \\\\"
        for row in derivation.residuals
    ]
    notes = [*(condition.sentence for condition in derivation.conditions)]
    notes += [derivation.measure.obstacle.sentence] if derivation.measure.obstacle else []
    notes += [reading.sentence for reading in derivation.hypotheses]
    return "\n".join(
        [
            r"\begin{tabular}{lllll}",
            r"\toprule",
            r"learner & steps & residual & mean & last iterate \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\begin{itemize}",
            *(rf"\item {escaped(note)}" for note in notes),
            r"\end{itemize}",
        ]
    )


def _step_latex(step: str) -> str:
    return f"\\{step}" if step in _GREEK else step


def _residual_latex(residual: str) -> str:
    _, _, index = residual.partition("_")
    return rf"e_{{\{index}}}" if index in ("omega", "mu", "theta") else rf"e_{{{index}}}"


def best_text(best: BestExponents) -> str:
    """Best exponents in plain text, with the proof that nothing is better."""
    if best.rate <= 0:
        return f"No exponents of {best.derivation.scheme} give a rate."
    choice = ", ".join(
        f"{row.step} = {_power_text(row.step_exponent)}{_range_text(best, row.learner)}"
        for row in best.derivation.residuals
    )
    proof = " + ".join(f"{y} ({form})" for y, form in best.proof)
    added = "".join(f" + {z} ({form})" for z, form in best.uses)
    where = f", where {', '.join(f'{form} >= 0' for _, form in best.uses)}" if best.uses else ""
    return (
        f"Best rate of {best.derivation.scheme}: k^(-{best.rate}), at {choice}.\n"
        f"  No exponents do better: the rate r is at most each of {', '.join(str(form) for _, form in best.proof)}, so "
        f"r <= {proof}{f' <= {proof}{added}' if added else ''} <= {best.rate}{where}."
    )


def _range_text(best: BestExponents, learner: str) -> str:
    low, high = best.ranges[learner]
    return "" if low == high else f" (any from {low} to {high})"


def best_latex(best: BestExponents) -> str:
    """Best exponents in LaTeX, with the proof that nothing is better."""
    if best.rate <= 0:
        return f"No exponents of {best.derivation.scheme} give a rate."
    choice = r",\ ".join(
        f"{_step_latex(row.step)}_k = {order_latex(row.step_exponent, 0)}" for row in best.derivation.residuals
    )
    proof, added = (
        "".join(rf" + {_factor_latex(y)}\left({sympy.latex(form)}\right)" for y, form in part)
        for part in (best.proof, best.uses)
    )
    proof = proof.removeprefix(" + ")
    bound = rf"{proof} \le {proof}{added}" if added else proof
    rate = sympy.latex(best.rate)
    return "\n".join(
        [
            rf"{best.derivation.scheme}: the best rate is $k^{{-r}}$ with",
            rf"\[ r = {rate} \quad\text{{at}}\quad {choice}, \]",
            rf"since \[ r \le {bound} \le {rate}. \]",
        ]
    )


def _factor_latex(multiplier: sympy.Rational) -> str:
    return "" if multiplier == 1 else str(sympy.latex(multiplier))
