"""What one iteration of AC-SMFG draws, by two running chains or from their exact laws, for a batch of lanes."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain, discounted_occupancy, stationary_distribution
from smfg_verify.game import AbstractGame
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.stochastic.engine.lanes import observed, one_hot, over_lanes, rows
from smfg_verify.stochastic.iterate import Iterate, Sampling
from smfg_verify.stochastic.sampling import sample_cumulative, sample_index, sample_transition


class PolicyRows(NamedTuple):
    """Rows of a player's policy.

    Attributes:
        probabilities: (A, ...).
        logarithms: their logarithms, finite where a probability has underflowed, (A, ...).
    """

    probabilities: Float[Array, "A *chains lanes"]
    logarithms: Float[Array, "A *chains lanes"]

    @classmethod
    def of_logits(cls, logits: Float[Array, "A *chains lanes"]) -> "PolicyRows":
        """Rows of a softmax: each exponential is taken once, which is most of what an iteration costs."""
        shifted = logits - jax.lax.stop_gradient(jnp.max(logits, axis=0))
        weights = jnp.exp(shifted)
        total = jnp.sum(weights, axis=0)
        return cls(weights / total, shifted - jnp.log(total))

    def of_chain(self, chain: int) -> "PolicyRows":
        """The rows of one of several chains."""
        return PolicyRows(self.probabilities[:, chain], self.logarithms[:, chain])

    def score(self, action: Int[Array, " lanes"]) -> Float[Array, "A lanes"]:
        """Gradient of the logarithm of the probability of an action, in the logits."""
        return one_hot(action, self.probabilities) - self.probabilities


class Samples(NamedTuple):
    """What one iteration draws: a transition for the learners, a point for the mean field, and where the chains go.

    Attributes:
        state, follower_action, leader_action, next_state: s, a, b, s', each (lanes,).
        follower, leader: pi(.|s), (A, lanes), and phi(.|s), (B, lanes).
        population_state, population_action: the point the mean field moves to, (lanes,).
        occupancy_state: s of the next iteration, (lanes,).
    """

    state: Int[Array, " lanes"]
    follower_action: Int[Array, " lanes"]
    leader_action: Int[Array, " lanes"]
    next_state: Int[Array, " lanes"]
    follower: PolicyRows
    leader: PolicyRows
    population_state: Int[Array, " lanes"]
    population_action: Int[Array, " lanes"]
    occupancy_state: Int[Array, " lanes"]


def num_uniforms(game: AbstractGame, sampling: Sampling) -> int:
    """Number of uniforms an iteration uses; the last is a_bar's, where the mean field is on state-action pairs."""
    return (8 if sampling == "markov" else 5) + (game.mean_field_support == "state_actions")


def initial_cumulative(game: AbstractGame) -> Float[Array, " n"]:
    """Sums of rho, which every restart draws from; a loop computes them once."""
    return jnp.cumsum(jnp.asarray(game.initial_distribution))


def draw(
    game: AbstractGame,
    cumulative: Float[Array, " n"],
    sampling: Sampling,
    iterate: Iterate,
    uniforms: Float[Array, "uniforms lanes"],
) -> Samples:
    """What one iteration draws.

    Args:
        game, sampling, iterate, uniforms: as in `update`.
        cumulative: `initial_cumulative(game)`.

    Returns:
        The samples.
    """
    if sampling == "markov":
        return _markov_samples(game, cumulative, iterate, uniforms)
    return _iid_samples(game, iterate, uniforms)


def _markov_samples(
    game: AbstractGame, cumulative: Float[Array, " n"], iterate: Iterate, uniforms: Float[Array, "uniforms lanes"]
) -> Samples:
    states = jnp.stack([iterate.occupancy_state, iterate.population_state])
    follower, leader = policies(game, iterate, states)
    follower_actions = sample_index(follower.probabilities, uniforms[0:2])
    leader_actions = sample_index(leader.probabilities, uniforms[2:4])
    moved = next_states(game, uniforms[4:6], states, follower_actions, leader_actions, iterate.mean_field)
    return Samples(
        state=states[0],
        follower_action=follower_actions[0],
        leader_action=leader_actions[0],
        next_state=moved[0],
        follower=follower.of_chain(0),
        leader=leader.of_chain(0),
        population_state=moved[1],
        population_action=_follower_action(iterate, moved[1], uniforms[-1]),
        occupancy_state=_continued(game, cumulative, moved[0], uniforms[6:8]),
    )


