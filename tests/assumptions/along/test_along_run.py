"""Numbers along a run against the independent oracle, and proofs around its leaders against sampled leaders."""

from types import SimpleNamespace

import numpy as np
import pytest

from smfg_verify.assumptions.along import certified_near as certified
from smfg_verify.assumptions.along import optimal_floor
from smfg_verify.assumptions.along.along_run import check_along
from smfg_verify.assumptions.along.certified_near import KEPT, certified_near
from smfg_verify.assumptions.along.conditions import CONDITIONS
from smfg_verify.assumptions.along.iterates import iterates_of
from smfg_verify.assumptions.along.readings import READERS
from smfg_verify.assumptions.enclosure.leader import boxes
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.game import TabularGame, traced
from tests.helpers import oracle
from tests.helpers.follower_oracle import best_response, follower_gap, leader_rows, occupancy, policy_kernel
from tests.helpers.numerics import softmax
from tests.helpers.random_arrays import random_array_game

SEEDS, CHECKPOINTS = 2, 2


def recorded(game, *, seed=0, lost=()):
    """A run of random iterates; NaN in those that are lost."""
    n, num_actions, num_leader_actions = game.sizes
    rng, shape = np.random.default_rng(seed), (SEEDS, CHECKPOINTS)
    rows = int(np.max(game.observation)) + 1
    field = rng.dirichlet(np.ones(n), size=shape)
    leaders = rng.normal(size=(*shape, rows, num_leader_actions))
    for place in lost:
        leaders[place] = np.nan
    return SimpleNamespace(
        seeds=np.array([3, 7], dtype=np.uint32),
        iterations=np.array([0, 10]),
        leader_logits=leaders,
        follower_logits=rng.normal(size=(*shape, n, num_actions)),
        mean_field=field,
    )


@pytest.fixture(scope="module")
def case():
    """A random game that is affine in its mean field, with two free logits; a run; and what is found along it."""
    arrays = random_array_game(np.random.default_rng(5), 3, 2, 2, observations=2, gamma=0.8, tau=0.5)
    game, run = TabularGame.from_arrays(**arrays.from_arrays_arguments()), recorded(arrays, lost=[(1, 0)])
    return arrays, game, run, check_along(game, run, [name for name in READERS if name != "smoothness"])


def iterates(run):
    for seed, checkpoint in np.ndindex(SEEDS, CHECKPOINTS):
        if np.isfinite(run.leader_logits[seed, checkpoint]).all():
            yield (
                (seed, checkpoint),
                *(part[seed, checkpoint] for part in (run.leader_logits, run.follower_logits, run.mean_field)),
            )


def modulus_and_rate(slope):
    """Of D Gamma, from its slope along all pairs of unit masses and in a basis of tangents of its own."""
    n = len(slope)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    basis = np.linalg.svd(np.ones((1, n)))[2][1:].T
    inner = basis.T @ slope @ basis
    growth = np.linalg.eigvalsh(0.5 * (inner + inner.T))[-1]
    index = np.prod(1.0 - np.linalg.eigvals(inner)).real
    return max(0.5 * np.abs(slope[:, i] - slope[:, j]).sum() for i, j in pairs), 1.0 - growth, index


def test_every_number_is_the_oracles(case):
    arrays, _, run, found = case
    for place, omega, theta, field in iterates(run):
        phi, policy = leader_rows(arrays, omega), softmax(theta)
        moves = policy_kernel(arrays, phi, policy, field)
        solved = oracle.equilibrium(arrays, omega)
        slopes = [np.eye(3) - oracle._jacobian(arrays, phi, point) for point in (solved.mean_field, field)]
        at_equilibrium, at_field = map(modulus_and_rate, slopes)
        gradient = oracle.gradient(arrays, omega)
        total, direct = (np.asarray(part, dtype=float) for part in (gradient.total, gradient.direct))
        inner = np.sum(total * direct)
        expected = {
            "mixing": max(0.5 * np.abs(a - b).sum() for a in moves for b in moves),
            "occupancy": occupancy(arrays, moves).min(),
            "modulus": at_equilibrium[0],
            "rate": at_equilibrium[1],
            "index": at_equilibrium[2],
            "modulus_at_mean_field": at_field[0],
            "rate_at_mean_field": at_field[1],
            "alignment": inner / np.sum(total**2),
            "cosine": inner / np.sqrt(np.sum(total**2) * np.sum(direct**2)),
        }
        for name, value in expected.items():
            assert found.values[name][place] == pytest.approx(value, rel=1e-7), name


