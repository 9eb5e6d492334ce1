"""A modulus proved by cells: that of closed forms, from above, and none where it is attained beyond one."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.modulus_by_cells import cell_finding, modulus_by_cells
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.finding import Finding, Verdict
from tests.assumptions.crowds import QUICK, crowd


def inputs(game):
    return inputs_of(game, game_constants(game, QUICK))


@pytest.mark.parametrize(("attraction", "modulus"), [(0.5, 0.5), (-0.9, 0.9), (1.5, 1.5)])
def test_two_states_in_closed_form(attraction, modulus):
    r"""$|D\Gamma| = |k| / 2 \tau\, sech^2(k (2m - 1) / 2 \tau)$, largest at the middle, with tau = 1/2."""
    game = crowd(attraction, 0.5)
    finding = cell_finding(game, inputs(game), 50)
    assert modulus - 1e-9 <= finding.constant <= modulus + 0.011
    assert (finding.verdict is Verdict.CERTIFIED) == (modulus < 1.0)
    again = Finding.from_json(finding.to_json())
    assert again.reproduce(game) == finding.constant
    assert again.meaning == finding.meaning


def test_roundings_of_the_game_s_functions_may_undo_a_proof():
    game = crowd(0.5, 0.5)
    found = modulus_by_cells(game, inputs(game), 50)
    assert found.contracts
    assert not dataclasses.replace(found, rounding_step=1e-8).contracts
    assert not dataclasses.replace(found, modulus=1.0 - 1e-9).contracts
    assert not dataclasses.replace(found, rounding_step=np.nan).contracts