def _continued(
    game: AbstractGame,
    cumulative: Float[Array, " n"],
    moved: Int[Array, " lanes"],
    uniforms: Float[Array, "2 lanes"],
) -> Int[Array, " lanes"]:
    """Where the chain with restarts goes: on with probability gamma, else to a fresh draw from rho."""
    goes_on = uniforms[0] < game.discount
    if moved.shape[-1] == 1:  # a search through rho's sums misses the caches where there are many states
        state: Int[Array, " lanes"] = jax.lax.cond(
            goes_on[0], lambda: moved, lambda: sample_cumulative(cumulative, uniforms[1])
        )
        return state
    return jnp.where(goes_on, moved, sample_cumulative(cumulative, uniforms[1]))


def _iid_samples(game: AbstractGame, iterate: Iterate, uniforms: Float[Array, "uniforms lanes"]) -> Samples:
    laws: Callable[..., tuple[Array, Array]] = jax.vmap(
        lambda *arrays: exact_laws(game, *arrays), in_axes=-1, out_axes=-1
    )
    occupancy, stationary = laws(iterate.leader_logits, iterate.follower_logits, iterate.mean_field)
    # Rounding of the linear solves may leave entries of about -1e-17 at transient states.
    state = sample_index(jnp.maximum(occupancy, 0.0), uniforms[0])
    population_state = sample_index(jnp.maximum(stationary, 0.0), uniforms[4])
    follower, leader = policies(game, iterate, state[None])
    follower_action = sample_index(follower.probabilities, uniforms[1:2])
    leader_action = sample_index(leader.probabilities, uniforms[2:3])
    moved = next_states(game, uniforms[3:4], state[None], follower_action, leader_action, iterate.mean_field)
    return Samples(
        state=state,
        follower_action=follower_action[0],
        leader_action=leader_action[0],
        next_state=moved[0],
        follower=follower.of_chain(0),
        leader=leader.of_chain(0),
        population_state=population_state,
        population_action=_follower_action(iterate, population_state, uniforms[-1]),
        occupancy_state=state,
    )


def exact_laws(
    game: AbstractGame,
    leader_logits: Float[Array, "O B"],
    follower_logits: Float[Array, "n A"],
    mean_field: Float[Array, " n *A"],
) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    r"""Laws that "iid" sampling draws from: $d^{\pi,\phi}_{\hat\mu}$ and the stationary law $\nu$ of the same chain.

    Args:
        game: the game.
        leader_logits: omega, (O, B).
        follower_logits: theta, (n, A).
        mean_field: mu_hat, the game's support.

    Returns:
        Discounted occupancy and stationary distribution, (n,) each.
    """
    leader_rows = observed_rows(softmax_policy(leader_logits), game.leader_observation)
    model = follower_model(tabulate(game, mean_field), leader_rows)
    transition = chain(softmax_policy(follower_logits), model.transition)
    initial = jnp.asarray(game.initial_distribution)
    return discounted_occupancy(transition, initial, game.discount), stationary_distribution(transition)


def policies(game: AbstractGame, iterate: Iterate, states: Int[Array, "chains lanes"]) -> tuple[PolicyRows, PolicyRows]:
    """Both players' policies at the states of several chains, pi(.|s) and phi(.|s), (A, chains, lanes) each."""
    follower = PolicyRows.of_logits(rows(iterate.follower_logits, states))
    return follower, PolicyRows.of_logits(rows(iterate.leader_logits, observed(game, states)))


def _follower_action(iterate: Iterate, state: Int[Array, " lanes"], uniform: Float[Array, " lanes"]) -> Array:
    policy = PolicyRows.of_logits(rows(iterate.follower_logits, state[None])[:, 0])
    return sample_index(policy.probabilities, uniform)


def next_states(
    game: AbstractGame,
    uniforms: Array,
    states: Array,
    follower_actions: Array,
    leader_actions: Array,
    mean_field: Array,
) -> Int[Array, "chains lanes"]:
    """One sampled transition for each chain and lane; all arguments but the mean field are (chains, lanes)."""

    def sample(uniform: Array, state: Array, follower_action: Array, leader_action: Array, field: Array) -> Array:
        return sample_transition(game, uniform, state, follower_action, leader_action, field)

    chains = jax.vmap(sample, in_axes=(0, 0, 0, 0, None))
    return over_lanes(chains)(uniforms, states, follower_actions, leader_actions, mean_field)
