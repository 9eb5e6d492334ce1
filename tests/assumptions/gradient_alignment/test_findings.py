"""Gradient alignment on games whose answer is known, with witnesses that reproduce."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict, check, find_property
from smfg_verify.assumptions.checking import checked
from smfg_verify.assumptions.gradient_alignment.findings import FORMS, STATEMENTS
from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load, names

QUICK = {"num_leaders": 128, "num_starts": 6, "num_steps": 40}
NAME = "gradient-alignment"
# What rests on samples or covers few leaders only, beside the statements that decide.
ASIDE = find_property(NAME).aside


@pytest.fixture(scope="module")
def laffer():
    game = load("laffer-tax")
    return game, check(game, NAME, **QUICK)


@pytest.fixture(scope="module")
def market():
    game = load("market-entrance")
    leaders = np.random.default_rng(5).normal(size=(7, 2, 3))
    trajectory = leaders[[3, 0, 0, 6, 1, 3]].reshape(2, 3, 2, 3)
    return game, check(game, NAME, trajectory=trajectory, **QUICK), trajectory


@pytest.fixture(scope="module", params=["tabular", "independent-leader"])
def independent(request):
    game = load(request.param) if request.param in names() else tabular(leader_rewards=1.0)
    return game, check(game, NAME, **QUICK)


def assert_reproduces(report, game):
    """Every witness gives its constant again, after a trip through JSON."""
    for finding in AssumptionReport.from_json(report.to_json(), game).findings:
        if finding.statement in ASIDE and finding.verdict in (Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE):
            continue  # a solver that failed, or a leader with too many parameters, leaves nothing to repeat
        assert finding.witness
        np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
def test_one_finding_for_each_statement(laffer):
    assert tuple(finding.statement for finding in laffer[1][NAME]) == STATEMENTS


@pytest.mark.slow
def test_laffer_tax_is_refuted_with_a_witness(laffer):
    game, report = laffer
    assert report.verdict(NAME) is Verdict.REFUTED
    unbounded = ("relative-error", "norm-ratio")  # ratios that divide by zero at the peak: no constant to support
    for statement in (*FORMS, "frontier", "zeros-of-total", "zeros-of-direct"):
        expected = Verdict.INCONCLUSIVE if statement in unbounded else Verdict.REFUTED
        assert report.finding(NAME, statement).verdict is expected
    assert_reproduces(report, game)
    finding = Finding.from_json(report.finding(NAME, "cosine").to_json())
    gradient = stackelberg_gradient(game, finding.witness["logits"])
    assert float(jnp.sum(gradient.total * gradient.direct)) < 0.0
    assert finding.constant == pytest.approx(-1.0)
    assert "one-parameter" in finding.meaning


@pytest.mark.slow
def test_laffer_tax_rest_points_are_the_peak_and_the_highest_tax(laffer):
    """Brute force over the one parameter: the total field rests at the grid's peak, the direct one at its end."""
    game, report = laffer
    grid = np.linspace(-6.0, 6.0, 2001)
    objective = evaluate_leaders(checked(game), np.stack([0 * grid, grid], axis=-1)[:, None, :]).objective
    total, direct = (report.finding(NAME, f"zeros-of-{field}") for field in ("total", "direct"))
    assert total.details["reached"].all()
    assert direct.details["reached"].all()
    np.testing.assert_allclose(total.details["objective"], objective.max(), atol=1e-5)
    assert np.all(total.details["objective"] >= objective.max() - 1e-12)
    end = evaluate_leaders(checked(game), np.array([[[0.0, 60.0]]])).objective[0]
    np.testing.assert_allclose(direct.details["objective"], end, atol=1e-6)
    assert np.all(direct.details["logits"][:, 0, 1] - direct.details["logits"][:, 0, 0] > 15.0)
    assert np.all(direct.details["total_norm"] < 1e-6)
    assert direct.constant > 1.0


