"""The sentence of the ratios of step sizes in a case in which it used to be false."""

from smfg_verify.assumptions.sentence import FindingData
from smfg_verify.assumptions.step_sizes.sentences import STEP_SIZES


def test_tracking_is_claimed_for_the_leaders_that_were_linearised():
    facts = {"case": "tracking", "linearised": 3, "leaders": 7, "lag": 0.1, "largest_real_part": 0.2}
    said = STEP_SIZES["ratios"].meaning(FindingData("supported", 0.5, facts))
    assert "3 of 7 leaders" in said
    assert "every" not in said
