"""The nested loop: follower and mean field learn to the end, or nearly, before the leader takes one step."""

from typing import ClassVar, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame
from smfg_verify.stochastic.baselines._transitions import continued, transition
from smfg_verify.stochastic.engine.start_and_resume import RunOptions, run_method
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry, Method, check_count, check_schedule, register
from smfg_verify.stochastic.samples import Samples, num_uniforms
from smfg_verify.stochastic.schedules import Schedule
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.updates import learn, update
from smfg_verify.stochastic.value_bounds import ValueBounds

# a, b, s', whether the chain restarts, and where.
_UNIFORMS_OF_LEADER = 5


@register
class NestedLoop(Method):
    """The nested loop as a method; see `nested_loop`.

    Attributes:
        schedule, inner_iterations, leader_samples: as in `nested_loop`.

    Source: see `nested_loop`.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.stochastic.baselines import NestedLoop
        >>> method = NestedLoop(Schedule(), inner_iterations=5, leader_samples=1)
        >>> method.transitions_per_iteration(games.load("laffer-tax"))
        11
    """

    name: ClassVar[str] = "nested-loop"
    schedule: Schedule
    inner_iterations: int = eqx.field(static=True)
    leader_samples: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        check_schedule(self.schedule)
        check_count("inner_iterations", self.inner_iterations)
        check_count("leader_samples", self.leader_samples)

    def num_uniforms(self, game: AbstractGame) -> int:
        return self._uniforms_of_followers(game) + self.leader_samples * _UNIFORMS_OF_LEADER

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return 2 * self.inner_iterations + self.leader_samples

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        inner, outer = jnp.split(uniforms, [self._uniforms_of_followers(game)])
        iterate = self._follow(game, bounds, iteration, carry.iterate, inner)
        return Carry(self._lead(game, bounds, iteration, iterate, outer), carry.memory)

    def _uniforms_of_followers(self, game: AbstractGame) -> int:
        return self.inner_iterations * num_uniforms(game, "markov")

    def _follow(
        self,
        game: AbstractGame,
        bounds: ValueBounds,
        iteration: Array,
        iterate: Iterate,
        uniforms: Float[Array, "uniforms lanes"],
    ) -> Iterate:
        """The inner loop: AC-SMFG with the leader frozen. Its iterations are counted from the start of the run."""
        drawn = uniforms.reshape(self.inner_iterations, -1, uniforms.shape[-1])
        begun = jnp.asarray(iteration, float) * self.inner_iterations

        def one(index: Array, iterate: Iterate) -> Iterate:
            steps = self.schedule.at(begun + index)._replace(leader=jnp.zeros(()))
            return update(game, bounds, steps, "markov", iterate, drawn[index])

        result: Iterate = jax.lax.fori_loop(0, self.inner_iterations, one, iterate)
        return result

    def _lead(
        self,
        game: AbstractGame,
        bounds: ValueBounds,
        iteration: Array,
        iterate: Iterate,
        uniforms: Float[Array, "uniforms lanes"],
    ) -> Iterate:
        """One leader step, the mean of `leader_samples` increments at one policy; the critics learn on the way."""
        drawn = uniforms.reshape(self.leader_samples, _UNIFORMS_OF_LEADER, -1)
        last = (jnp.asarray(iteration, float) + 1.0) * self.inner_iterations
        still = jnp.zeros(())
        steps = self.schedule.at(iteration)._replace(
            mean_field=still, follower=still, critic=self.schedule.at(last).critic
        )
        frozen = iterate.leader_logits

        def one(index: Array, carried: tuple[Iterate, Array]) -> tuple[Iterate, Array]:
            iterate, increments = carried
            moved = learn(game, bounds, steps, iterate, _samples(game, iterate, drawn[index]))
            increments = increments + (moved.leader_logits - frozen)
            return _with_leader(moved, frozen), increments

        iterate, increments = jax.lax.fori_loop(0, self.leader_samples, one, (iterate, jnp.zeros_like(frozen)))
        return _with_leader(iterate, frozen + increments / self.leader_samples)


def _with_leader(iterate: Iterate, logits: Float[Array, "O B lanes"]) -> Iterate:
    result: Iterate = eqx.tree_at(lambda x: x.leader_logits, iterate, logits)
    return result


def _samples(game: AbstractGame, iterate: Iterate, uniforms: Float[Array, "5 lanes"]) -> Samples:
    """One transition of the chain with restarts; the population's chain stands still."""
    drawn = transition(game, iterate, iterate.occupancy_state[None], uniforms[0:3, None])
    return Samples(
        state=drawn.state[0],
        follower_action=drawn.follower_action[0],
        leader_action=drawn.leader_action[0],
        next_state=drawn.next_state[0],
        follower=drawn.follower.of_chain(0),
        leader=drawn.leader.of_chain(0),
        population_state=iterate.population_state,
        population_action=jnp.zeros_like(iterate.population_state),
        occupancy_state=continued(game, drawn.next_state[0], uniforms[3:5]),
    )


def nested_loop(
    game: AbstractGame,
    *,
    schedule: Schedule | None = None,
    inner_iterations: int = 20,
    leader_samples: int = 1,
    **run: Unpack[RunOptions],
) -> Trace:
    r"""Run the nested loop: `inner_iterations` of follower, mean field and critics, then one step of the leader.

    Inner: the updates of `ac_smfg` with $\zeta = 0$, their step sizes $c/\sqrt{j+1}$ in the count j of all inner
    iterations so far. Outer: $\omega \mathrel{+}= \zeta_k \, \mathrm{mean}(\delta_l \nabla \log\phi(b|s))$ over
    `leader_samples` transitions at frozen policies and mean field, during which only the critics go on learning. The
    leader still follows the direct gradient: a perfect inner loop makes it the direct gradient at the equilibrium of
    the leader's policy, not the total gradient.

    One iteration samples 2 inner_iterations + leader_samples transitions.

    Args:
        game: the game; validated first.
        schedule: step sizes, the leader's in outer iterations; `Schedule()` if None.
        inner_iterations: iterations of follower and mean field for each leader step.
        leader_samples: transitions that a leader step averages.
        run: as in `ac_smfg`: num_iterations, seeds, checkpoints, initial, checkpoint_file, overwrite, progress,
            callback.

    Returns:
        The trace, an iteration being one step of the leader.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Source: the nested-loop ("one by one") alternative that single-loop methods are compared with, as in Zeng et al.
        (arXiv 2509.15392); the inner learner, its warm start, the counting of its steps and the batch are our reading.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import nested_loop
        >>> game = games.load("laffer-tax")
        >>> trace = nested_loop(game, num_iterations=2, seeds=[0], checkpoints=[1], inner_iterations=5)
        >>> trace.metadata.method, trace.metadata.transitions_per_iteration  # 2 inner_iterations + leader_samples
        ('nested-loop', 11)
    """
    method = NestedLoop(Schedule() if schedule is None else schedule, inner_iterations, leader_samples)
    return run_method(game, method, **run)