def test_the_followers_ratio_is_that_of_its_squared_gradient_to_its_gap(case):
    arrays, _, run, found = case
    for place, omega, theta, field in iterates(run):
        step = 1e-5

        def gap(logits, omega=omega, field=field):
            return follower_gap(arrays, omega, softmax(logits), field)

        units = np.eye(theta.size).reshape(-1, *theta.shape)
        slope = [(gap(theta + step * unit) - gap(theta - step * unit)) / (2.0 * step) for unit in units]
        assert found.values["domination"][place] == pytest.approx(np.sum(np.square(slope)) / gap(theta), rel=1e-6)


def test_what_is_proved_of_the_followers_floor_is_below_what_is_measured(case):
    arrays, _, run, found = case
    n, tau, least = arrays.sizes[0], arrays.temperature, arrays.initial_distribution.min()
    for place, _, theta, _ in iterates(run):
        formula = 2.0 * tau / n * least**2 * (1.0 - arrays.discount) * softmax(theta).min() ** 2
        proved = found.values["proved_domination"][place]
        assert proved == pytest.approx(formula, rel=1e-9)
        assert proved <= formula
        assert proved <= found.values["domination"][place]


def test_what_is_proved_near_the_optimum_rests_on_a_floor_just_below_the_oracles(case):
    arrays, _, run, found = case
    n, tau, least = arrays.sizes[0], arrays.temperature, arrays.initial_distribution.min()
    for place, omega, _, field in iterates(run):
        floor = best_response(arrays, leader_rows(arrays, omega), field)[1].min()
        apart = 0.5 * floor * np.log(0.5) + (1.0 - 0.5 * floor) * np.log((1.0 - 0.5 * floor) / (1.0 - floor))
        constant = 2.0 * tau / n * least**2 * (1.0 - arrays.discount) * (0.5 * floor) ** 2
        for name, formula in (("near_optimum", constant), ("near_gap", tau * least * apart)):
            assert found.values[name][place] == pytest.approx(formula, rel=1e-8)
            assert found.values[name][place] < formula


def test_a_value_that_is_off_leaves_a_floor_that_is_lower(case, monkeypatch):
    """The bound stands on the residual: wrong values may cost floor, never the truth of it."""
    _, game, run, _ = case
    rng, points = np.random.default_rng(0), iterates_of(game, run)
    right, exact = optimal_floor._value, optimal_floor.optimal_floors(traced(game), points)
    for size in (1e-9, 1e-3, 1.0):
        noise = size * rng.normal(size=(len(exact), game.num_states))
        monkeypatch.setattr(optimal_floor, "_value", lambda *parts, noise=noise: right(*parts) + noise)
        assert np.all(optimal_floor.optimal_floors(traced(game), points) < exact)


@pytest.mark.slow
def test_curvature_is_that_of_differences_of_gradients(case):
    arrays, game, run, _ = case
    found = check_along(game, run, "smoothness")
    place, omega, _, _ = next(iterates(run))
    step, units = 1e-5, np.eye(omega.size).reshape(-1, *omega.shape)
    rows = [
        (
            oracle.gradient(arrays, omega + step * unit).total - oracle.gradient(arrays, omega - step * unit).total
        ).ravel()
        for unit in units
    ]
    hessian = np.array(rows, dtype=float) / (2.0 * step)
    largest = np.max(np.abs(np.linalg.eigvalsh(0.5 * (hessian + hessian.T))))
    assert found.values["curvature"][place] == pytest.approx(largest, rel=1e-5)