@pytest.mark.slow
def test_same_seed_same_report(laffer):
    game, report = laffer
    assert check(game, NAME, **QUICK).to_json() == report.to_json()
    assert check(game, NAME, **{**QUICK, "num_steps": 0}, seed=1).to_json() != report.to_json()


@pytest.mark.slow
def test_a_leader_whom_followers_cannot_touch_is_certified(independent):
    game, report = independent
    assert report.verdict(NAME) is Verdict.CERTIFIED
    assert {f.verdict for f in report.findings if f.statement not in ASIDE} == {Verdict.CERTIFIED}
    assert_reproduces(report, game)
    for statement, form in FORMS.items():
        finding = report.finding(NAME, statement)
        assert finding.constant == form.ideal
        np.testing.assert_allclose(finding.details["random"], form.ideal, atol=1e-10)
        assert abs(finding.details["measured"] - form.ideal) <= 1e-10


@pytest.mark.slow
def test_market_entrance_is_supported_and_worst_cases_are_worse(market):
    game, report, _ = market
    assert report.verdict(NAME) is Verdict.SUPPORTED
    assert_reproduces(report, game)
    for statement, form in FORMS.items():
        finding = report.finding(NAME, statement)
        sample = finding.details["random"]
        if form.worst == "min":
            assert finding.constant <= np.min(sample) + 1e-12
        else:
            assert finding.constant >= np.max(sample) - 1e-12
    for statement in ("cosine", "inner-product-constant"):
        finding = report.finding(NAME, statement)
        curve = finding.details["search_curve"]
        assert np.all(np.diff(curve) <= 0.0)
        assert finding.constant == pytest.approx(curve[-1], rel=1e-8)
        assert finding.constant < 0.9 * np.min(finding.details["random"])
    assert report.finding(NAME, "frontier").constant == 0.0


@pytest.mark.slow
def test_trajectory_is_measured_in_its_order(market):
    game, report, trajectory = market
    finding = report.finding(NAME, "cosine")
    found = finding.details["trajectory"]
    expected = [cosine(stackelberg_gradient(game, logits)) for logits in trajectory.reshape(-1, 2, 3)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert finding.searched["trajectory_leaders"] == 6
    assert finding.searched["points"] == QUICK["num_leaders"] + 4 + 2 * QUICK["num_starts"]


def cosine(gradient):
    inner = jnp.sum(gradient.total * gradient.direct)
    return float(inner / jnp.sqrt(jnp.sum(gradient.total**2) * jnp.sum(gradient.direct**2)))


@pytest.mark.slow
def test_quadratic_market_is_refuted_and_the_direct_flow_pays(market):
    """Same economics, opposite verdict; known limits: Phi -1.77 along p, -1.11 along g."""
    game = load("market-entrance", scarcity="quadratic")
    report = check(game, NAME, **QUICK)
    for statement in ("cosine", "inner-product-constant", "zeros-of-total", "zeros-of-direct"):
        assert report.finding(NAME, statement).verdict is Verdict.REFUTED
    assert_reproduces(report, game)
    ends = [report.finding(NAME, f"zeros-of-{field}").details["objective"] for field in ("direct", "total")]
    np.testing.assert_allclose(ends[0], -1.77, atol=5e-3)
    np.testing.assert_allclose(ends[1], -1.11, atol=5e-3)


def tabular(leader_actions=2, leader_rewards=0.0, follower_action=0.0):
    """Two states; the leader's reward is constant, plus the follower's action times a weight."""
    shape = (2, 2, leader_actions)
    kernel = np.full((*shape, 2), 0.5)
    kernel[..., 0] = 0.3 + 0.4 * (np.arange(leader_actions) == 0)
    kernel[..., 1] = 1.0 - kernel[..., 0]
    rewards = leader_rewards * np.arange(2.0)[:, None, None] + follower_action * np.arange(2.0)[None, :, None]
    return TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=np.random.default_rng(0).normal(size=shape),
        leader_rewards=np.broadcast_to(rewards, shape),
        discount=0.9,
        temperature=0.3,
    )


