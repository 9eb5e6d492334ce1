"""What alignment is judged by: which leaders are looked at, and that both readings look at the same ones."""

import numpy as np
import pytest

from smfg_verify.assumptions.gradient_alignment.evidence import gather_evidence
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.leader_draws import random_leaders
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.gradient_alignment.test_readings import answering_leader

RUN = np.array([[0.4, -0.4], [1.0, 0.5], [0.4, -0.4], [0.0, 0.3]])[:, None, :] * np.array([[1.0], [2.0]])
SETTINGS = SearchSettings(num_leaders=8, num_starts=6, num_steps=2, trajectory=RUN)


@pytest.fixture(scope="module")
def both():
    game = checked(answering_leader())
    return game, gather_evidence(game, SETTINGS)


def test_random_leaders_come_first_and_the_run_is_found_again_in_its_order(both):
    game, (held, _) = both
    np.testing.assert_array_equal(held.points.logits[: held.num_random], random_leaders(game, SETTINGS))
    np.testing.assert_array_equal(held.points.logits[held.run], RUN)
    assert len(np.unique(held.run)) == 3


def test_both_readings_see_the_same_leaders_and_flows_and_each_its_own_direct_part(both):
    _, (held, answered) = both
    seen = held.num_random + 3
    assert (held.reading, answered.reading) == tuple(Reading)
    np.testing.assert_array_equal(held.points.logits[:seen], answered.points.logits[:seen])
    np.testing.assert_array_equal(answered.points.direct, answered.points.held)
    np.testing.assert_array_equal(held.points.held[:seen], answered.points.direct[:seen])
    np.testing.assert_array_equal(held.total_rest.points.logits, answered.total_rest.points.logits)
    assert held.scale == answered.scale > 0.0
    norms = np.linalg.norm(held.points.total, axis=(1, 2)) * np.linalg.norm(held.points.direct, axis=(1, 2))
    expected = np.sum(held.points.total * held.points.direct, axis=(1, 2)) / norms
    np.testing.assert_allclose(held.values("cosine")[:seen], expected[:seen], rtol=1e-10)