def test_an_iterate_that_is_no_number_has_none_and_is_counted(case):
    *_, found = case
    assert found.not_finite == 1
    assert found.not_converged == 0
    assert set(found.values) == set(CONDITIONS) - {"curvature"}
    for values in (*found.values.values(), *found.radius.values(), *found.certified.values()):
        assert np.isnan(values[1, 0])
    assert found.row("mixing").known == 3


def test_constants_near_a_leader_hold_at_sampled_leaders_of_its_box(case):
    _, game, run, found = case
    rng = np.random.default_rng(1)
    positive = np.argwhere(found.radius["alignment"] > 0.0)
    assert len(positive)
    for seed, checkpoint in positive:
        radius, proved = (part["alignment"][seed, checkpoint] for part in (found.radius, found.certified))
        own = found.values["alignment"][seed, checkpoint]
        assert KEPT * min(own, 1.0) <= proved <= own
        # Corners and points of the box of log-ratios, told by tables of logits whose last entry is zero.
        omega = run.leader_logits[seed, checkpoint]
        free = omega[:, 0] - omega[:, 1]
        moves = radius * np.concatenate([np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]), rng.uniform(-1, 1, (12, 2))])
        logits = np.stack([free + moves, np.zeros_like(moves)], axis=-1)
        points = evaluate_leaders(traced(game), logits)
        inner, square = (np.sum(part, axis=(1, 2)) for part in (points.total * points.direct, points.total**2))
        assert points.converged.all()
        assert np.min(inner / square) >= proved
    radii = found.radius["alignment"][tuple(positive.T)]
    near = found.near["alignment"]
    assert near.radius == (np.min(radii), np.median(radii))
    assert near.constant == np.nanmin(found.certified["alignment"])
    assert near.proved == len(positive)


def nearby(law, radius, rng):
    """Laws within a radius in total variation: with mass moved to one entry from others, and at random."""
    size = len(law)
    ends = [law - np.minimum(law, radius) * (np.arange(size) == i) for i in range(size)]
    moved = [end + (1.0 - end.sum()) * np.eye(size)[j] for end in ends for j in range(size)]
    share = rng.uniform(0.0, radius, (8, 1))
    return np.array([*moved, *((1.0 - share) * law + share * rng.dirichlet(np.ones(size), 8))])


def test_what_is_proved_near_an_iterate_holds_at_sampled_leaders_and_mean_fields(case):
    arrays, _, run, found = case
    rng, names = np.random.default_rng(2), ("modulus", "rate", "modulus_at_mean_field", "rate_at_mean_field", "index")
    met = 0
    for place, omega, _, field in iterates(run):
        equilibrium = oracle.equilibrium(arrays, omega).mean_field
        for name in names:
            radius, proved = found.radius[name][place], found.certified[name][place]
            assert (radius > 0.0) == np.isfinite(proved)
            if radius == 0.0:
                continue
            met += 1
            around = field if name.endswith("mean_field") else equilibrium
            fields = rng.permutation(nearby(around, radius, rng))
            rows = [rng.permutation(nearby(row, radius, rng)) for row in softmax(omega)]
            for point, *leader in list(zip(fields, *rows, strict=False))[:8]:
                phi = np.array(leader)[arrays.observation]
                sizes = modulus_and_rate(np.eye(3) - oracle._jacobian(arrays, phi, point))
                value = sizes[("modulus", "rate", "index").index(name.split("_")[0])]
                assert value <= proved if name.startswith("modulus") else value >= proved, name
            # Half of the way to the limit is kept.
            own = found.values[name][place]
            if name.startswith("modulus"):
                assert own <= proved <= 1.0 - KEPT * (1.0 - own)
            elif name.startswith("rate"):
                assert KEPT * min(own, 1.0) <= proved <= own
    assert met >= 10


