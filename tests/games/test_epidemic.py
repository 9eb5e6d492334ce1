"""Epidemic: levels of infection in closed form, and the limits of its rates."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from smfg_verify.exact import solve_equilibrium, stackelberg_gradient, tabulate
from smfg_verify.games import Epidemic


def by_hand(game, mean_field):
    """The next-state law of each (s, a, b), written out compartment by compartment."""
    proportional = game.incidence == "proportional"
    sirs = game.compartments == "SIRS"

    def probability(rate):
        intensity = float(game.period) * rate
        return intensity if proportional else 1.0 - np.exp(-intensity)

    rows = np.zeros((len(mean_field), 2, len(game.restrictions), len(mean_field)))
    for a, contact in enumerate(np.asarray(game.contacts)):
        for b, restriction in enumerate(np.asarray(game.restrictions)):
            iota = float(game.importation)
            exposure = (1 - iota) * mean_field[1] + iota
            infected = probability(float(game.infection_rate) * contact * (1 - restriction) * exposure)
            recovered = probability(float(game.recovery_rate))
            rows[0, a, b, :2] = 1 - infected, infected
            rows[1, a, b, 1] = 1 - recovered
            rows[1, a, b, 2 if sirs else 0] = recovered
            if sirs:
                waned = probability(float(game.waning_rate))
                rows[2, a, b, 0], rows[2, a, b, 2] = waned, 1 - waned
    return rows


@pytest.mark.parametrize("incidence", ["proportional", "exponential"])
@pytest.mark.parametrize("compartments", ["SIS", "SIRS"])
def test_transition_is_the_compartment_model(compartments, incidence):
    game = Epidemic(compartments=compartments, incidence=incidence, contacts=(0.2, 0.9), restrictions=(0.1, 0.6, 1.0))
    for mean_field in np.random.default_rng(0).dirichlet(np.ones(game.num_states), 5):
        found = tabulate(game, jnp.asarray(mean_field)).transition
        np.testing.assert_allclose(found, by_hand(game, mean_field), atol=1e-15)


def test_reward_values():
    game, mean_field = Epidemic(contacts=(0.2, 0.9), restrictions=(0.0, 0.4)), jnp.asarray([0.7, 0.3])
    follower = [[float(game.follower_reward(s, a, 1, mean_field)) for a in range(2)] for s in range(2)]
    leader = [float(game.leader_reward(0, 1, b, mean_field)) for b in range(2)]
    np.testing.assert_allclose(follower, [[-0.5 * 0.8, -0.5 * 0.1], [-0.75 - 0.5 * 0.8, -0.75 - 0.5 * 0.1]])
    np.testing.assert_allclose(leader, [-2.0 * 0.3, -2.0 * 0.3 - 0.5 * 0.4])


@pytest.mark.parametrize("compartments", [pytest.param("SIS", marks=pytest.mark.slow), "SIRS"])
@pytest.mark.parametrize("restriction", [0.0, 0.3, 1.0])
def test_infection_settles_where_inflow_meets_outflow(compartments, restriction):
    """At equal contacts no choice matters, and the equilibrium solves one scalar equation in the infected share."""
    contact, iota = 0.8, 0.02
    game = Epidemic(
        compartments=compartments, contacts=(contact, contact), restrictions=[restriction], period=1.0, waning_rate=0.3
    )
    removed = 0.2 / 0.3 if compartments == "SIRS" else 0.0

    def surplus(infected):
        susceptible = 1.0 - infected * (1.0 + removed)
        force = 0.8 * contact * (1 - restriction) * ((1 - iota) * infected + iota)
        return susceptible * force - 0.2 * infected

    level = 0.0 if restriction == 1.0 else brentq(surplus, 1e-9, 1 / (1 + removed), xtol=1e-15)
    found = solve_equilibrium(game, np.zeros((1, 1)))
    np.testing.assert_allclose(found.mean_field[1], level, atol=1e-12)
    if compartments == "SIRS":
        np.testing.assert_allclose(found.mean_field[2], removed * level, atol=1e-12)


def test_without_importation_the_epidemic_has_a_threshold():
    """Endemic level 1 - r / (beta c) above the threshold; below it the infection dies out."""
    lively = Epidemic(contacts=(0.5, 0.5), restrictions=[0.0, 0.0], importation=0.0)
    found = solve_equilibrium(lively, np.zeros((1, 2)))
    assert float(found.mean_field[1]) == pytest.approx(1 - 0.2 / (0.8 * 0.5), abs=1e-10)
    extinct = solve_equilibrium(lively, np.zeros((1, 2)), initial=[1.0, 0.0])
    assert float(extinct.mean_field[1]) == pytest.approx(0.0, abs=1e-10)
    quiet = Epidemic(contacts=(0.2, 0.2), restrictions=[0.0, 0.0], importation=0.0)
    assert float(solve_equilibrium(quiet, np.zeros((1, 2))).mean_field[1]) == pytest.approx(0.0, abs=1e-10)


def test_full_restriction_ends_the_epidemic_and_all_reason_to_isolate():
    """Then a follower only weighs the cost of isolation: pi(meet) = 1 / (1 + exp(-cost / tau))."""
    found = solve_equilibrium(Epidemic(), np.array([[-50.0, 50.0]]))
    np.testing.assert_allclose(found.mean_field, [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.follower_policy[:, 1], 1 / (1 + np.exp(-0.5 / 0.3)), atol=1e-12)
    free = solve_equilibrium(Epidemic(), np.array([[50.0, -50.0]]))
    assert free.mean_field[1] > 0.3
    assert free.follower_policy[0, 0] > free.follower_policy[1, 0] + 0.1


def test_isolation_rises_with_the_level_of_infection():
    """Strategic substitutes: where more are infected the susceptible meet less, the infected as before."""
    isolation = []
    for rate in (0.4, 0.8, 1.6):
        isolation.append(np.asarray(solve_equilibrium(Epidemic(infection_rate=rate), np.zeros((1, 2))).follower_policy))
    susceptible, infected = np.asarray(isolation)[:, 0, 0], np.asarray(isolation)[:, 1, 0]
    assert np.all(np.diff(susceptible) > 0.0)
    np.testing.assert_allclose(infected, infected[0], atol=1e-12)


def test_short_periods_make_the_two_incidences_one():
    """1 - exp(-x) = x - x^2 / 2 + ...: halving the period quarters the difference."""
    mean_field = jnp.asarray([0.4, 0.6])

    def difference(period):
        both = [Epidemic(incidence=kind, period=period) for kind in ("proportional", "exponential")]
        return np.max(np.abs(np.subtract(*(tabulate(game, mean_field).transition for game in both))))

    assert difference(0.01) / difference(0.005) == pytest.approx(4.0, rel=0.01)


@pytest.mark.slow
def test_the_direct_gradient_sees_only_the_price_of_restrictions():
    """d/d omega of -cost sum_b phi_b rho_b / (1 - gamma) at a uniform leader, while restricting in fact pays."""
    gradient = stackelberg_gradient(Epidemic(), np.zeros((1, 2)))
    np.testing.assert_allclose(gradient.direct, [[0.25 * 0.5 / 0.1, -0.25 * 0.5 / 0.1]], atol=1e-10)
    assert gradient.total[0, 1] > 0.0
