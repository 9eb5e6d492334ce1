"""Ascent by a gradient through T iterations of the equilibrium operator."""

from typing import ClassVar, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy, model_at
from smfg_verify.exact.follower import soft_bellman
from smfg_verify.exact.objective import objective_at
from smfg_verify.exact.population import chain
from smfg_verify.exact.precision import require_float64
from smfg_verify.exact.response import setting_of
from smfg_verify.game import AbstractGame, as_parameter, mean_field_shape, parameter
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic.baselines._equilibria import Answer, climb, no_gradient
from smfg_verify.stochastic.engine.start_and_resume import RunOptions, run_method
from smfg_verify.stochastic.method import Carry, Memory, Method, check_count, register
from smfg_verify.stochastic.schedules import check_constant
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.value_bounds import ValueBounds


@register
class UnrolledAdjoint(Method):
    """Ascent by the unrolled adjoint as a method; see `unrolled_adjoint`.

    Attributes:
        num_sweeps, leader_step: as in `unrolled_adjoint`.

    Source: see `unrolled_adjoint`.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic.baselines import UnrolledAdjoint
        >>> UnrolledAdjoint(num_sweeps=20, leader_step=1).transitions_per_iteration(games.load("laffer-tax"))
        0
    """

    name: ClassVar[str] = "unrolled-adjoint"
    num_sweeps: int = eqx.field(static=True)
    leader_step: Float[Array, ""] = parameter()

    def __check_init__(self) -> None:
        check_constant("leader_step", self.leader_step)
        check_count("num_sweeps", self.num_sweeps)

    def num_uniforms(self, game: AbstractGame) -> int:
        return 0

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return 0

    def first_memory(self, game: AbstractGame) -> Memory:
        require_float64(game)
        return no_gradient(game)

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        def answer(logits: Array, mean_field: Array, value: Array) -> Answer:
            return unrolled_answer(game, logits, mean_field, value, self.num_sweeps)

        return climb(game, bounds, self.leader_step, carry, answer)


def unrolled_answer(
    game: AbstractGame,
    leader_logits: Float[Array, "O B"],
    mean_field: Float[Array, " n *A"],
    value: Float[Array, " n"],
    num_sweeps: int,
) -> Answer:
    r"""$x_T$ of $x_{t+1} = (P_{\pi,\phi,m}^T m, T_m V)$, $x = (m, V)$, and $dJ_l$ at $x_T$ through all T sweeps.

    Args:
        game: the game, traced.
        leader_logits: omega, (O, B).
        mean_field, value: x_0, held fixed when differentiating.
        num_sweeps: T.

    Returns:
        The follower's greedy policy at x_T, x_T, and the gradient in the logits.
    """

    def objective(logits: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        setting = setting_of(game, softmax_policy(logits))

        def sweep(point: Point, _: None) -> tuple[Point, None]:
            return swept(setting, point), None

        point, _ = jax.lax.scan(sweep, Point(jnp.ravel(mean_field), value), length=num_sweeps)
        field, policy = point.mean_field.reshape(mean_field_shape(game)), follower_policy(setting, point)
        return objective_at(game, setting.leader_policy, policy, field), (policy, point.value, field)

    gradient, (policy, value, field) = jax.grad(objective, has_aux=True)(leader_logits)
    return Answer(policy, value, field, gradient)


def swept(setting: Setting, point: Point) -> Point:
    """One step of the population under the greedy policy of a value, and of the soft Bellman operator."""
    game = setting.game
    model = model_at(setting, point.mean_field)
    updated, policy = soft_bellman(model, point.value, game.discount, setting.temperature)
    if game.mean_field_support == "states":
        return Point(point.mean_field @ chain(policy, model.transition), updated)
    inflow = jnp.einsum("sa,sat->t", point.mean_field.reshape(policy.shape), model.transition)
    return Point((inflow[:, None] * policy).ravel(), updated)


def unrolled_adjoint(
    game: AbstractGame, *, leader_step: float = 1.0, num_sweeps: int = 100, **run: Unpack[RunOptions]
) -> Trace:
    r"""Run ascent by the unrolled adjoint, $\omega \mathrel{+}= (1-\gamma)\, c\, dJ_l(\omega, x_T(\omega))/d\omega$.

    $x_T$ are T sweeps of $m \leftarrow P_{\pi,\phi,m}^T m$ and $V \leftarrow T_m V$ at once, $\pi$ the soft greedy
    policy of V at m, from where the last iteration ended; reverse differentiation goes through all of them. Nothing is
    sampled. At an equilibrium the gradient is that of the first T terms of the Neumann series of
    $(\partial F/\partial x)^{-1}$: it tends to the true gradient where the sweeps contract, and is wrong by a factor
    of the order of their contraction to the power T before.

    Args:
        game: the game; validated first.
        leader_step: c, dimensionless, >= 0; $1-\gamma$ is the factor of AC-SMFG's mean step.
        num_sweeps: T.
        run: as in `ac_smfg`. The seeds differ in nothing but what `initial` gives each.

    Returns:
        The trace: leaders, each with its x_T. The two chains stand still. A seed whose sweeps diverge ends as NaN.

    Raises:
        ValueError: a bad argument, or float64 off.

    Source: explicit differentiation of iterated equilibrium operators is the idea of AMID (arXiv 2510.21442), there
        for parameterised games and softmax iterations; the sweeps on (m, V), stationarity and the warm start are our
        reading.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import unrolled_adjoint
        >>> game = games.load("laffer-tax")
        >>> trace = unrolled_adjoint(game, num_iterations=2, seeds=[0], checkpoints=[1], num_sweeps=20)
        >>> trace.metadata.method, trace.metadata.transitions_per_iteration
        ('unrolled-adjoint', 0)
    """
    return run_method(game, UnrolledAdjoint(num_sweeps, as_parameter(leader_step)), **run)
