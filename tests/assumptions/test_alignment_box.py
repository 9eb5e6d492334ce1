"""Certified alignment over boxes of leaders: against dense grids of exact gradients, for every verdict."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions._registry import SearchSettings
from smfg_verify.assumptions.alignment_box import BOX, certified_box_finding, recompute_certified_box
from smfg_verify.assumptions.finding import Evidence
from smfg_verify.assumptions.leaders import checked, evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load

SETTINGS = SearchSettings(num_boxes=2000, seconds=60.0)


def inner_on_grid(game, number=1501):
    """<g, p> at leaders of a one-parameter game with logits (x, 0), x from -6 to 6."""
    grid = np.linspace(-BOX, BOX, number)
    points = evaluate_leaders(checked(game), np.stack([grid, 0 * grid], axis=-1)[:, None, :])
    return grid, np.sum(points.total * points.direct, axis=(1, 2))


def assert_reproduces(finding, game):
    again = Finding.from_json(finding.to_json())
    value = recompute_certified_box(game, again.witness)
    np.testing.assert_allclose(value, finding.constant, rtol=1e-8)


def assert_signs_agree(finding, grid, inner):
    """Every grid point lies in a box, and where its box has a certified sign, the point has that sign."""
    details = finding.details
    held = (grid[:, None] >= details["box_lower"].T) & (grid[:, None] <= details["box_upper"].T)
    assert held.any(axis=1).all()
    for k, sign in enumerate(details["sign"]):
        if sign:
            assert np.all(sign * inner[held[:, k]] > 0.0)


@pytest.fixture(scope="module")
def laffer():
    game = checked(load("laffer-tax"))
    return game, certified_box_finding(game, SETTINGS), inner_on_grid(game)


def test_laffer_tax_is_refuted_for_half_of_the_leaders(laffer):
    game, finding, (grid, inner) = laffer
    assert finding.verdict is Verdict.REFUTED
    assert finding.constant == pytest.approx(-1.0)
    assert_reproduces(finding, game)
    assert_signs_agree(finding, grid, inner)
    negative, positive = np.mean(inner < 0.0), np.mean(inner > 0.0)
    assert abs(finding.details["negative_share"] - negative) < 5e-3
    assert abs(finding.details["positive_share"] - positive) < 5e-3
    total = sum(finding.details[f"{sign}_share"] for sign in ("negative", "positive"))
    assert total <= 1.0
    curve = finding.details["search_curve"]
    assert np.all(np.diff(curve) <= 1e-12)
    assert curve[-1] < 1e-2


def test_laffer_tax_without_a_peak_is_certified():
    """At temperature 0.5 the revenue rises with the tax throughout; the bound lies below every grid point."""
    game = checked(load("laffer-tax", temperature=0.5))
    finding = certified_box_finding(game, SETTINGS)
    grid, inner = inner_on_grid(game)
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.evidence is Evidence.PROOF
    assert finding.details["positive_share"] == pytest.approx(1.0)
    assert 0.0 < finding.constant <= inner.min()
    assert_reproduces(finding, game)
    assert_signs_agree(finding, grid, inner)


def toll_closed_form(game, number=1501):
    r"""<g, p> of the two-road toll at logits (x, 0), from its closed form alone.

    A toll t on road 1 with probability q: $m_1 = sigmoid((k_2 m_2 - k_1 m_1 - q t) / \tau)$, so with $s = m_1 m_2$
    $dm_1/dq = -t s / (\tau + s (k_1 + k_2))$. The objective is $q t m_1 / (1 - \gamma)$, and dq/dx = -q (1 - q).
    """
    (k1, k2), toll, tau = np.asarray(game.kappa), float(game.tolls[1, 0]), float(game.temperature)
    grid = np.linspace(-BOX, BOX, number)
    q = 1.0 / (1.0 + np.exp(grid))
    low, high = np.zeros_like(q), np.ones_like(q)
    for _ in range(60):
        m = 0.5 * (low + high)
        above = m > 1.0 / (1.0 + np.exp(-(k2 * (1 - m) - k1 * m - q * toll) / tau))
        low, high = np.where(above, low, m), np.where(above, m, high)
    share = m * (1 - m)
    total = toll * (m - q * toll * share / (tau + share * (k1 + k2)))
    return grid, 2.0 * (q * (1 - q) / (1.0 - float(game.discount))) ** 2 * total * toll * m


@pytest.mark.parametrize("toll", [0.5, pytest.param(3.0, marks=pytest.mark.slow)])
def test_two_road_toll_is_what_its_closed_form_says(toll):
    """A small toll always pays; a large one drives the drivers away before it is certain to be asked."""
    game = checked(load("two-road-toll", tolls=((0.0, 0.0), (toll, 0.0))))
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, num_boxes=20_000))
    grid, inner = toll_closed_form(game)
    assert_signs_agree(finding, grid, inner)
    assert_reproduces(finding, game)
    if np.all(inner > 0.0):
        assert finding.verdict is Verdict.CERTIFIED
        assert 0.0 < finding.constant <= inner.min()
        # The box of the lowest bound is where <g, p> is lowest, at an end of the logits.
        assert inner.min() == pytest.approx(min(inner[0], inner[-1]))
    else:
        assert finding.verdict is Verdict.REFUTED
        assert finding.details["negative_share"] == pytest.approx(np.mean(inner < 0.0), abs=5e-3)


def aligned_game(response):
    """The leader pays for b = 1 and gains from followers who shy away from it; with response 0, g = p."""
    shape = (2, 2, 2)
    kernel = np.zeros((*shape, 2))
    kernel[:, 0], kernel[:, 1] = [0.9, 0.1], [0.2, 0.8]
    follower = np.zeros(shape)
    follower[:, 1, 1] = -1.0
    return checked(
        TabularGame.from_arrays(
            kernel=kernel,
            follower_rewards=follower,
            leader_rewards=np.broadcast_to([0.0, -1.0], shape),
            leader_rewards_mean_field=response
            * np.broadcast_to(np.array([1.0, -1.0])[:, None, None, None], (2, *shape)),
            discount=0.8,
            temperature=0.5,
            leader_observation=[0, 0],
        )
    )


def test_a_weakly_coupled_leader_is_certified():
    finding = certified_box_finding(aligned_game(0.05), SETTINGS)
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.details["positive_share"] == pytest.approx(1.0)


@pytest.mark.slow
def test_a_strongly_coupled_leader_is_refuted():
    game = aligned_game(10.0)
    finding = certified_box_finding(game, SETTINGS)
    assert finding.verdict is Verdict.REFUTED
    assert_reproduces(finding, game)
    assert_signs_agree(finding, *inner_on_grid(game))


@pytest.mark.parametrize("boxes", [1, 2, 30, 200])
def test_out_of_budget_is_inconclusive_with_what_is_proved_so_far(boxes):
    game = checked(load("two-road-toll"))
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, num_boxes=boxes))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.searched["boxes"] <= boxes
    grid, inner = toll_closed_form(game, 301)
    assert_signs_agree(finding, grid, inner)
    if finding.witness:
        assert finding.constant <= inner.min()
        assert_reproduces(finding, game)
    else:
        assert np.isnan(finding.constant)
        assert "no bound" in finding.meaning


@pytest.mark.slow
def test_two_parameters_are_covered_as_far_as_the_budget_goes():
    game = checked(load("laffer-tax", observation=(0, 1)))
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, num_boxes=1200))
    assert finding.verdict is Verdict.REFUTED
    assert_reproduces(finding, game)
    details = finding.details
    rng = np.random.default_rng(0)
    points = rng.uniform(-BOX, BOX, size=(512, 2))
    found = evaluate_leaders(game, np.stack([points, 0 * points], axis=-1))
    inner = np.sum(found.total * found.direct, axis=(1, 2))
    held = np.all((details["box_lower"] <= points[:, None]) & (points[:, None] <= details["box_upper"]), axis=2)
    assert held.any(axis=1).all()
    sign = details["sign"][np.argmax(held, axis=1)]
    assert np.all(sign * inner >= 0.0)
    assert np.mean(sign != 0) > 0.3


def test_where_it_does_not_apply_it_says_why():
    for name, options, why in (
        ("market-entrance", {}, "4 free parameters"),
        ("shop-positioning", {"num_states": 2, "crowd": "log"}, "affine"),
        ("laffer-tax", {"taxes": (0.5,)}, "single action"),
    ):
        finding = certified_box_finding(checked(load(name, **options)), SETTINGS)
        assert finding.verdict is Verdict.NOT_APPLICABLE
        assert finding.meaning.startswith("Not applicable")
        assert why in finding.meaning


def test_witness_of_another_game_is_refused(laffer):
    _, finding, _ = laffer
    with pytest.raises(ValueError, match="another game"):
        recompute_certified_box(checked(load("independent-leader")), finding.witness)


def test_same_game_same_finding():
    game = checked(load("laffer-tax", temperature=0.5))
    first, second = (certified_box_finding(game, SETTINGS).to_json() for _ in range(2))
    assert first == second
