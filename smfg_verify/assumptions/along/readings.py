r"""The numbers of `conditions` at every iterate: leaders with their equilibria, mean fields and policies of the run."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Float

from smfg_verify.assumptions.along.iterates import Iterates
from smfg_verify.assumptions.along.optimal_floor import optimal_floors
from smfg_verify.assumptions.gradient_alignment.measures import alignment_measures
from smfg_verify.assumptions.gradient_domination.certified_constants import constant_of_policies, near_optimum
from smfg_verify.assumptions.gradient_domination.measures import FollowerPoints, evaluate_points
from smfg_verify.assumptions.one_sided.growth import frame_of, growths
from smfg_verify.assumptions.smoothness.hessian import curvatures, hessians
from smfg_verify.assumptions.uniqueness.several_equilibria import tangent_determinant
from smfg_verify.exact.batching import batch_size, in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import LeaderPoints
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain, discounted_occupancy
from smfg_verify.exact.response_jacobian import LocalResponse, at_mean_fields, field_size, tangent_norms
from smfg_verify.game import AbstractGame
from smfg_verify.policies import observed_rows, softmax_policy

Readings = Mapping[str, Float[np.ndarray, " N"]]


def of_chains(game: AbstractGame, iterates: Iterates, points: LeaderPoints) -> Readings:
    """Of the chain under both policies, at the run's mean field."""
    size = batch_size(game)
    parts = (iterates.leader_logits, iterates.follower_logits, iterates.mean_field)
    mixing, occupancy = in_batches(lambda *each: _chains(game, *each), size, *parts)
    return {"mixing": mixing, "occupancy": occupancy}


@jit_for_game
def _chains(game: AbstractGame, leaders: Array, followers: Array, fields: Array) -> tuple[Array, Array]:
    def one(omega: Array, theta: Array, field: Array) -> tuple[Array, Array]:
        rows = observed_rows(softmax_policy(omega), game.leader_observation)
        moves = chain(softmax_policy(theta), follower_model(tabulate(game, field), rows).transition)
        apart = 0.5 * jnp.max(jnp.sum(jnp.abs(moves[:, None] - moves[None]), axis=-1))
        visits = discounted_occupancy(moves, jnp.asarray(game.initial_distribution), game.discount)
        return apart, jnp.min(visits)

    return jax.vmap(one)(leaders, followers, fields)


_OF_RESPONSES = ("modulus", "rate", "index", "modulus_at_mean_field", "rate_at_mean_field")


def of_responses(game: AbstractGame, iterates: Iterates, points: LeaderPoints) -> Readings:
    r"""Of $D\Gamma$ under the run's leader: at its equilibrium, and at the run's mean field."""
    size, number = field_size(game), len(points.converged)
    known = points.converged
    if size == 1:
        return dict.fromkeys(_OF_RESPONSES, np.full(number, np.nan))  # one mean field, no tangents
    middle = np.full(size, 1.0 / size)
    equilibria = np.where(known[:, None], points.mean_field.reshape(number, size), middle)
    at_equilibrium = at_mean_fields(game, iterates.leader_logits, equilibria)
    at_field = at_mean_fields(game, iterates.leader_logits, iterates.mean_field.reshape(number, size))
    found = _sizes(at_equilibrium)
    index = [tangent_determinant(jacobian) for jacobian in at_equilibrium.response]
    found = {name: np.where(known, values, np.nan) for name, values in {**found, "index": np.array(index)}.items()}
    return {**found, **{f"{name}_at_mean_field": values for name, values in _sizes(at_field).items()}}


def _sizes(found: LocalResponse) -> dict[str, np.ndarray]:
    jacobians = found.response
    finite = np.all(np.isfinite(jacobians), axis=(1, 2))
    moduli = tangent_norms(np.where(finite[:, None, None], jacobians, 0.0))
    rates = 1.0 - growths(jacobians, frame_of(jacobians.shape[-1]))
    return {"modulus": np.where(finite, moduli, np.nan), "rate": rates}


def of_gradients(game: AbstractGame, iterates: Iterates, points: LeaderPoints) -> Readings:
    """Of the total gradient and its direct part, in which follower's policy and mean field are held."""
    measures = alignment_measures(points)
    return {"cosine": measures.cosine, "alignment": measures.inner_product_constant}


def of_followers(game: AbstractGame, iterates: Iterates, points: LeaderPoints) -> Readings:
    """Of the follower's objective at the run's policies and mean field; proved by floors of these and optimal ones."""
    found = evaluate_points(game, FollowerPoints(iterates.follower_logits, iterates.leader_logits, iterates.mean_field))
    logits = iterates.follower_logits
    floors = np.exp(np.min(logits - scipy.special.logsumexp(logits, axis=2, keepdims=True), axis=(1, 2)))
    proved = np.array([constant_of_policies(game, float(floor)) for floor in floors])
    near = [near_optimum(game, float(floor)) for floor in optimal_floors(game, iterates)]
    return {
        "domination": np.asarray(found.ratio),
        "proved_domination": proved,
        "near_optimum": np.array([each.constant for each in near]),
        "near_gap": np.array([each.gap for each in near]),
    }


def of_hessians(game: AbstractGame, iterates: Iterates, points: LeaderPoints) -> Readings:
    """Of the objective's second derivatives in the leader's logits."""
    known = points.converged
    starts = np.where(
        known.reshape(-1, *[1] * (points.mean_field.ndim - 1)), points.mean_field, 1.0 / points.mean_field[0].size
    )
    sizes = np.abs(curvatures(hessians(game, iterates.leader_logits, starts)[0])[0])
    return {"curvature": np.where(known, sizes, np.nan)}


READERS: Mapping[str, Callable[[AbstractGame, Iterates, LeaderPoints], Readings]] = {
    "ergodicity": of_chains,
    "coverage": of_chains,
    "contraction": of_responses,
    "one-sided-contraction": of_responses,
    "uniqueness": of_responses,
    "gradient-domination": of_followers,
    "gradient-alignment": of_gradients,
    "smoothness": of_hessians,
}
