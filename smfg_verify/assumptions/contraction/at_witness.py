"""The best-response map evaluated again at a witness."""

from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import LocalResponse, at_equilibria, at_mean_fields, field_size
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries


def at_witness(game: AbstractGame, witness: Entries, *, solve: bool) -> LocalResponse:
    """The map at a witness's logits and mean field, or at the equilibrium found from there.

    Args:
        game: the game.
        witness: with `logits` (O, B) and `mean_field`, flattened (M,).
        solve: whether to go to the equilibrium.

    Returns:
        One point.

    Raises:
        ValueError: a witness of another game's shapes, an invalid game, or float64 off.
    """
    game = checked(game)
    require_shapes(witness, {"logits": leader_logits_shape(game), "mean_field": (field_size(game),)})
    evaluate = at_equilibria if solve else at_mean_fields
    return evaluate(game, witness["logits"][None], witness["mean_field"][None])
