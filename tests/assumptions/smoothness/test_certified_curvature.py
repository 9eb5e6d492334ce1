"""The certified bound of the Hessian: above what is found, and refused where its premises fail."""

import numpy as np
import pytest

from smfg_verify.assumptions import Verdict, check
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.smoothness.certified_curvature import certified_curvature_finding, recompute_cell_bound
from smfg_verify.assumptions.smoothness.hessian import curvatures, hessians
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.games import load
from tests.assumptions.smoothness.test_curvature_cells import crowd_game

FEW = SearchSettings(num_boxes=800)


@pytest.fixture(scope="module")
def laffer():
    game = checked(load("laffer-tax"))
    return game, certified_curvature_finding(game, FEW)


def test_no_leader_is_more_curved(laffer):
    game, finding = laffer
    grid = np.linspace(-12.0, 12.0, 401)
    sizes, _ = curvatures(hessians(game, np.stack([grid, 0.0 * grid], axis=-1)[:, None, :])[0])
    assert finding.verdict is Verdict.CERTIFIED
    largest = np.nanmax(np.abs(sizes))
    assert largest <= finding.constant <= 10.0 * largest
    assert finding.details["attained"] <= largest * (1 + 1e-2)
    assert "For all logits" in finding.meaning


def test_the_worst_cell_gives_the_bound_again(laffer):
    game, finding = laffer
    np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-8)
    assert finding.constant == np.max(finding.details["bounds"])


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("laffer-tax", {"leader_temperature": 0.1}, "entropy"),
        pytest.param("random-game", {}, "10 free logits", marks=pytest.mark.slow),
        ("laffer-tax", {"taxes": (0.5,)}, "single action"),
    ],
)
def test_what_cells_do_not_cover_is_not_applicable(name, options, word):
    finding = certified_curvature_finding(checked(load(name, **options)), FEW)
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert word in finding.meaning


def test_branches_of_equilibria_that_end_are_not_certified():
    """A leader tips a crowd from the one state to the other: every cell is bounded, on the one branch or the other."""
    finding = certified_curvature_finding(crowd_game(attraction=3.0, push=4.0), SearchSettings(num_boxes=200))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert np.isfinite(finding.constant)
    assert "may jump" in finding.meaning


def test_a_bound_on_one_branch_of_several_is_not_certified():
    """A strong crowd has two more equilibria for every leader, of which the cells follow one."""
    finding = certified_curvature_finding(crowd_game(attraction=2.0, push=0.05), SearchSettings(num_boxes=200))
    assert finding.facts["one_branch"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no other equilibrium" in finding.meaning


def test_cells_without_an_equilibrium_leave_it_inconclusive():
    finding = certified_curvature_finding(crowd_game(attraction=3.0, push=4.0), SearchSettings(num_boxes=1))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert np.isnan(finding.constant)
    assert not finding.witness
    assert "No bound" in finding.meaning


def test_a_witness_of_another_game_is_refused(laffer):
    _, finding = laffer
    with pytest.raises(InputError, match="another game"):
        recompute_cell_bound(load("advertising"), finding.witness)


@pytest.mark.slow
def test_a_witness_of_a_curved_game_is_refused(laffer):
    with pytest.raises(InputError, match="proved affine"):
        recompute_cell_bound(load("market-entrance"), laffer[1].witness)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two-road-toll", "laffer-tax", "advertising", "independent-leader"])
def test_shipped_games_are_certified_within_ten_of_what_is_found(name):
    report = check(load(name), "smoothness", budget="normal", num_leaders=64, num_starts=4)
    found, proved = report.finding("smoothness", "hessian"), report.finding("smoothness", "cell-bound")
    assert report.verdict("smoothness") is Verdict.CERTIFIED
    assert found.constant <= proved.constant <= 10.0 * found.constant
