"""Proofs around iterates against closed forms: none reaches over a fold, another equilibrium or a jump."""

from types import SimpleNamespace

import numpy as np
import pytest

from smfg_verify.assumptions.along.certified_near import KEPT
from smfg_verify.assumptions.along.iterates import Iterates
from smfg_verify.assumptions.along.near_responses import NUMBERS, near_responses, too_much
from smfg_verify.assumptions.along.worlds import Around, by_intervals
from smfg_verify.assumptions.enclosure.response.forest import Looked
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from tests.assumptions.along.test_along_run import modulus_and_rate, nearby
from tests.assumptions.crowds import crowd, packaged
from tests.assumptions.enclosure.leader.test_responses import Leavers, at_the_ends, best_response, drawn, slopes_of
from tests.assumptions.enclosure.response.tables.test_curved import Jump
from tests.helpers import oracle
from tests.helpers.numerics import softmax
from tests.helpers.random_arrays import random_array_game

# Records made by hand stand in for those that solvers make.
pytestmark = pytest.mark.wrong_types


def around(game, leaders, fields, equilibria, values):
    """What is proved around leaders and mean fields with these numbers."""
    number = len(leaders)
    iterates = Iterates(
        np.asarray(leaders), np.zeros((number, 2, 2)), fields, np.ones(number, bool), np.arange(1), np.arange(number)
    )
    points = SimpleNamespace(converged=np.ones(number, bool), mean_field=equilibria)
    return near_responses(game, iterates, points, values)


ATTRACTION, TEMPERATURE, INERTIA = 1.0, 0.4, 0.1


def slope(share):
    """Of the best response of `crowd` in its first entry."""
    gap = ATTRACTION * (2.0 * share - 1.0) / TEMPERATURE
    return (1.0 - INERTIA) * 2.0 * ATTRACTION / TEMPERATURE * 0.25 / np.cosh(0.5 * gap) ** 2


@pytest.fixture(scope="module")
def coordination():
    """A crowd with three equilibria: runs at many mean fields, each with one of the outer ones."""
    shares = np.concatenate([np.linspace(0.02, 0.98, 13), [0.5 + 1e-3, 0.3, 0.36]])
    outer = 0.9
    for _ in range(400):
        gap = ATTRACTION * (2.0 * outer - 1.0) / TEMPERATURE
        outer = (1.0 - INERTIA) / (1.0 + np.exp(-gap)) + 0.5 * INERTIA
    solved = np.where(shares < 0.5, 1.0 - outer, outer)
    fields, equilibria = (np.stack([part, 1.0 - part], axis=1) for part in (shares, solved))
    values = {
        "modulus": slope(solved),
        "modulus_at_mean_field": slope(shares),
        "rate": 1.0 - slope(solved),
        "rate_at_mean_field": 1.0 - slope(shares),
        "index": 1.0 - slope(solved),
    }
    game = crowd(ATTRACTION, TEMPERATURE, inertia=INERTIA)
    leaders = np.zeros((len(shares), 2, 2))
    return shares, solved, values, around(game, leaders, fields, equilibria, values)


def test_no_proof_reaches_over_a_fold(coordination):
    shares, solved, values, near = coordination
    for name in ("modulus", "modulus_at_mean_field", "rate", "rate_at_mean_field"):
        middle, found = shares if name.endswith("mean_field") else solved, near[name]
        for at, radius, proved in zip(middle, found.radius, found.constant, strict=True):
            if slope(at) >= 1.0:
                assert radius == 0.0
                continue
            assert radius > 0.0
            ball = np.clip(np.linspace(at - radius, at + radius, 401), 0.0, 1.0)
            worst = np.max(slope(ball))
            assert worst < 1.0
            assert worst <= proved if name.startswith("modulus") else 1.0 - worst >= proved
    assert np.min(values["rate_at_mean_field"]) < 0.0 < np.min(near["rate"].radius)


def test_no_ball_of_one_equilibrium_holds_another(coordination):
    _, solved, _, near = coordination
    radius = near["index"].radius
    assert np.all(radius > 0.01)
    assert np.all(radius < np.abs(solved - 0.5))


def test_an_equilibrium_of_negative_index_is_not_proved_to_be_alone(coordination):
    game = crowd(ATTRACTION, TEMPERATURE, inertia=INERTIA)
    middle = np.full((1, 2), 0.5)
    values = {"index": np.array([1.0 - slope(0.5)]), "rate": np.array([1.0])}
    near = around(game, np.zeros((1, 2, 2)), middle, middle, values)
    assert near["index"].radius[0] == 0.0
    # Nor is a rate that the iterate is told to have and has not.
    assert near["rate"].radius[0] == 0.0


def test_rows_that_take_one_action_have_proofs_that_hold_for_leaders_near():
    arrays = random_array_game(np.random.default_rng(5), 3, 2, 2, observations=2, gamma=0.8, tau=0.5)
    leaders = np.array([[[800.0, 0.0], [0.0, 60.0]]])
    phi = softmax(leaders[0])
    field = np.array([[1.0, 0.0, 0.0]])
    value = modulus_and_rate(np.eye(3) - oracle._jacobian(arrays, phi[arrays.observation], field[0]))
    names = ("modulus_at_mean_field", "rate_at_mean_field")
    near = around(packaged(arrays), leaders, field, field, {name: np.array([value[k]]) for k, name in enumerate(names)})
    rng = np.random.default_rng(0)
    for name, sign in zip(names, (1.0, -1.0), strict=True):
        radius, proved = near[name].radius[0], near[name].constant[0]
        assert radius > 1e-4
        fields = rng.permutation(nearby(field[0], radius, rng))
        rows = [rng.permutation(nearby(row, radius, rng)) for row in phi]
        for point, *leader in list(zip(fields, *rows, strict=False))[:10]:
            slopes = np.eye(3) - oracle._jacobian(arrays, np.array(leader)[arrays.observation], point)
            assert sign * modulus_and_rate(slopes)[names.index(name)] <= sign * proved


