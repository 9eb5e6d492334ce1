"""What the cases say of themselves: what was looked at, what is granted, why a verdict; a code, and its sentence."""

from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.codec import kept
from smfg_verify.records.coded_text import CodedText, Sentence
from smfg_verify.records.entries import Entries


def _derivatives(facts: Entries) -> str:
    return f"{facts['derivatives']} partial derivatives on {', '.join(facts['games'])}"


_LOOKED_AT: dict[str, Sentence] = {
    "derivatives": _derivatives,
    "points": "{points} policies, leaders and mean fields",
    "resolved-points": "{points} policies, leaders and mean fields, {left_out} left out",
    "pairs-of-values": "{pairs} pairs of values on {games} random games, constant shifts among them",
    "action-values": "{vectors} vectors of {actions} action values at tau = {temperature}",
    "pairs-of-chains": "{pairs} pairs of chains of 2 and {states} states",
    "ascended-games": "{games} random games, ascended",
    "sampled-games": "{games} random games, {points} random points each",
    "populations": "{game}, N from {first} to {last}, {populations} populations, {steps} steps each",
    "runs-on-games": "{games} random games, {seeds} seeds of {iterations} iterations each",
    "runs-by-length": "{runs} runs, N from {first} to {last}",
    "runs": "{runs} runs of {iterations} iterations",
    "seeds": "{game}, {seeds} seeds of {iterations} iterations",
    "seeds-in-each-mode": "{game}, {seeds} seeds of {iterations} iterations in each mode",
    "seeds-of-two-modes": "{game}, {iterations} iterations, {markov} Markov seeds and {iid} iid ones",
    "seeds-in-window": "{game}, {seeds} seeds, k = {first} ... {last}",
    "frozen-seeds": "{seeds} seeds of {iterations} iterations on {game}, leader and follower frozen",
}
_GRANTED: dict[str, Sentence] = {
    "extrapolation": "change under extrapolation of the difference, its rounding, and the gradient's certificate",
    "rounding-of-values": "rounding of the two values that are subtracted",
    "rounding-of-gap": "rounding of gradient and gap; points within it are left out",
    "rounding-of-operator": "rounding of the operator at the size of the values, relative to their distance",
    "rounding-of-quotients": "rounding of difference quotients",
    "rounding-of-laws": "rounding of the laws, relative to the smallest change of a row",
    "rounding-of-derivative": "rounding of the derivative",
    "finite-window": "margin of equivalence: terms of higher order over a finite window",
    "smallest-population": "margin of equivalence: terms of higher order in 1/N at the smallest N",
    "share": "margin of equivalence, {share:.0%} of the prediction; the interval is over seeds",
    "fine-share": "margin of equivalence, {share:.1%} of the prediction; the interval is over seeds",
    "last-step": "the leader's step size at the end, the order of what is left of the difference",
    "interval-over-runs": "none; the interval is over runs",
    "bootstrap-over-seeds": "none; the interval is a bootstrap over seeds",
}
_VERDICTS: dict[str, Sentence] = {
    "nan": "a number is NaN: something could not be computed",
    "hypothesis": "the hypothesis of the claim was not seen to fail",
    "apart": "measured {measured:.6g} against {predicted:.6g} +- {error:.2g}",
    "too-wide": "the interval [{lower:.4g}, {upper:.4g}] is too wide to tell",
}


@kept
class CaseText(CodedText):
    """A text of a case: what was looked at, where a granted error comes from, why the verdict is not "holds"."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {**_LOOKED_AT, **_GRANTED, **_VERDICTS}


NOTHING = CaseText()
