"""Moduli by products of ranges: little above that of a game of two states, whichever way gaps' slopes are bounded."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.best_response import respond
from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.coarse import coarse_modulus
from smfg_verify.assumptions.enclosure.response.linear import law_solver, mixing_factor, near_inverse
from smfg_verify.assumptions.enclosure.response.models import Model
from smfg_verify.assumptions.enclosure.response.problem import problem_over
from smfg_verify.assumptions.enclosure.response.slopes import _law, _moved_rows, _variation, _with_last
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame

GAMMA, TAU, SPREAD, STAY, KERNEL = 0.9, 0.5, 0.01, 0.8, 1e-4


def a_game(common, own):
    """Of two states: rewards move up in one and down in the other, and in the first more with one of the actions."""
    transition, moved = np.zeros((2, 2, 1, 2)), np.zeros((2, 2, 2, 1, 2))
    transition[0, :, 0, 0] = STAY, STAY - SPREAD
    transition[1, :, 0, 0] = 0.05
    transition[..., 1] = 1.0 - transition[..., 0]
    moved[0, ..., 0], moved[0, ..., 1] = KERNEL, -KERNEL
    reward = np.zeros((2, 2, 2, 1))
    reward[0, :, :, 0] = np.array([common, -common])[:, None]
    reward[0, 0, 0, 0] += own
    return checked(
        TabularGame.from_arrays(
            kernel=transition,
            kernel_mean_field=moved,
            follower_rewards=np.zeros((2, 2, 1)),
            follower_rewards_mean_field=reward,
            leader_rewards=np.zeros((2, 2, 1)),
            discount=GAMMA,
            temperature=TAU,
        )
    )


def exact_modulus(common, own, share):
    """|dGamma / dm_0| by central differences of the law, from formulas of two states."""

    def law(m):
        gain, difference = common * m, 0.0
        stay, other = STAY + KERNEL * m, 0.05 + KERNEL * m
        for _ in range(2000):
            first = (gain + own * m) + GAMMA * stay * difference
            second = gain + GAMMA * (stay - SPREAD) * difference
            in_first = TAU * np.logaddexp(first / TAU, second / TAU)
            difference = in_first - (TAU * np.log(2.0) - common * m + GAMMA * other * difference)
        likely = 1.0 / (1.0 + np.exp((second - first) / TAU))
        staying = stay - SPREAD * (1.0 - likely)
        return other / (1.0 - staying + other)

    return abs(law(share + 1e-5) - law(share - 1e-5)) / 2e-5


def bound(game, share, part):
    """The coarse modulus at one mean field, where one of the two bounds of the gaps' slopes is known."""
    tables = vertex_tables(game)
    point = np.zeros_like(Cells.whole(tables.shape).vertices)
    point[0, :, :2] = share, 1.0 - share
    problem = problem_over(tables, Cells(point))
    response = respond(tables, problem)
    mixing = np.fmin(_variation(response), response.mixing)
    laws = law_solver(response.chain, near_inverse(response.chain.centre, 1.0))
    law, factor = _with_last(_law(response, laws, mixing)), mixing_factor(laws, mixing)
    moved = _moved_rows(tables, problem, response, mixing)
    if part == "held":
        gaps = moved.gaps
        unknown = np.full_like(gaps.radius, np.nan)
        moved = moved._replace(gaps=Model(gaps.centre, gaps.linear, gaps.quadratic, unknown, gaps.shape))
    return coarse_modulus(response.policy, problem.rows.pairs, moved, law, factor, response.mixing, GAMMA, TAU)[0]


@pytest.mark.parametrize("part", ["models", "held"])
@pytest.mark.parametrize(("common", "own"), [(1.0, 0.0), (1.0, 0.03), (0.0, 0.3)])
def test_the_bound_is_little_more_than_the_modulus(part, common, own):
    share = 0.0
    exact = exact_modulus(common, own, share)
    found = bound(a_game(common, own), share, part)
    assert exact * (1.0 - 1e-7) <= found <= 1.02 * exact
