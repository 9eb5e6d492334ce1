"""Each lemma of docs/theorem.md at random points of certified games, and how near it comes to equality there."""

import collections
import itertools

import numpy as np
import pytest

from smfg_verify.bounds.theorem.coefficients import coefficients_of
from tests.helpers import oracle
from tests.helpers.one_iteration import at_rest, leader_value, mean_field_of, raised, residuals
from tests.support.certified_games import certified_game

# Games at which one lemma or another is not far from equality.
GAMES = [
    (0, {"gamma": 0.05, "tau": 0.3, "reward_coupling": 1.0, "floor": 0.8, "kernel_coupling": 0.05}),
    (1, {"gamma": 0.05, "tau": 0.3, "reward_coupling": 1.0, "floor": 0.8, "kernel_coupling": 0.05}),
    (0, {"tau": 3.0, "reward_coupling": 0.1}),
    (1, {"tau": 3.0, "reward_coupling": 0.1}),
]
_NOTHING = 1e-9


class Point:
    """Policies, a mean field and critics, and a second leader, mean field and row of the follower's policy."""

    def __init__(self, game, inputs, floor, rng):
        self.game, self.found = game, coefficients_of(inputs, floor)
        self.omega = rng.normal(scale=rng.choice([0.5, 3.0]), size=(2, 2))
        self.other_omega = self.omega + rng.normal(scale=rng.choice([0.01, 2.0]), size=(2, 2))
        self.phi, self.other_phi = (oracle.leader_rows(game, logits) for logits in (self.omega, self.other_omega))
        rows = oracle.softmax(rng.normal(scale=rng.choice([0.3, 3.0, 20.0]), size=(3, 2)))
        raised_rows = np.array([raised(row, floor) for row in rows])
        self.policy, self.other_policy = raised_rows[:2], raised_rows[[2, 1]]
        self.field, towards = rng.dirichlet(np.full(2, 0.4), 2)
        self.other_field = self.field + rng.choice([0.01, 1.0]) * (towards - self.field)
        self.critics = [rng.choice(np.array(box), size=2) for box in (inputs.follower_box, inputs.leader_box)]
        self.leader_apart = np.abs(self.phi - self.other_phi).sum(axis=1).max()
        self.field_apart = np.abs(self.field - self.other_field).sum()
        self.policy_apart = np.abs(self.policy - self.other_policy).sum(axis=1).max()

    def gap(self, omega, field):
        return max(0.0, oracle.follower_gap(self.game, omega, self.policy, field))

    def response(self, field):
        policy = oracle.best_response(self.game, self.phi, field)[1]
        return oracle.population(self.game, self.phi, policy, field)

    def direction(self, policy, value, own, field):
        return oracle.mean_dynamics(self.game, self.omega, np.log(policy), value, own, field).leader_logits


def values(point):
    """Lemma 3: how far values move."""
    game, found = point.game, point.found
    for name, value, moves in (
        ("follower's value", oracle.follower_value, found.follower_moves),
        ("leader's value", leader_value, found.leader_moves),
    ):
        here = value(game, point.phi, point.policy, point.field)
        moved = (
            (value(game, point.phi, point.other_policy, point.field), point.policy_apart),
            (value(game, point.other_phi, point.policy, point.field), point.leader_apart),
            (value(game, point.phi, point.policy, point.other_field), point.field_apart),
        )
        for kind, (there, apart), move in zip(("follower", "leader", "field"), moved, moves, strict=True):
            yield f"{name} with {kind}", np.abs(there - here).max(), move * apart


def domination(point):
    """Lemma 4: the squared gradient over the gap."""
    game, phi, policy = point.game, point.phi, point.policy
    kernel, reward = oracle.follower_model(game, phi, point.field)
    value = oracle.follower_value(game, phi, policy, point.field)
    surplus = reward + game.discount * kernel @ value - game.temperature * np.log(policy)
    slope = policy * (surplus - np.sum(policy * surplus, axis=1, keepdims=True))
    visits = oracle.occupancy(game, oracle.policy_kernel(game, phi, policy, point.field))
    squared = np.sum(visits**2 * np.sum(slope**2, axis=1))
    asked = 4.0 * (1.0 - game.discount) * point.found.follower_rate
    yield "gradient domination", asked * point.gap(point.omega, point.field), squared


def roots(point):
    """Lemma 5: how far the root of the gap moves."""
    root, found = np.sqrt(point.gap(point.omega, point.field)), point.found
    with_leader, with_field = point.gap(point.other_omega, point.field), point.gap(point.omega, point.other_field)
    # Roots of rounding errors are 1e-8.
    yield "gap with leader", abs(np.sqrt(with_leader) - root) - 1e-7, found.gap_moves[0] * point.leader_apart
    yield "gap with field", abs(np.sqrt(with_field) - root) - 1e-7, found.gap_moves[1] * point.field_apart


def population(point):
    """Lemma 6: law against response, response against itself, equilibrium against equilibrium."""
    game, found = point.game, point.found
    law, responses = oracle.population(game, point.phi, point.policy, point.field), point.response(point.field)
    yield (
        "law from response",
        np.sum((law - responses) ** 2),
        found.follower_to_field * point.gap(point.omega, point.field),
    )
    way = point.field - point.other_field
    growth = way @ (responses - point.response(point.other_field))
    yield "response draws in", growth - (1.0 - found.field_rate) * (way @ way) + way @ way, way @ way
    ends = [mean_field_of(game, phi) for phi in (point.phi, point.other_phi)]
    yield "equilibrium with leader", np.linalg.norm(ends[0] - ends[1]), found.equilibrium_move * point.leader_apart


def directions(point):
    """Lemma 7: critic, follower and mean field put right one after another."""
    game, found, phi, field = point.game, point.found, point.phi, point.field
    iterate = (point.omega, np.log(point.policy), *point.critics, field)
    _, e_l, gap, e_m = residuals(game, iterate, {})
    value, best = oracle.best_response(game, phi, field)
    theta, end_value, end_own, end_field = at_rest(game, point.omega)
    ways = [
        point.direction(point.policy, *point.critics, field),
        point.direction(point.policy, value, leader_value(game, phi, point.policy, field), field),
        point.direction(best, value, leader_value(game, phi, best, field), field),
        point.direction(np.exp(theta), end_value, end_own, end_field),
    ]
    said = np.sqrt(game.discount * e_l), found.follower_to_leader * np.sqrt(max(gap, 0.0))
    for name, right, (one, other) in zip(
        ("critic", "follower", "field"),
        (*said, found.field_to_leader * np.sqrt(e_m)),
        itertools.pairwise(ways),
        strict=True,
    ):
        yield f"direction with {name}", np.linalg.norm(one - other), right


LEMMAS = (values, domination, roots, population, directions)


@pytest.fixture(scope="module")
def quotients():
    """Name of an inequality -> left over right at every point, of all games."""
    found = collections.defaultdict(list)
    for seed, changes in GAMES:
        game, certified = certified_game(seed, **changes)
        rng = np.random.default_rng(seed)
        for k in range(12):
            point = Point(game, certified.inputs, (1.0, 0.3)[k % 2] * certified.inputs.largest_floor, rng)
            for lemma in LEMMAS:
                for name, left, right in lemma(point):
                    assert left <= right + _NOTHING, (name, left, right)
                    if right > 1e-6:
                        found[name].append(left / right)
    return found


def test_no_lemma_is_broken_and_none_would_bear_a_constant_many_times_smaller(quotients):
    largest = {name: max(values) for name, values in quotients.items()}
    assert len(largest) == 15
    loose = {name: value for name, value in largest.items() if value < 0.02}
    assert not loose, largest
