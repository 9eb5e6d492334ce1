"""Ergodicity on games whose answer is known, for each verdict, with witnesses that reproduce."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.ergodicity import findings as ergodicity
from smfg_verify.assumptions.ergodicity.worst_chains import coefficient_objective, steps_looked_at
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import traced
from smfg_verify.games import load
from tests.assumptions.chain_games import (
    array_pair,
    kernel_game,
    packaged,
    relabelled_states,
    reordered_actions,
    split_follower_action,
    walk,
)
from tests.assumptions.constants.test_game_constants import BrokenGame, coefficient

NAME = ergodicity.PROPERTY
QUICK = {"num_leaders": 60, "num_starts": 4, "num_steps": 15, "num_boxes": 100}


def checked(game):
    report = check(game, NAME, **QUICK)
    assert tuple(finding.statement for finding in report.findings) == ergodicity.STATEMENTS
    for finding in AssumptionReport.from_json(report.to_json(), game).findings:
        assert finding.witness
        assert finding.reproduce(game) == pytest.approx(finding.constant, rel=1e-8, abs=1e-12)
    return report


def verdicts(report):
    return [finding.verdict for finding in report.findings[:3]]


def test_a_reducible_game_is_refuted():
    """Drivers who keep their road for ever: two sets that are never left, and any mixture of both is stationary."""
    game = load("two-road-toll")
    report = checked(game)
    assert report.verdict(NAME) is Verdict.REFUTED
    assert verdicts(report) == [Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.REFUTED]
    finding = report.finding(NAME, "mixing")
    assert finding.details["recurrent_classes"] == 2
    assert finding.constant == pytest.approx(1.0, abs=1e-12)
    policy = finding.witness["follower_policy"]  # the road taken is the action
    np.testing.assert_array_equal(policy, np.eye(2))


@pytest.mark.slow
@pytest.mark.parametrize("period", [2, 3])
def test_a_periodic_game_is_refuted(period):
    report = checked(kernel_game(np.roll(np.eye(period), 1, axis=1)))
    finding = report.finding(NAME, "mixing")
    assert finding.verdict is Verdict.REFUTED
    assert (finding.details["recurrent_classes"], finding.details["period"]) == (1, period)
    assert finding.side is Side.EXACT
    assert finding.constant == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("share", [0.0, 1e-12, 1e-9])
def test_the_words_say_what_share_of_mass_two_states_have_in_common(share):
    """Each state keeps 1 - share / 2 of its mass: below 1e-8 that proves nothing, and yet it is not nothing."""
    finding = ergodicity._dobrushin_finding(
        game_constants(kernel_game((1.0 - share) * np.eye(2) + 0.5 * share), SearchSettings(**QUICK))
    )
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.constant == pytest.approx(1.0 - share, rel=0, abs=1e-15)
    assert ("share no mass" in finding.meaning) == (share == 0.0)
    assert (f"{share:.2g} of their mass" in finding.meaning) == (share > 0.0)


def test_period_two_under_one_policy_among_mixing_ones():
    """Only the second action of both states makes a cycle."""
    kernel = np.full((2, 2, 1, 2), 0.5)
    kernel[:, 1, 0] = [[0.0, 1.0], [1.0, 0.0]]
    report = checked(kernel_game(kernel))
    finding = report.finding(NAME, "mixing")
    assert finding.verdict is Verdict.REFUTED
    assert finding.details["period"] == 2
    np.testing.assert_array_equal(finding.witness["follower_policy"], [[0.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize("n", [3, pytest.param(5, marks=pytest.mark.slow)])
def test_a_walk_that_mixes_in_n_steps_only(n):
    """One step shares no mass, so Dobrushin's condition fails; several steps do under every policy."""
    report = checked(kernel_game(walk(n)))
    dobrushin, doeblin, mixing = report.findings[:3]
    assert (dobrushin.verdict, dobrushin.constant, dobrushin.side) == (Verdict.INCONCLUSIVE, 1.0, Side.EXACT)
    rows = [walk(n)[state] for state in dobrushin.witness["rows"][:, 0]]
    assert np.all(np.minimum(*rows) == 0.0)
    assert doeblin.verdict is Verdict.CERTIFIED
    assert report.verdict(NAME) is Verdict.CERTIFIED
    power = np.linalg.matrix_power(walk(n), doeblin.details["steps"])
    assert doeblin.constant == pytest.approx(coefficient(power), abs=1e-12)
    assert mixing.constant == pytest.approx(coefficient(np.linalg.matrix_power(walk(n), 8)), abs=1e-12)
    assert report.finding(NAME, "spectral-gap").constant == pytest.approx(
        np.sort(np.abs(np.linalg.eigvals(walk(n))))[-2], abs=1e-9
    )


