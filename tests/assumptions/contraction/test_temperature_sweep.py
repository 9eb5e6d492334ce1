"""The temperatures at which the map contracts."""

import numpy as np
import pytest

from smfg_verify.assumptions.contraction.temperature_sweep import COLDEST, smallest_admitted


def test_smallest_admitted_temperature():
    assert smallest_admitted(lambda tau: 0.02 / tau) == pytest.approx(0.02, rel=1e-4)
    assert smallest_admitted(lambda tau: 0.5) == pytest.approx(COLDEST)
    assert smallest_admitted(lambda tau: 1.0) == np.inf
    assert smallest_admitted(lambda tau: np.nan if tau < 5.0 else 0.0) == pytest.approx(5.0, rel=1e-4)
