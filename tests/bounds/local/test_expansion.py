"""The expansion of the residuals' vectors against differences of exact residuals."""

import jax.numpy as jnp
import numpy as np

from smfg_verify.bounds import exact_residuals
from smfg_verify.bounds.local.components import Components, flattened, movable_directions, unflattened
from smfg_verify.bounds.local.expansion import SQUARED, Moments, expansion_at
from smfg_verify.game import traced
from tests.bounds.local.test_predicted_errors import GAMES, limit_of
from tests.bounds.rates.test_run_residuals import trace_of


def test_the_expansion_is_the_curvature_of_the_exact_residuals():
    """Along a random direction, with every residual evaluated by `exact_residuals` on both sides of the limit."""
    game, point = traced(GAMES["laffer-tax"]), limit_of("laffer-tax")
    iterate, basis = Components(*(jnp.asarray(part) for part in point.iterate)), movable_directions(game)
    direction = np.random.default_rng(0).standard_normal(basis.shape[1])
    single = np.outer(direction, direction)
    expansion = expansion_at(game, iterate, basis, (single, single))
    nothing = np.zeros(len(basis))
    step = 1e-3
    moves = [unflattened(game, flattened(point.iterate) + t * basis @ direction) for t in (-step, 0.0, step)]
    columns = {name: np.stack([getattr(x, name) for x in moves])[None] for name in Components._fields}
    residuals = exact_residuals(GAMES["laffer-tax"], trace_of(GAMES["laffer-tax"], columns))
    for name, vector in SQUARED.items():
        below, centre, above = getattr(residuals, name)[0]
        moments = Moments.of(expansion, vector, basis, ((single, nothing), (single, nothing)))
        np.testing.assert_allclose(moments.limit, centre, atol=1e-12)
        np.testing.assert_allclose(moments.slopes[0], (above - 2 * centre + below) / (2 * step**2), rtol=1e-4)