def test_laffer_tax_is_certified():
    report = checked(load("laffer-tax"))
    assert report.verdict(NAME) is Verdict.CERTIFIED
    dobrushin = report.finding(NAME, "dobrushin")
    assert (dobrushin.side, dobrushin.evidence) == (Side.EXACT, Evidence.PROOF)
    assert dobrushin.constant == pytest.approx(0.9, rel=1e-12)  # one minus the inertia
    assert report.finding(NAME, "mixing").constant == pytest.approx(0.9**8, rel=1e-9)  # both are attained by policies
    assert report.finding(NAME, "spectral-gap").constant == pytest.approx(0.9, rel=1e-9)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_what_is_certified_dominates_what_is_found_and_random_chains(seed):
    game, arrays = array_pair(seed, floor=0.01, kernel_coupling=0.8)
    report = checked(game)
    dobrushin, doeblin, mixing, gap = report.findings
    assert dobrushin.verdict is Verdict.CERTIFIED
    assert gap.constant <= dobrushin.constant + 1e-12
    assert mixing.constant <= dobrushin.constant ** mixing.searched["steps"] + 1e-12
    rng, steps, found = np.random.default_rng(seed), doeblin.details["steps"], mixing.searched["steps"]
    for _ in range(500):
        kernel = arrays.tables(rng.dirichlet(np.ones(3)))[0]
        chain = np.einsum("sa,sb,sabt->st", *rng.dirichlet(np.full(2, 0.2), (2, 3)), kernel)
        assert coefficient(chain) <= dobrushin.constant + 1e-12
        assert coefficient(np.linalg.matrix_power(chain, steps)) <= doeblin.constant + 1e-12
        assert coefficient(np.linalg.matrix_power(chain, found)) <= mixing.constant + 1e-12


@pytest.mark.slow
def test_labels_and_copies_of_an_action_leave_every_constant():
    """All pure policies are looked at at all vertices, where the searched maxima are here: they agree too."""
    game, arrays = array_pair(2, kernel_coupling=0.8, floor=0.01)
    report = checked(game)
    for change in (
        lambda a: relabelled_states(a, np.array([1, 2, 0])),
        reordered_actions,
        split_follower_action,
    ):
        other = checked(packaged(change(arrays)))
        for first, second in zip(report.findings, other.findings, strict=True):
            assert second.verdict is first.verdict
            assert second.constant == pytest.approx(first.constant, rel=1e-8), first.statement


def test_one_public_leader_cannot_send_two_states_apart():
    """The next state is the leader's action: two states that share its choice share the law, others do not."""
    kernel = np.broadcast_to(np.eye(2), (2, 1, 2, 2))
    tied = checked(kernel_game(kernel, leader_observation=[0, 0]))
    assert tied.finding(NAME, "dobrushin").constant == 0.0
    assert tied.verdict(NAME) is Verdict.CERTIFIED
    free = checked(kernel_game(kernel))
    assert free.finding(NAME, "dobrushin").constant == 1.0
    assert free.verdict(NAME) is Verdict.REFUTED


def test_one_state_has_nothing_to_forget():
    report = checked(kernel_game(np.ones((1, 2, 2, 1))))
    assert report.verdict(NAME) is Verdict.CERTIFIED
    assert report.finding(NAME, "mixing").verdict is Verdict.CERTIFIED
    assert [finding.constant for finding in report.findings] == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.slow
def test_one_action_and_no_discount_change_nothing():
    kernel = np.array([[0.7, 0.3], [0.4, 0.6]])
    report = checked(kernel_game(kernel, discount=0.0))
    assert [finding.constant for finding in report.findings] == pytest.approx([0.3, 0.3, 0.3**8, 0.3], rel=1e-9)


def test_chains_without_a_number_are_counted_and_support_nothing_certified():
    # Not `check`: it refuses the game for its NaN before the search that this test is about.
    findings = ergodicity.check_ergodicity(traced(BrokenGame()), SearchSettings(**QUICK))
    dobrushin, doeblin, mixing, _ = findings
    assert mixing.searched["chains_nan"] > 0
    assert mixing.searched["search_nan"] > 0
    assert dobrushin.verdict is Verdict.INCONCLUSIVE
    assert doeblin.verdict is Verdict.INCONCLUSIVE
    assert mixing.verdict is not Verdict.CERTIFIED
    assert mixing.constant == pytest.approx(0.4**8, rel=1e-6)  # of the chain whose states take different actions


def test_nothing_but_nan_is_inconclusive():
    report = ergodicity.check_ergodicity(traced(BrokenGame(threshold=-1.0)), SearchSettings(**QUICK))
    assert {finding.verdict for finding in report} == {Verdict.INCONCLUSIVE}
    assert np.isnan(report[2].constant)


def test_the_ascent_climbs_from_where_it_starts_and_its_objective_is_the_oracles():
    game, arrays = array_pair(4, kernel_coupling=0.9)
    report = checked(game)
    curve = report.finding(NAME, "mixing").details["search_curve"]
    assert np.all(np.diff(curve) >= 0.0)
    assert curve[-1] > curve[0]
    point = np.random.default_rng(0).normal(size=3 * 2 + 3 * 2 + 3)
    boxed = 6.0 * np.tanh(point / 6.0)
    weights = [np.exp(part) for part in (boxed[:6].reshape(3, 2), boxed[6:12].reshape(3, 2), boxed[12:])]
    pi, phi, field = (weight / weight.sum(axis=-1, keepdims=True) for weight in weights)
    chain = np.einsum("sa,sb,sabt->st", pi, phi[arrays.observation], arrays.tables(field)[0])
    expected = -coefficient(np.linalg.matrix_power(chain, steps_looked_at(game)))
    assert float(coefficient_objective(traced(game), jnp.asarray(point), None)) == pytest.approx(expected, rel=1e-10)


def test_a_witness_of_another_game_is_refused():
    report = checked(load("laffer-tax"))
    for finding in report.findings:
        with pytest.raises(ValueError, match="another game"):
            finding.reproduce(kernel_game(walk(3)))
