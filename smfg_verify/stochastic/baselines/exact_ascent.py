"""Exact gradient ascent: the reference line that no sampled method should be expected to beat."""

from typing import ClassVar, Unpack

from jaxtyping import Array, Float

from smfg_verify.exact.equilibrium.solve import equilibrium_of_policy
from smfg_verify.exact.gradient.stackelberg import formula_at
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import AbstractGame, as_parameter, parameter
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic.baselines._equilibria import Answer, climb, no_gradient
from smfg_verify.stochastic.engine.start_and_resume import RunOptions, run_method
from smfg_verify.stochastic.method import Carry, Memory, Method, register
from smfg_verify.stochastic.schedules import check_constant
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.value_bounds import ValueBounds


@register
class ExactAscent(Method):
    """Exact gradient ascent as a method; see `exact_ascent`.

    Attributes:
        leader_step: as in `exact_ascent`.

    Source: ours, see `exact_ascent`.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic.baselines import ExactAscent
        >>> ExactAscent(leader_step=0.5).transitions_per_iteration(games.load("laffer-tax"))  # nothing is sampled
        0
    """

    name: ClassVar[str] = "exact-ascent"
    leader_step: Float[Array, ""] = parameter()

    def __check_init__(self) -> None:
        check_constant("leader_step", self.leader_step)

    def num_uniforms(self, game: AbstractGame) -> int:
        return 0

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return 0

    def first_memory(self, game: AbstractGame) -> Memory:
        require_float64(game)
        return no_gradient(game)

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        def answer(logits: Array, mean_field: Array, value: Array) -> Answer:
            policy = softmax_policy(logits)
            equilibrium = equilibrium_of_policy(game, policy, mean_field, rescue=False)
            gradient = formula_at(game, policy, equilibrium)
            return Answer(equilibrium.follower_policy, equilibrium.follower_value, equilibrium.mean_field, gradient)

        return climb(game, bounds, self.leader_step, carry, answer)


def exact_ascent(game: AbstractGame, *, leader_step: float = 1.0, **run: Unpack[RunOptions]) -> Trace:
    r"""Run exact ascent, $\omega \mathrel{+}= (1-\gamma)\, c\, \nabla\Phi(\omega)$ with the true total gradient.

    Nothing is sampled. The step size is constant; $1-\gamma$ is the factor of AC-SMFG's mean step, which makes the
    constants comparable. The first iteration only finds the equilibrium of the first leader. Each search starts from
    the last mean field and is Newton's alone: a seed on which it fails ends as NaN, marked in `Trace.diverged`. For
    fewest steps, not for a comparable path, use `smfg_verify.exact.leader.optimise.optimise_leader`.

    Args:
        game: the game; validated first.
        leader_step: c, dimensionless, >= 0.
        run: as in `ac_smfg`. The seeds differ in nothing but what `initial` gives each.

    Returns:
        The trace: leaders, each with its equilibrium and the values there. The two chains stand still.

    Raises:
        ValueError: a bad argument, or float64 off.

    Source: gradient ascent with the implicit gradient of `smfg_verify.exact.gradient.stackelberg`; ours.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import exact_ascent
        >>> trace = exact_ascent(games.load("laffer-tax"), num_iterations=2, seeds=[0], checkpoints=[1])
        >>> bool(trace.leader_logits[0, -1, 0, 1] > 0.0), trace.metadata.transitions_per_iteration
        (True, 0)
    """
    return run_method(game, ExactAscent(as_parameter(leader_step)), **run)
