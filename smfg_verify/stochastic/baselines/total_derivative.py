"""A stochastic total-derivative learner: the leader's whole gradient, out of a model that is estimated from samples."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.exact.equilibrium.solve import Equilibrium, EquilibriumMethod, Status
from smfg_verify.exact.gradient.stackelberg import formula_at
from smfg_verify.game import AbstractGame, TabularGame, as_parameter, mean_field_shape, over_indices, parameter
from smfg_verify.policies import softmax_policy
from smfg_verify.records.entries import Arguments
from smfg_verify.stochastic.engine.lanes import over_lanes
from smfg_verify.stochastic.engine.start_and_resume import RunOptions, run_method
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry, Memory, Method, check_count, check_schedule, register
from smfg_verify.stochastic.samples import next_states, num_uniforms
from smfg_verify.stochastic.schedules import Schedule, check_constant, warn_if_misordered
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.updates import update
from smfg_verify.stochastic.value_bounds import ValueBounds


@register
class TotalDerivative(Method):
    """The total-derivative learner as a method; see `total_derivative`.

    Attributes:
        schedule, model_rounds, model_step, spacing: as in `total_derivative`.

    Source: see `total_derivative`.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.stochastic.baselines import TotalDerivative
        >>> method = TotalDerivative(Schedule(), model_rounds=1, model_step=1, spacing=0.5)
        >>> method.transitions_per_iteration(games.load("laffer-tax"))
        26
    """

    name: ClassVar[str] = "total-derivative"
    schedule: Schedule
    model_rounds: int = eqx.field(static=True)
    model_step: Float[Array, ""] = parameter()
    spacing: Float[Array, ""] = parameter()

    def __check_init__(self) -> None:
        check_schedule(self.schedule)
        check_constant("model_step", self.model_step)
        check_constant("spacing", self.spacing)
        if not isinstance(self.spacing, jax.core.Tracer) and not 0.0 < float(self.spacing) <= 1.0:
            raise InputError(f"spacing: got {float(self.spacing):g}, expected a number in (0, 1].")
        check_count("model_rounds", self.model_rounds)

    def num_uniforms(self, game: AbstractGame) -> int:
        return num_uniforms(game, "markov") + self._model_transitions(game)

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return 2 + self._model_transitions(game)

    def _model_transitions(self, game: AbstractGame) -> int:
        return self.model_rounds * _num_designs(game) * _num_cells(game)

    def first_memory(self, game: AbstractGame) -> Memory:
        n, num_actions, num_leader_actions = game.num_states, game.num_follower_actions, game.num_leader_actions
        shape = (_num_designs(game), n, num_actions, num_leader_actions)
        return {
            "kernel": jnp.full((*shape, n), 1.0 / n),
            "follower_rewards": jnp.zeros(shape),
            "leader_rewards": jnp.zeros(shape),
        }

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        own, of_model = jnp.split(uniforms, [num_uniforms(game, "markov")])
        steps = self.schedule.at(iteration)
        seen = _observed_model(game, carry.iterate.mean_field, self.spacing, self.model_rounds, of_model)
        weight = jnp.minimum(self.model_step / jnp.sqrt(jnp.asarray(iteration + 1, float)), 1.0)
        memory = {name: old + weight * (seen[name] - old) for name, old in carry.memory.items()}

        def gradient(iterate: Iterate, memory: Memory) -> Array:
            return estimated_gradient(game, iterate, memory, self.spacing)

        ascent = steps.leader * (1.0 - game.discount) * over_lanes(gradient)(carry.iterate, memory)
        moved = update(game, bounds, steps._replace(leader=jnp.zeros(())), "markov", carry.iterate, own)
        logits = carry.iterate.leader_logits + ascent
        return Carry(eqx.tree_at(lambda x: x.leader_logits, moved, logits), memory)


def _num_designs(game: AbstractGame) -> int:
    """Mean fields that the model is sampled at: the estimate, and one on the way to each vertex of the simplex."""
    return 1 + int(np.prod(mean_field_shape(game)))


def _num_cells(game: AbstractGame) -> int:
    return game.num_states * game.num_follower_actions * game.num_leader_actions


def _designs(mean_field: Float[Array, "n *A lanes"], spacing: Float[Array, ""]) -> Float[Array, "D n *A lanes"]:
    size = int(np.prod(mean_field.shape[:-1]))
    vertices = jnp.eye(size).reshape(size, *mean_field.shape[:-1], 1)
    return jnp.concatenate([mean_field[None], mean_field + spacing * (vertices - mean_field)])


def _observed_model(game: AbstractGame, mean_field: Array, spacing: Array, rounds: int, uniforms: Array) -> Memory:
    """Frequencies of the sampled next states, and the rewards seen, at every design and every (s, a, b); lanes last."""
    lanes, fields = mean_field.shape[-1], _designs(mean_field, spacing)
    sizes = (game.num_states, game.num_follower_actions, game.num_leader_actions)
    states, actions, leader_actions = jnp.indices((*sizes, lanes))[:3].reshape(3, -1, lanes)
    drawn = uniforms.reshape(rounds, fields.shape[0], -1, lanes)

    def count(index: Array, counts: Array) -> Array:
        def sample(uniform: Array, field: Array) -> Array:
            return next_states(game, uniform, states, actions, leader_actions, field)

        moved = jax.vmap(sample)(drawn[index], fields)
        return counts + jax.nn.one_hot(moved, game.num_states, axis=2, dtype=counts.dtype)

    start = jnp.zeros((fields.shape[0], _num_cells(game), game.num_states, lanes))
    counts = jax.lax.fori_loop(0, rounds, count, start)

    def seen(function: Callable[..., Array]) -> Array:
        at_field = lambda field: over_indices(game, lambda s, a, b: jnp.asarray(function(s, a, b, field)))  # noqa: E731
        return over_lanes(jax.vmap(at_field))(fields)

    return {
        "kernel": counts.reshape(fields.shape[0], *sizes, game.num_states, lanes) / rounds,
        "follower_rewards": seen(game.follower_reward),
        "leader_rewards": seen(game.leader_reward),
    }


class _Affine(NamedTuple):
    """Value at zero and slopes of a table that is affine in the flattened mean field."""

    constant: Array
    slopes: Array


def _affine(table: Array, field: Float[Array, " M"], spacing: Float[Array, ""]) -> _Affine:
    """The affine function through a table's values at the designs.

    Slopes are known along the simplex only; off it any extension will do.
    """
    slopes = (table[1:] - table[0]) / spacing
    return _Affine(table[0] - jnp.tensordot(field, slopes, axes=1), slopes)


def estimated_gradient(
    game: AbstractGame, iterate: Iterate, memory: Memory, spacing: Float[Array, ""]
) -> Float[Array, "O B"]:
    """The total gradient of the estimated game at the iterate, by one adjoint solve; for one run, without lanes.

    Args:
        game: gives the sizes, discount, temperatures, rho and the leader's observation.
        iterate: where the gradient is taken: the leader's logits, the follower's critic and the mean field.
        memory: estimated kernel and rewards at every design.
        spacing: of the designs.

    Returns:
        (O, B), in units of discounted leader reward.
    """
    field = jnp.ravel(iterate.mean_field)
    model = {name: _affine(table, field, spacing) for name, table in memory.items()}
    tables: Arguments = {name: parts.constant for name, parts in model.items()}
    tables |= {f"{name}_mean_field": parts.slopes for name, parts in model.items()}
    estimated = TabularGame(
        mean_field_support=game.mean_field_support,
        **tables,
        discount=as_parameter(game.discount),
        temperature=as_parameter(game.temperature),
        leader_temperature=as_parameter(game.leader_temperature),
        initial_distribution=as_parameter(game.initial_distribution),
        leader_observation=jnp.asarray(game.leader_observation),
    )
    point = Equilibrium(
        mean_field=iterate.mean_field,
        follower_policy=softmax_policy(iterate.follower_logits),
        follower_value=iterate.follower_critic,
        residual=jnp.zeros(()),
        converged=jnp.asarray(True),
        steps=jnp.asarray(0),
        method=jnp.asarray(int(EquilibriumMethod.NONE)),
        cycled=jnp.asarray(False),
        error_bound=jnp.asarray(jnp.nan),
        value_error_bound=jnp.asarray(jnp.nan),
        spectral_radius=jnp.asarray(jnp.nan),
        status=jnp.asarray(int(Status.CONVERGED)),
        steep_entry=jnp.asarray(-1),
    )
    return formula_at(estimated, softmax_policy(iterate.leader_logits), point)


def total_derivative(
    game: AbstractGame,
    *,
    schedule: Schedule | None = None,
    model_rounds: int = 1,
    model_step: float = 1.0,
    spacing: float = 0.5,
    **run: Unpack[RunOptions],
) -> Trace:
    r"""Run a stochastic total-derivative learner: AC-SMFG but for the leader, who ascends an estimate of $\nabla\Phi$.

    What is estimated, at the D = 1 + M mean fields $\hat\mu$ and $\hat\mu + h (e_j - \hat\mu)$ (h = `spacing`) and
    every (s, a, b): the kernel by frequencies of sampled next states and the rewards as seen, averaged over
    iterations with weights $\min(1, c/\sqrt{k+1})$ (c = `model_step`). Differences over h are the slopes in the mean
    field. The leader then moves by $\zeta_k (1-\gamma) \hat g$, $\hat g$ the total gradient of the estimated game by
    one adjoint solve, $(\partial F/\partial x)^T \lambda = \partial J_l/\partial x$,
    $\hat g = \partial J_l/\partial\omega - (\partial F/\partial\omega)^T\lambda$, at $x = (\hat\mu, V_f)$ of the
    iterate, whose follower is the soft greedy policy of $V_f$. So it holds the policy response and the mean field
    response that AC-SMFG leaves out.

    The estimate is biased for finite samples: it is nonlinear in the frequencies (a product with an inverse), the
    average lags behind $\hat\mu$, differences err by O(h) where the dependence is not affine, and x is an equilibrium
    only in the limit. Where an estimated Jacobian is nearly singular its variance need not be finite.

    One iteration samples 2 + model_rounds D n A B transitions, the latter from a simulator that can be set to any
    (s, a, b) and mean field: more than a single chain gives, so compare with care.

    Args:
        game: the game; validated first.
        schedule: step sizes; `Schedule()` if None. A broken order of the time scales warns.
        model_rounds: samples of each (s, a, b) at each mean field, an iteration.
        model_step: c, dimensionless, >= 0.
        spacing: h, in (0, 1].
        run: as in `ac_smfg`: num_iterations, seeds, checkpoints, initial, checkpoint_file, overwrite, progress,
            callback.

    Returns:
        The trace.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Source: a leader that estimates its implicit total derivative from samples is the idea of the Stackelberg learner
        of arXiv 2309.16188; mean field terms, the tabular model by counts, the designs and the step sizes are our
        reading.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import total_derivative
        >>> trace = total_derivative(games.load("laffer-tax"), num_iterations=2, seeds=[0], checkpoints=[1])
        >>> trace.metadata.transitions_per_iteration  # 2 + model_rounds (1 + M) n A B
        26
    """
    schedule = Schedule() if schedule is None else schedule
    method = TotalDerivative(schedule, model_rounds, as_parameter(model_step), as_parameter(spacing))
    warn_if_misordered(schedule)
    return run_method(game, method, **run)
