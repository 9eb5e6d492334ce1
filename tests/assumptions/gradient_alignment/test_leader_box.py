"""Certified alignment over boxes of leaders: against dense grids of exact gradients, for every verdict."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions.enclosure.leader.affine import affine_game
from smfg_verify.assumptions.finding import Evidence
from smfg_verify.assumptions.gradient_alignment.box_cover import LOG_RATIO, Boxes, Cover, charts_of
from smfg_verify.assumptions.gradient_alignment.leader_box import certified_box_finding, recompute_certified_box
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load

SETTINGS = SearchSettings(num_boxes=2000)


def inner_on_grid(game, number=1501):
    """<g, p> at leaders of a one-parameter game with logits (x, 0), x from -12 to 12."""
    grid = np.linspace(-LOG_RATIO, LOG_RATIO, number)
    return grid, inner_at(game, one_parameter(grid))


def one_parameter(grid):
    return np.stack([grid, 0 * grid], axis=-1)[:, None, :]


def inner_at(game, logits):
    points = evaluate_leaders(checked(game), logits)
    return np.sum(points.total * points.direct, axis=(1, 2))


def assert_reproduces(finding, game):
    again = Finding.from_json(finding.to_json())
    value = recompute_certified_box(game, again.witness)
    np.testing.assert_allclose(value, finding.constant, rtol=1e-8)


def holding(finding, logits):
    """Which boxes hold each leader, its rows shifted so that the largest logit is zero, (N, K)."""
    shifted = (logits - np.max(logits, axis=-1, keepdims=True)).reshape(len(logits), 1, -1)
    lower, upper = (finding.details[name].reshape(1, -1, shifted.shape[-1]) for name in ("box_lower", "box_upper"))
    slack = 1e-12  # a shift rounds
    return np.all((shifted >= lower - slack) & (shifted <= upper + slack), axis=-1)


def assert_signs_agree(finding, logits, inner, error=0.0):
    """Every leader lies in a box, and where its box has a certified sign, <g, p> has that sign."""
    held = holding(finding, logits)
    assert held.any(axis=1).all()
    for k, sign in enumerate(finding.details["sign"]):
        if sign:
            assert np.all(sign * inner[held[:, k]] > -error)


@pytest.fixture(scope="module")
def laffer():
    game = checked(load("laffer-tax"))
    return game, certified_box_finding(game, SETTINGS), inner_on_grid(game)


def test_laffer_tax_is_refuted_for_half_of_the_leaders(laffer):
    game, finding, (grid, inner) = laffer
    assert finding.verdict is Verdict.REFUTED
    assert finding.constant == pytest.approx(-1.0)
    assert_reproduces(finding, game)
    assert_signs_agree(finding, one_parameter(grid), inner)
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
    assert_signs_agree(finding, one_parameter(grid), inner)


def toll_closed_form(game, number=1501):
    r"""<g, p> of the two-road toll at logits (x, 0), from its closed form alone.

    A toll t on road 1 with probability q: $m_1 = sigmoid((k_2 m_2 - k_1 m_1 - q t) / \tau)$, so with $s = m_1 m_2$
    $dm_1/dq = -t s / (\tau + s (k_1 + k_2))$. The objective is $q t m_1 / (1 - \gamma)$, and dq/dx = -q (1 - q).
    """
    (k1, k2), toll, tau = np.asarray(game.kappa), float(game.tolls[1, 0]), float(game.temperature)
    grid = np.linspace(-LOG_RATIO, LOG_RATIO, number)
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
    assert_signs_agree(finding, one_parameter(grid), inner)
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
    grid, inner = inner_on_grid(game)
    assert_signs_agree(finding, one_parameter(grid), inner)


@pytest.mark.parametrize("boxes", [1, 2, 10])
def test_out_of_budget_is_inconclusive_with_what_is_proved_so_far(boxes):
    game = checked(load("two-road-toll"))
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, num_boxes=boxes))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.searched["boxes"] <= max(boxes, 2)  # one of each chart always is enclosed
    grid, inner = toll_closed_form(game, 301)
    assert_signs_agree(finding, one_parameter(grid), inner)
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
    points = np.random.default_rng(0).uniform(-LOG_RATIO, LOG_RATIO, size=(512, 2))
    logits = np.stack([points, 0 * points], axis=-1)
    assert_signs_agree(finding, logits, inner_at(game, logits))
    sign = finding.details["sign"][np.argmax(holding(finding, logits), axis=1)]
    assert np.mean(sign != 0) > 0.2


def test_where_it_does_not_apply_it_says_why():
    for name, options, why in (
        ("market-entrance", {"num_states": 3}, "9 free parameters"),
        ("laffer-tax", {"taxes": (0.5,)}, "single action"),
    ):
        finding = certified_box_finding(checked(load(name, **options)), SETTINGS)
        assert finding.verdict is Verdict.NOT_APPLICABLE
        assert finding.meaning.startswith("Not applicable")
        assert why in finding.meaning


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_leaders_of_followers_who_look_at_pairs_are_covered(seed):
    sizes = {"num_states": 2, "num_follower_actions": 2, "num_leader_actions": 2}
    game = checked(load("random-game", mean_field_support="state_actions", seed=seed, **sizes))
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, num_boxes=100))
    assert finding.witness["mean_field"].shape == (2, 2)
    assert_reproduces(finding, game)
    points = np.random.default_rng(0).uniform(-LOG_RATIO, LOG_RATIO, size=(256, 2))
    logits = np.stack([points, 0 * points], axis=-1)
    assert_signs_agree(finding, logits, inner_at(game, logits))
    sign = finding.details["sign"][np.argmax(holding(finding, logits), axis=1)]
    assert np.mean(sign != 0) > 0.2


def test_witness_of_another_game_is_refused(laffer):
    _, finding, _ = laffer
    with pytest.raises(ValueError, match="another game"):
        recompute_certified_box(checked(load("independent-leader")), finding.witness)


@pytest.mark.slow
def test_same_game_same_finding():
    game = checked(load("laffer-tax", temperature=0.5))
    first, second = (certified_box_finding(game, SETTINGS).to_json() for _ in range(2))
    assert first == second


# The set that a sentence names


def leaders_of_the_named_set(rng, observations, actions, number):
    """Leaders with log-probabilities at most 12 apart in each row, drawn without this package, every kind of corner
    included: each action at the top or at the bottom, the others at either end."""
    ends = np.array(list(itertools.product((-LOG_RATIO, 0.0), repeat=observations * actions)))
    ends = ends.reshape(-1, observations, actions)
    inside = rng.uniform(-LOG_RATIO, 0.0, size=(number, observations, actions))
    top = rng.integers(actions, size=(number, observations, 1))
    np.put_along_axis(inside, top, 0.0, axis=2)
    logits = np.concatenate([ends[np.max(ends, axis=2).min(axis=1) == 0.0], inside])
    return logits + rng.normal(size=(len(logits), observations, 1))  # a shift of a row changes no leader


def influenced_game(actions, observation, influence, seed=0):
    """A leader that likes some actions, whose followers answer by moving, with a reward on where they are."""
    rng = np.random.default_rng(seed)
    n = len(observation)
    kernel = np.zeros((n, 2, actions, n))
    kernel[:, 0, :, 0], kernel[:, 0, :, 1], kernel[:, 1, :, 0], kernel[:, 1, :, 1] = 0.9, 0.1, 0.2, 0.8
    follower = np.zeros((n, 2, actions))
    follower[:, 1] = -rng.uniform(0.0, 2.0, size=actions)
    likes = np.broadcast_to(rng.normal(size=actions), (n, 2, actions))
    places = np.arange(n, dtype=float)[:, None, None, None] * np.ones((1, n, 2, actions))
    return checked(
        TabularGame.from_arrays(
            kernel=kernel,
            follower_rewards=follower,
            leader_rewards=likes,
            leader_rewards_mean_field=influence * places,
            discount=0.5,
            temperature=0.5,
            leader_observation=list(observation),
        )
    )


def shared_trial():
    """Of two states: certified over last-action logits of at most 6, misaligned at a log-ratio of 8."""
    kernel, mover = np.zeros((2, 2, 2, 2)), np.zeros((2, 2, 2))
    for a in (0, 1):
        kernel[:, a, :, a], kernel[:, a, :, 1 - a] = 0.95, 0.05
    mover[:, 1, 1] = -1.0
    leader, places = np.zeros((2, 2, 2)), np.zeros((2, 2, 2, 2))
    leader[:, :, 0], places[1] = 1.0, -0.0074
    return checked(
        TabularGame.from_arrays(
            kernel=kernel,
            follower_rewards=mover,
            leader_rewards=leader,
            leader_rewards_mean_field=places,
            discount=0.0,
            temperature=1e-3,
            leader_observation=[0, 0],
        )
    )


@pytest.mark.parametrize(
    "make",
    [
        shared_trial,
        pytest.param(lambda: influenced_game(2, (0, 0), 0.1), marks=pytest.mark.slow),
        pytest.param(lambda: influenced_game(2, (0, 1), 0.1), marks=pytest.mark.slow),
        pytest.param(lambda: influenced_game(3, (0, 0), 0.02), marks=pytest.mark.slow),
        pytest.param(lambda: influenced_game(4, (0, 0), 0.0), marks=pytest.mark.slow),
    ],
)
def test_what_is_claimed_holds_for_every_leader_that_the_sentence_names(make):
    """Sampled domination: the corners of the named set and leaders inside, each against the claim."""
    game = make()
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, num_boxes=6000))
    assert f"at most {LOG_RATIO:g} apart" in finding.meaning
    observations, actions = finding.details["box_lower"].shape[1:]
    logits = leaders_of_the_named_set(np.random.default_rng(1), observations, actions, 200)
    inner = inner_at(game, logits)
    # Where the softmax saturates <g, p> is of the size of squared roundings.
    assert_signs_agree(finding, logits, inner, error=1e-13 * np.max(np.abs(inner)))
    if finding.verdict is Verdict.CERTIFIED:
        assert np.all(inner >= finding.constant - 1e-13 * np.max(np.abs(inner)))


def test_the_leader_that_the_old_box_left_out_is_found():
    """Logits (6, -2) lie in [-6, 6]; the cosine there is -1, and the claim must not say otherwise."""
    finding = certified_box_finding(shared_trial(), SETTINGS)
    assert finding.verdict is Verdict.REFUTED
    assert_reproduces(finding, shared_trial())
    held = holding(finding, np.array([[[6.0, -2.0]]]))[0]
    assert np.all(finding.details["sign"][held] <= 0)


@pytest.mark.parametrize("actions", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_no_order_of_the_actions_changes_what_is_found(actions):
    """Relabelling the leader's actions relabels the boxes, and nothing else."""
    game = influenced_game(actions, (0, 0), 0.3, seed=2)
    order = np.roll(np.arange(actions), 1)
    axes = {"kernel": 2, "follower_rewards": 2, "leader_rewards": 2, "leader_rewards_mean_field": 3}
    tables = {name: jnp.asarray(np.take(np.asarray(getattr(game, name)), order, axis)) for name, axis in axes.items()}
    turned = checked(dataclasses.replace(game, **tables))
    settings = dataclasses.replace(SETTINGS, num_boxes=300)
    first, second = (certified_box_finding(one, settings) for one in (game, turned))
    assert first.verdict is second.verdict
    for share in ("positive_share", "negative_share", "unverified_share"):
        assert first.details[share] == pytest.approx(second.details[share], abs=1e-12)


def test_rounding_of_wide_boxes_makes_nothing_negligible():
    """An early box whose enclosure is wide has a large middle; what is called negligible is measured by what is met."""
    wide = Boxes(*(np.zeros((2, 1)) for _ in range(3)), *(np.zeros(2) for _ in range(4)), *(np.zeros((2, 1)),) * 2)
    wide = wide._replace(size=np.array([1e9, 1.0]), scale=np.array([1e6, 0.9]))
    charts = charts_of(affine_game(influenced_game(2, (0, 0), 0.1)))
    assert not Cover(charts, wide, 2, np.ones(1)).negligible.any()


def test_a_time_limit_that_cuts_is_named_in_the_finding():
    game = checked(load("two-road-toll"))
    finding = certified_box_finding(game, dataclasses.replace(SETTINGS, time_limit=1e-9))
    assert finding.searched["cut_by_time_limit"] == "cover"
    assert "time limit" in finding.meaning
    free = certified_box_finding(game, SETTINGS)
    assert "time limit" not in free.meaning
