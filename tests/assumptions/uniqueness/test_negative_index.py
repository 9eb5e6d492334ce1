"""One equilibrium of index -1 refutes uniqueness though a search meets no other."""

import numpy as np
import pytest

from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.uniqueness.negative_index import negative_index_finding
from smfg_verify.assumptions.uniqueness.several_equilibria import find_equilibria
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.crowds import crowd
from tests.assumptions.uniqueness.test_findings import roots
from tests.assumptions.uniqueness.test_index import Sigmoid, number_of_equilibria

UNIFORM = np.zeros((1, 2, 2))


def looked_at(game, masses, met=None, logits=UNIFORM):
    starts = np.stack([masses, 1.0 - np.asarray(masses)], axis=1)
    return negative_index_finding(game, logits, find_equilibria(game, logits, starts), met or {}, 0)


@pytest.mark.parametrize("bias", [0.0, 0.05])
def test_the_middle_one_alone_refutes_and_the_others_are_then_found(bias):
    game = crowd(1.0, 0.2, inertia=0.1, bias=bias)
    expected = roots(1.0, 0.2, inertia=0.1, bias=bias)
    finding = looked_at(game, expected[1:2])
    assert finding.verdict is Verdict.REFUTED
    np.testing.assert_allclose(np.sort(finding.witness["all_equilibria"][:, 0]), expected, atol=1e-9)
    assert "at least two others; 2 of them were found" in finding.meaning
    assert Finding.from_json(finding.to_json()).reproduce(game) == pytest.approx(finding.constant, rel=1e-9)
    # The derivative of the function of one variable, by a difference.
    moved = [0.9 / (1.0 + np.exp(-((2.0 * m - 1.0) + bias) / 0.2)) for m in expected[1] + np.array([-1e-6, 1e-6])]
    assert finding.constant == pytest.approx(1.0 - (moved[1] - moved[0]) / 2e-6, abs=1e-6)


def test_an_outer_one_alone_supports_and_none_decides_nothing():
    game, expected = crowd(1.0, 0.2, inertia=0.1), roots(1.0, 0.2, inertia=0.1)
    finding = looked_at(game, expected[:1])
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.constant > 0.0
    nothing = negative_index_finding(game, UNIFORM[:0], [], {}, 0)
    assert nothing.verdict is Verdict.INCONCLUSIVE
    assert "No search arrived" in nothing.meaning


def test_what_cells_met_is_looked_at_too():
    met = {"leader_policy": np.full((2, 2), 0.5), "mean_field": np.array([0.51, 0.49])}
    game, expected = crowd(1.0, 0.2, inertia=0.1), roots(1.0, 0.2, inertia=0.1)
    assert looked_at(game, expected[:1], met).verdict is Verdict.REFUTED


def test_without_cells_a_negative_determinant_proves_nothing(monkeypatch):
    module = "smfg_verify.assumptions.uniqueness.negative_index.tables_of"
    monkeypatch.setattr(module, lambda game: (None, "no tables"))
    finding = looked_at(crowd(1.0, 0.2, inertia=0.1), roots(1.0, 0.2, inertia=0.1)[1:2])
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "not proved: no tables" in finding.meaning


def test_a_map_that_is_not_continuous_for_sure_proves_nothing(monkeypatch):
    """A single equilibrium of negative slope beside a jump would not need any other."""
    module = "smfg_verify.assumptions.uniqueness.negative_index.has_one_law"
    monkeypatch.setattr(module, lambda tables, corners: False)
    finding = looked_at(crowd(1.0, 0.2, inertia=0.1), roots(1.0, 0.2, inertia=0.1)[1:2])
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_middle_equilibrium_of_a_curved_game_is_proved_to_have_index_minus_one():
    game = checked(Sigmoid(strength=0.6))
    assert number_of_equilibria(Sigmoid, 0.6) == 3
    finding = looked_at(game, [0.5], logits=UNIFORM[:, :1])
    assert finding.verdict is Verdict.REFUTED
    assert finding.facts["others"] == 2
