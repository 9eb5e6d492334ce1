"""The best-response map at a witness, against the oracle's."""

import numpy as np
import pytest

from smfg_verify.assumptions.contraction.at_witness import at_witness
from tests.exact.cases import pair
from tests.helpers import oracle


def test_a_witness_is_evaluated_where_it_is_or_at_the_equilibrium_found_from_there():
    game, arrays, logits = pair(0)
    field = np.random.default_rng(1).dirichlet(np.ones(4))
    phi = oracle.leader_rows(arrays, logits)
    _, policy = oracle.best_response(arrays, phi, field)
    found = at_witness(game, {"logits": logits, "mean_field": field}, solve=False)
    np.testing.assert_allclose(found.mean_field[0], field, atol=1e-15)
    np.testing.assert_allclose(found.image[0], oracle.population(arrays, phi, policy, field), atol=1e-12)
    solved = at_witness(game, {"logits": logits, "mean_field": field}, solve=True)
    np.testing.assert_allclose(solved.mean_field[0], oracle.equilibrium(arrays, logits).mean_field, atol=1e-11)
    assert solved.converged.all()


def test_a_witness_of_another_games_shapes_is_refused():
    game, _, logits = pair(0)
    with pytest.raises(ValueError, match="mean_field"):
        at_witness(game, {"logits": logits, "mean_field": np.full(3, 1.0 / 3.0)}, solve=False)
