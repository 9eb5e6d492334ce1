"""Which linear algebra a game is solved by: dense tables, or sparse factors and products."""

from typing import Literal, get_args

import jax

from smfg_verify.errors import InputError
from smfg_verify.exact.compiling import table_entries
from smfg_verify.game import AbstractGame

# How an equilibrium or a gradient is computed; "auto" goes by structure and size.
SolverMethod = Literal["auto", "dense", "sparse"]
# Entries of the dense transition up to which it is taken: to there it takes seconds, and bounds its errors where the
# sparse side estimates them.
LARGEST_DENSE_TABLE = 2**21


def takes_sparse(game: AbstractGame, method: SolverMethod = "auto", *arrays: object) -> bool:
    """Whether sparse factors are used: where asked for, or for a large game that lists its `successors`.

    Args:
        game: the game.
        method: "auto" for the sparse side where the game lists its successors, its dense table would have more than
            2^21 entries, and nothing is being traced by JAX.
        arrays: what is computed at, with which the factors must not be traced.

    Returns:
        True for the sparse side.

    Raises:
        ValueError: an unknown method, or "sparse" where the game lists no successors or is being traced.
    """
    if method not in get_args(SolverMethod):
        raise InputError(f"method: got {method!r}, expected 'auto', 'dense' or 'sparse'.")
    if method == "dense":
        return False
    lists = getattr(game, "successors", None) is not None
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((game, arrays)))
    if method == "auto":
        return lists and not traced and table_entries(game) > LARGEST_DENSE_TABLE
    if not lists:
        raise InputError("method: got 'sparse' for a game without `successors`, which lists the moves from each state.")
    if traced:
        raise InputError(
            "method: got 'sparse' inside jit, vmap or grad, where its factors cannot be traced; call it outside, or "
            "use method='dense'."
        )
    return True
