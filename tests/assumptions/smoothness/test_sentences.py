"""The sentence of smoothness in a case in which it used to be false."""

import numpy as np

from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.smoothness.findings import _concluded
from tests.assumptions.crowds import crowd

TINY = SearchSettings(num_leaders=3, num_starts=8, num_steps=2, num_boxes=20)


def test_a_mixture_of_failures_is_not_said_to_be_one_of_them():
    game = crowd(-1.0, 0.5)
    matrices = np.stack([np.full((2, 2), np.nan), np.array([[0.0, 1.0], [-1.0, 0.0]])])
    sizes = np.full(2, np.nan)
    leaders = np.zeros((2, 1, 2))
    finding = _concluded(game, TINY, leaders, np.zeros((2, 2)), matrices, sizes, np.full((2, 2), np.nan), None, 2)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "1 of 2 leaders" in finding.meaning
    assert finding.searched["masked_asymmetric"] == 1
