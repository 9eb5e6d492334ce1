"""All ten properties together: on shipped and on random games every witness gives its constant again."""

import jax
import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Evidence, Verdict, check, find_property, property_names
from smfg_verify.game import TabularGame
from smfg_verify.games import load, names
from tests.helpers.random_arrays import random_array_game

PROPERTIES = (
    "ergodicity",
    "lipschitz",
    "contraction",
    "one-sided-contraction",
    "uniqueness",
    "gradient-domination",
    "gradient-alignment",
    "smoothness",
    "coverage",
    "step-sizes",
)
STEPS = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
# Those whose programs are few: the others are checked in their own rooms, and all together in the long version.
QUICKLY = ("ergodicity", "lipschitz", "coverage", "step-sizes")
TINY = {"budget": "quick", "num_leaders": 32, "num_starts": 2, "num_steps": 8, "num_boxes": 50}


def test_names_are_those_of_the_command_line():
    assert property_names() == PROPERTIES


def assert_sound(game, properties=PROPERTIES):
    report = check(game, properties, step_sizes=STEPS, **TINY)
    again = AssumptionReport.from_json(report.to_json(), game)
    assert again.properties == properties
    for finding in again.findings:
        about = f"{finding.property}/{finding.statement}"
        assert finding.meaning.endswith("."), about
        assert finding.statement in find_property(finding.property).recompute, about
        if finding.verdict is Verdict.CERTIFIED:
            assert finding.evidence is Evidence.PROOF, about
        if finding.verdict is Verdict.REFUTED:
            assert finding.witness, about
        if finding.witness and np.isfinite(finding.constant):
            # Differences of rounding errors, such as the width of a bracket, repeat only on that scale.
            np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-7, atol=1e-9, err_msg=about)
    return report


@pytest.fixture(
    scope="module", params=[QUICKLY, pytest.param(PROPERTIES, marks=pytest.mark.slow)], ids=["a few", "all"]
)
def laffer_report(request):
    return assert_sound(load("laffer-tax"), request.param)


def test_a_witness_of_another_game_is_refused_or_needs_no_game(laffer_report):
    """What a witness of numbers alone gives is a number; one with policies or mean fields must fit the game."""
    other = load("shop-positioning")
    refused = 0
    for finding in laffer_report.findings:
        sized = [value for value in finding.witness.values() if np.ndim(value)]
        if sized:
            refused += 1
            with pytest.raises(ValueError, match="another game"):
                finding.reproduce(other)
    assert refused >= 2 * len(laffer_report.properties)


def test_laffer_tax_has_every_verdict_that_is_known_of_it(laffer_report):
    report = laffer_report
    known = dict.fromkeys(("ergodicity", "lipschitz", "coverage"), Verdict.CERTIFIED)  # inertia
    known["gradient-alignment"] = Verdict.REFUTED
    for name in known.keys() & set(report.properties):
        assert report.verdict(name) is known[name], name
    assert report.finding("lipschitz", "follower-reward").constant == pytest.approx(0.5 * 0.3, rel=1e-12)
    assert all(name.startswith(("gradient-alignment/", "contraction/")) for name in report.refuted)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_shipped_games(name):
    jax.clear_caches()
    assert_sound(load(name))


@pytest.mark.slow
@pytest.mark.parametrize("support", ["states", "state_actions"])
@pytest.mark.parametrize("seed", range(4))
def test_random_games(seed, support):
    jax.clear_caches()
    arrays = random_array_game(np.random.default_rng(seed), 3, 2, 2, support=support, observations=1 + seed % 3)
    assert_sound(TabularGame.from_arrays(**arrays.from_arrays_arguments()))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(1, 2, 2), (2, 1, 2), (2, 2, 1), (1, 1, 1)])
def test_one_state_or_one_action(sizes):
    """Whatever does not apply says so; nothing crashes and nothing that applies is lost."""
    jax.clear_caches()
    arrays = random_array_game(np.random.default_rng(5), *sizes)
    report = assert_sound(TabularGame.from_arrays(**arrays.from_arrays_arguments()))
    for finding in report.findings:
        if finding.verdict is Verdict.NOT_APPLICABLE and finding.statement != "independence":
            assert finding.meaning.startswith("Not applicable: "), finding.statement
    if sizes[2] == 1:
        assert report.verdict("gradient-alignment") is Verdict.NOT_APPLICABLE


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{"discount": 0.0}, {"temperature": 1e-3}, {"discount": 0.99}, {"inertia": 0.0}])
def test_extreme_numbers(changes):
    jax.clear_caches()
    assert_sound(load("laffer-tax", **changes))
