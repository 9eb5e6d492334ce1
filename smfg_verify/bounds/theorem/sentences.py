"""What is said of a constant of the theorem that has no certificate, and of games that it is not about."""

from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.codec import kept
from smfg_verify.records.coded_text import CodedText, Sentence


@kept
class MissingConstant(CodedText):
    """A constant that the theorem needs and that nothing certifies here, with the check that would."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        "pairs": "the theorem is about mean fields of states; this game's is of states and actions",
        "leader-entropy": "the theorem is about leaders without entropy; this game's leader temperature is {value:g}",
        "one-action": "the theorem needs followers with two actions or more",
        "one-state": "this command needs two states or more; with one state the mean field is known",
        "finding": "{symbol}: {property} / {statement} is {verdict}",
        "mixing": "M: no mixing is certified, see ergodicity / dobrushin and doeblin",
        "one-sided": "c: no positive rate is certified in the Euclidean norm (cells reach {cells:.4g}, the closed form "
        "{modulus:.4g}), see one-sided-contraction / certified-rate",
        "reward": "range of the {player}'s reward: {reason}",
        "box": "the box of the {player}'s critic, [{low:.6g}, {high:.6g}], is not proved to hold its values, "
        "[{lowest:.6g}, {highest:.6g}]",
        "cold": "p_0: action values may differ by {span:.4g} at temperature {temperature:.4g}; the floor that this "
        "allows is below what a float holds",
        "alignment": "c_a, e_a: gradient-alignment / independence is not certified, and nothing else certifies "
        "alignment for all leaders",
        "smoothness": "L_Phi: smoothness is taken from leaders whose world is their own (independence) alone",
    }
