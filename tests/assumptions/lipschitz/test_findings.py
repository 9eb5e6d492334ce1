"""Lipschitz constants in closed form, of kinks and of functions without a certificate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.assumptions.lipschitz import findings as lipschitz
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced
from smfg_verify.games import load
from tests.assumptions.chain_games import array_pair, kernel_game
from tests.assumptions.constants.test_game_constants import BrokenGame, FunctionGame, assert_dominated

NAME = lipschitz.PROPERTY
QUICK = {"num_leaders": 60, "num_boxes": 100}


def checked(game):
    report = check(game, NAME, **QUICK)
    assert tuple(finding.statement for finding in report.findings) == tuple(lipschitz.STATEMENTS)
    assert_reproduce(game, AssumptionReport.from_json(report.to_json(), game).findings)
    return report


def assert_reproduce(game, findings):
    for finding in findings:
        assert finding.witness
        assert finding.reproduce(game) == pytest.approx(finding.constant, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_a_kernel_that_follows_the_crowd_has_its_weight_as_constant(weight):
    """P(. | m) = (1 - c) P0 + c m: two mean fields move every row by exactly c times their distance."""
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(3), (3, 2, 2))
    slope = np.broadcast_to(weight * np.eye(3)[:, None, None, None, :], (3, 3, 2, 2, 3))
    report = checked(kernel_game((1.0 - weight) * rows, kernel_mean_field=slope))
    finding = report.finding(NAME, "transition")
    assert (finding.verdict, finding.side) == (Verdict.CERTIFIED, Side.EXACT)
    assert finding.constant == pytest.approx(weight, abs=1e-12)
    assert finding.details["measured"] == pytest.approx(weight, abs=1e-9)


def test_no_dependence_is_certified_as_zero():
    report = checked(kernel_game(np.full((2, 2, 2, 2), 0.5)))
    for finding in report.findings:
        assert (finding.verdict, finding.side, finding.constant) == (Verdict.CERTIFIED, Side.EXACT, 0.0)
        assert "does not depend" in finding.meaning
    assert report.verdict(NAME) is Verdict.CERTIFIED


def test_two_roads_have_half_the_steepest_congestion():
    """r_f = -kappa_a m_a - toll: the steepest road's slope over two, since tangents of unit norm move half a unit."""
    report = checked(load("two-road-toll", kappa=(1.0, 3.0)))
    assert [finding.constant for finding in report.findings] == pytest.approx([0.0, 1.5, 0.0], abs=1e-12)


class CurvedGame(AbstractGame):
    """Two states; functions of x = m_0 with known steepest slopes, at x = 1 (x^2 / 2, x^3) or beyond a kink at 0.7."""

    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.9
    temperature = 0.3
    leader_reward_dependence = "affine"  # a lie between the kink and the vertex: declarations prove nothing

    def transition(self, state, follower_action, leader_action, mean_field):
        share = 0.5 * mean_field[0] ** 2 * (1.0 - 0.5 * state) + 0.3 * state + 0.1 * follower_action
        return jnp.array([0.0, 1.0]) + share * jnp.array([1.0, -1.0])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0] ** 3 + follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 4.0 * jnp.maximum(mean_field[0] - 0.7, 0.0)


@pytest.mark.slow
def test_curved_functions_have_half_their_steepest_slope():
    """||m - m'||_1 = 2 |x - x'|: the constants are sup 2 |x| / 2, sup 3 x^2 / 2 and 4 / 2, all bounded from above."""
    game = CurvedGame()
    findings = lipschitz.check_lipschitz(traced(game), SearchSettings(**QUICK))
    assert_reproduce(traced(game), findings)
    for finding, truth in zip(findings, (1.0, 1.5, 2.0), strict=True):
        assert (finding.verdict, finding.side, finding.evidence) == (Verdict.CERTIFIED, Side.UPPER, Evidence.PROOF)
        assert truth - 1e-9 <= finding.constant <= 1.01 * truth
        assert 0.9 * truth <= finding.details["measured"] <= truth + 1e-9


@pytest.mark.slow
def test_constants_of_curved_functions_dominate_probes():
    """Rows of the two states: shares x^2 / 2 and x^2 / 4 + 0.3, plus 0.1 for the second action."""
    game, settings = CurvedGame(), SearchSettings(**QUICK)
    constants = game_constants(game, settings)
    assert_dominated(constants, FunctionGame(game), np.random.default_rng(0), 200)
    assert 0.4 - 1e-9 <= constants.one_step <= 0.41
    assert 0.1 - 1e-9 <= constants.action_spread <= 0.12  # the common part does not cancel in a box
    assert (constants.follower_reward_low, constants.follower_reward_high) == pytest.approx((0.0, 2.0), abs=2e-2)


class ScannedGame(CurvedGame):
    """A follower's reward by a loop, which no enclosure follows; nothing else depends on the mean field."""

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.array([0.5, 0.5])

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 1.0 * leader_action

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return jax.lax.while_loop(lambda x: x < 0.5, lambda x: x + 0.6, mean_field[0])


def test_without_an_enclosure_nothing_is_certified():
    game = traced(ScannedGame())
    finding = lipschitz.check_lipschitz(game, SearchSettings(**QUICK))[1]
    assert (finding.verdict, finding.side) == (Verdict.INCONCLUSIVE, Side.LOWER)
    assert "while" in finding.meaning
    assert finding.constant > 0.0
    assert finding.constant == finding.details["measured"]
    assert_reproduce(game, [finding])


def test_a_function_without_numbers_is_inconclusive_and_counted():
    finding = lipschitz.check_lipschitz(traced(BrokenGame()), SearchSettings(**QUICK))[0]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.searched["sampled_nan"] > 0


def test_a_witness_of_another_game_is_refused():
    report = checked(array_pair(0)[0])
    with pytest.raises(ValueError, match="another game"):
        report.finding(NAME, "transition").reproduce(load("two-road-toll"))
