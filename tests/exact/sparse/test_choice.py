"""Which side computes: by structure and size, or as asked."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import check, games, solve_equilibrium
from smfg_verify.exact.sparse.choice import LARGEST_DENSE_TABLE, takes_sparse
from smfg_verify.games import CongestionPricing


@pytest.mark.parametrize("side", [3, 20, 22, 316])
def test_auto_goes_by_the_size_of_the_dense_table(side):
    game = CongestionPricing(side=side)
    assert takes_sparse(game) == (side**4 * 5 * 2 > LARGEST_DENSE_TABLE)
    assert takes_sparse(game, "sparse")
    assert not takes_sparse(game, "dense")


def test_what_cannot_be_sparse_is_refused():
    logits = np.zeros((1, 2))
    with pytest.raises(ValueError, match="successors"):
        solve_equilibrium(games.load("laffer-tax"), logits, method="sparse")
    with pytest.raises(ValueError, match="expected 'auto', 'dense' or 'sparse'"):
        solve_equilibrium(games.load("laffer-tax"), logits, method="fast")
    game = CongestionPricing()
    with pytest.raises(ValueError, match="inside jit"):
        jax.jit(lambda x: solve_equilibrium(game, x, method="sparse").residual)(jnp.zeros((2, 2)))


def test_what_needs_a_table_of_a_large_game_is_refused_in_one_line():
    game = CongestionPricing(side=72)
    with pytest.raises(ValueError, match=r"2\.69e\+08 entries as a dense table.*`successors`") as refused:
        check(game, "lipschitz", budget="quick")
    assert "\n" not in str(refused.value)
    assert check(game, "step-sizes", budget="quick").findings