@pytest.mark.slow
def test_a_leader_reward_with_the_followers_action_is_not_certified():
    """All dependences on the mean field are declared and are none, yet the follower's action enters: g is not p."""
    report = check(tabular(leader_rewards=1.0, follower_action=1e-4), NAME, **QUICK)
    # With the mean field alone held g = p is true here: nothing depends on the mean field.
    certified = {finding.statement for finding in report.findings if finding.verdict is Verdict.CERTIFIED}
    judged = (*FORMS, "frontier", "zeros-of-total", "zeros-of-direct")
    assert certified == {f"{name}-field-held" for name in judged}
    finding = report.finding(NAME, "independence")
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert finding.constant == pytest.approx(1e-4)


@pytest.mark.slow
def test_nothing_to_compare_is_inconclusive():
    """Both gradients are zero for every leader: they are equal, but have no ratio."""
    report = check(tabular(), NAME, **QUICK)
    for statement in FORMS:
        finding = report.finding(NAME, statement)
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert np.isnan(finding.constant)
        assert not finding.witness
    counts = report.finding(NAME, "cosine").searched
    assert counts["masked_total"] == counts["points"] == QUICK["num_leaders"]
    assert report.finding(NAME, "independence").verdict is Verdict.CERTIFIED
    assert AssumptionReport.from_json(report.to_json()).findings == report.findings


def test_a_single_leader_action_is_not_applicable():
    report = check(tabular(leader_actions=1), NAME, **QUICK)
    assert report.verdict(NAME) is Verdict.NOT_APPLICABLE
    assert {finding.verdict for finding in report.findings} == {Verdict.NOT_APPLICABLE}


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"properties": "gradient-aligment"}, "did you mean 'gradient-alignment'"),
        ({"properties": []}, "got none"),
        ({"num_leaders": 1e3}, "num_leaders"),
        ({"num_starts": 0}, "num_starts"),
        ({"seed": -1}, "seed"),
        ({"leader_scale": 0.0}, "leader_scale"),
        ({"leader_scale": float("nan")}, "leader_scale"),
        ({"trajectory": np.zeros((4, 2, 2))}, "trajectory"),
        ({"trajectory": np.full((4, 1, 2), np.nan)}, "trajectory"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        check(load("laffer-tax"), **arguments)


@pytest.mark.slow
def test_a_witness_of_another_game_is_refused(laffer):
    finding = laffer[1].finding(NAME, "cosine")
    with pytest.raises(ValueError, match="about another game"):
        finding.reproduce(load("market-entrance"))


@pytest.mark.wrong_types
def test_an_invalid_game_is_refused():
    with pytest.raises(ValueError, match="expected an instance of a subclass"):
        check("laffer-tax")


@pytest.mark.parametrize(
    ("reward", "discount"),
    [
        pytest.param(1e6, 0.9, marks=pytest.mark.slow),
        pytest.param(1e3, 0.9, marks=pytest.mark.slow),
        pytest.param(1.0, 0.999, marks=pytest.mark.slow),
        pytest.param(0.0, 0.9, marks=pytest.mark.slow),
    ],
)
def test_rounding_noise_refutes_nothing(reward, discount):
    """A constant leader reward: both gradients are zero, whatever the arithmetic says."""
    rng = np.random.default_rng(0)
    game = TabularGame.from_arrays(
        kernel=rng.dirichlet(np.ones(3), (3, 2, 2)),
        follower_rewards=rng.normal(size=(3, 2, 2)),
        leader_rewards=np.full((3, 2, 2), reward),
        follower_rewards_mean_field=rng.normal(size=(3, 3, 2, 2)),
        discount=discount,
        temperature=0.3,
    )
    report = check(game, NAME, num_leaders=64, num_starts=4, num_steps=10)
    assert Verdict.REFUTED not in {finding.verdict for finding in report.findings}