def test_nothing_is_proved_around_a_leader_that_is_not_aligned_or_not_wanted(case):
    _, game, run, found = case
    radii = found.radius["alignment"]
    place = tuple(np.argwhere(radii > 0.0)[0])
    points = evaluate_leaders(traced(game), np.stack([run.leader_logits[place]] * 2))
    own, wanted = found.values["alignment"][place], np.array([True, False])
    near = certified_near(traced(game), points, np.full(2, own), wanted)
    assert near.radius[0] == radii[place]
    assert near.radius[1] == 0.0
    assert np.all(certified_near(traced(game), points, np.full(2, -own), ~wanted | wanted).radius == 0.0)
    # A constant larger than the leader's own is proved nowhere.
    assert np.all(certified_near(traced(game), points, np.full(2, 1e3 * own), wanted).constant[0] <= own)


def test_parts_of_a_box_cover_it_and_what_is_proved_by_parts_is_wider(case, monkeypatch):
    rng = np.random.default_rng(3)
    middle, width = rng.normal(size=(2, 3)), np.array([0.7, 1e-6])
    lower, upper, owner = certified.grids(middle, width, 4)
    assert np.array_equal(owner, np.repeat([0, 1], 64))
    for k in range(2):
        points = middle[k] + width[k] * np.concatenate([rng.uniform(-1.0, 1.0, (50, 3)), np.eye(3), -np.eye(3)])
        mine = owner == k
        within = (lower[mine] <= points[:, None]) & (points[:, None] <= upper[mine])
        assert np.all(np.any(np.all(within, axis=2), axis=1))
    # The case has two free log-ratios, so that its boxes have four parts along each.
    _, game, run, found = case
    radii = found.radius["alignment"]
    # The leader around which there is most room: around the others the proof ends where the truth does, nearly.
    place = tuple(np.argwhere(radii == np.nanmax(radii))[0])
    points = evaluate_leaders(traced(game), run.leader_logits[place][None])
    monkeypatch.setattr(certified, "_MOST_PARTS", 1)
    alone = certified_near(traced(game), points, np.array([found.values["alignment"][place]]), np.ones(1, bool))
    assert 1.3 * alone.radius[0] < radii[place] < 4.1 * alone.radius[0]


def test_where_forms_are_dear_they_are_tried_on_boxes_wider_than_those_of_intervals(case, monkeypatch):
    _, game, run, found = case
    place = tuple(np.argwhere(found.radius["alignment"] > 0.0)[0])
    points, own = evaluate_leaders(traced(game), run.leader_logits[place][None]), found.values["alignment"][place]
    monkeypatch.setattr(certified, "_MOST_PARTS", 1)
    radii = []
    for dear, affordable in ((boxes.FREE_OF_FORMS, 0), (0, 0), (0, 2**29)):
        monkeypatch.setattr(boxes, "FREE_OF_FORMS", dear)
        monkeypatch.setattr(certified, "_NUMBERS_OF_FORMS", affordable)
        near = certified_near(traced(game), points, np.array([own]), np.ones(1, bool))
        assert near.constant[0] >= KEPT * min(own, 1.0)
        radii.append(near.radius[0])
    by_forms, by_intervals, by_both = radii
    assert by_forms > 5.0 * by_intervals
    # The trials of both are at other radii.
    assert 0.7 * by_forms < by_both < 1.4 * by_forms


@pytest.mark.parametrize("properties", ["lipschitz", "contracton", []])
def test_properties_without_a_number_at_an_iterate_are_refused(case, properties):
    _, game, run, _ = case
    with pytest.raises(InputError, match="expected"):
        check_along(game, run, properties)


def test_a_run_of_another_shape_or_without_numbers_is_refused(case):
    arrays, game, run, _ = case
    other = SimpleNamespace(**{**vars(run), "mean_field": run.mean_field[..., :2]})
    with pytest.raises(InputError, match="mean_field of shape"):
        check_along(game, other, "coverage")
    lost = recorded(arrays, lost=list(np.ndindex(SEEDS, CHECKPOINTS)))
    with pytest.raises(InputError, match="no iterate"):
        check_along(game, lost, "coverage")