def test_laws_of_pairs_have_proofs_that_hold_at_sampled_leaders_and_mean_fields():
    game, rng = checked(Leavers()), np.random.default_rng(3)
    leaders = np.array([[[0.5, 0.0]] * 2])
    phi, field = softmax(leaders[0]), np.full(4, 0.25)
    for _ in range(60):
        field = 0.5 * field + 0.5 * best_response(game, phi, field)

    def numbers_at(leader, law):
        slopes = slopes_of(game, leader, law).T
        return modulus_and_rate(np.pad(np.vstack([slopes, -slopes.sum(axis=0)]), ((0, 0), (0, 1))))

    names, at = ("modulus", "rate", "index"), field.reshape(1, 2, 2)
    near = around(game, leaders, at, at, {n: np.array([v]) for n, v in zip(names, numbers_at(phi, field), strict=True)})
    for k, name in enumerate(names):
        radius, proved = near[name].radius[0], near[name].constant[0]
        assert radius > 3e-3, name
        laws, rows = (rng.permutation(nearby(part, radius, rng))[:6] for part in (field, phi[0]))
        for law, row in zip(laws, rows, strict=False):
            value = numbers_at(np.stack([row, row]), law)[k]
            assert value <= proved if name == "modulus" else value >= proved, name


@pytest.mark.parametrize(("draw", "met"), [((59, 1, 2, 0.3), 0.8), ((18, 2, 1, 0.2, 0.0), 0.5)])
def test_intervals_are_of_all_leaders_and_mean_fields_within_the_width_and_hardly_more(draw, met):
    (game, phi, field), radius, kept = drawn(*draw), np.array([0.01]), []

    def look(seen):
        kept.append(seen.jacobian)
        return Looked(*(np.zeros(1) for _ in range(4)), seen.edge)

    by_intervals(game).prove(look, Around(phi[None], field[None], radius), np.zeros(1), 1)
    middle = 0.5 * (kept[0].upper + kept[0].lower)[..., 0]
    share = np.abs(at_the_ends(game, phi, field, radius[0]) - middle) / (kept[0].upper[..., 0] - middle)
    assert met < np.max(share) <= 1.0 + 1e-9


def test_a_game_of_pairs_too_large_for_intervals_is_told_so(monkeypatch):
    monkeypatch.setattr("smfg_verify.assumptions.along.near_responses._MOST_OF_INTERVALS", 0)
    at = np.full((1, 2, 2), 0.25)
    near = around(checked(Leavers()), np.zeros((1, 2, 2)), at, at, {"modulus": np.array([0.5])})["modulus"]
    assert near.radius == 0.0
    assert "too much" in near.reason


@pytest.mark.slow
def test_no_proof_reaches_over_a_jump():
    shares = np.array([0.45, 0.499, 0.501])
    fields = np.stack([shares, 1.0 - shares], axis=1)
    # A game without tables says why, and proves nothing.
    near = around(checked(Jump()), np.zeros((3, 1, 2)), fields, fields, {"rate_at_mean_field": np.ones(3)})
    found = near["rate_at_mean_field"]
    assert np.all(found.radius <= np.abs(shares - 0.5))
    assert found.reason or np.any(found.radius > 0.0)


@pytest.mark.parametrize("field", [[0.8, 0.8], [-0.25, 1.25], [np.nan, np.nan]])
def test_what_is_no_mean_field_has_no_proof(field):
    game, law = crowd(0.5, 1.0), np.full((1, 2), 0.5)
    near = around(game, np.zeros((1, 2, 2)), np.array([field]), law, {name: np.full(1, 0.5) for name in NUMBERS})
    assert near["rate_at_mean_field"].radius[0] == 0.0
    assert near["modulus_at_mean_field"].radius[0] == 0.0
    assert near["rate"].radius[0] > 0.0
    assert near["rate"].constant[0] >= KEPT * 0.5


def test_a_game_of_one_state_and_one_of_too_many_iterates_say_why_nothing_is_proved():
    shape = (1, 2, 2)
    alone = TabularGame.from_arrays(
        kernel=np.ones((*shape, 1)),
        follower_rewards=np.zeros(shape),
        leader_rewards=np.zeros(shape),
        discount=0.5,
        temperature=1.0,
    )
    one = np.ones((1, 1))
    near = around(checked(alone), np.zeros((1, 1, 2)), one, one, {name: np.ones(1) for name in NUMBERS})
    for found in near.values():
        assert "one state" in found.reason
        assert found.radius[0] == 0.0
    tables = vertex_tables(crowd(0.5, 1.0))
    assert not too_much(tables, 100)
    assert "2 iterates" not in too_much(tables, 2)
    assert "are too much" in too_much(tables, 10**8)
