"""AC-SMFG: the single-loop actor-critic of Stackelberg mean field games."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.progress import Callback
from smfg_verify.records.entries import Record
from smfg_verify.stochastic.engine.start_and_resume import run_method
from smfg_verify.stochastic.iterate import Iterate, Sampling, check_sampling
from smfg_verify.stochastic.method import Carry, Memory, Method, Step, check_schedule, register
from smfg_verify.stochastic.policy_floor import check_floor, first_at_floor, floor_of
from smfg_verify.stochastic.samples import draw, initial_cumulative, num_uniforms
from smfg_verify.stochastic.schedules import PowerSchedule, Schedule, warn_if_misordered
from smfg_verify.stochastic.trace import Trace
from smfg_verify.stochastic.updates import learn_scaled, unscaled
from smfg_verify.stochastic.value_bounds import ValueBounds

# In the memory of a run: what the mean field that its iterate carries is to be multiplied by.
_SCALE = "mean_field_scale"


@register
class AcSmfg(Method):
    """AC-SMFG as a method: its step sizes, or one choice of them a lane for a sweep, how it draws its samples, and the
    least probability that the follower's policy is held to, if any.
    """

    name: ClassVar[str] = "ac-smfg"
    schedule: Schedule | PowerSchedule
    sampling: Sampling = eqx.field(static=True)
    follower_floor: Float[Array, ""] | None = eqx.field(converter=floor_of, default=None)

    def __check_init__(self) -> None:
        check_sampling(self.sampling)

    def num_uniforms(self, game: AbstractGame) -> int:
        return num_uniforms(game, self.sampling)

    def transitions_per_iteration(self, game: AbstractGame) -> int:
        return 2

    def first_memory(self, game: AbstractGame) -> Memory:
        return {_SCALE: jnp.ones(())}

    def iterate(self, carry: Carry) -> Iterate:
        return unscaled(carry.iterate, carry.memory[_SCALE])

    def step(self, game: AbstractGame, bounds: ValueBounds, iteration: Array, carry: Carry, uniforms: Array) -> Carry:
        return self.stepper(game, bounds)(iteration, carry, uniforms)

    def stepper(self, game: AbstractGame, bounds: ValueBounds) -> Step:
        cumulative = initial_cumulative(game)
        bounds = dataclasses.replace(bounds, follower_floor=self.follower_floor)

        def step(iteration: Array, carry: Carry, uniforms: Array) -> Carry:
            steps, scale = self.schedule.at(iteration), carry.memory[_SCALE]
            iterate, scale = learn_scaled(
                game,
                bounds,
                steps,
                carry.iterate,
                scale,
                lambda seen: draw(game, cumulative, self.sampling, seen, uniforms),
            )
            return Carry(iterate, {_SCALE: scale})

        return step

    def at_lane(self, lane: Int[Array, ""]) -> "AcSmfg":
        return AcSmfg(self.schedule.at_lane(lane), self.sampling, self.follower_floor)

    def options(self) -> Record:
        # A run without the floor is written as it was before there was one.
        return {name: value for name, value in super().options().items() if value is not None}


def ac_smfg(
    game: AbstractGame,
    *,
    num_iterations: int,
    seeds: Iterable[int],
    schedule: Schedule | None = None,
    sampling: Sampling = "markov",
    follower_floor: float | None = None,
    checkpoints: int | Iterable[int] = 60,
    initial: Mapping[str, ArrayLike] | None = None,
    checkpoint_file: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool = False,
    callback: Callback | None = None,
) -> Trace:
    r"""Run AC-SMFG on a game for several seeds side by side, and record every iterate at the checkpoints.

    One iteration samples one transition for both players' critics and policies and one for the mean field:
    $\omega \mathrel{+}= \zeta_k \delta_l \nabla \log\phi(b|s)$, $\theta \mathrel{+}= \alpha_k \delta_f \nabla
    \log\pi(a|s)$, $V(s) \mathrel{+}= \beta_k \delta$ projected to a box, $\hat\mu \mathrel{+}= \xi_k (e_{\bar s} -
    \hat\mu)$; see `smfg_verify.stochastic.updates.update`. The result is a function of the arguments alone: a seed's
    numbers do not depend on the other seeds, on the checkpoints, or on interruptions.

    Args:
        game: the game; validated first.
        num_iterations: number of iterations, >= 1.
        seeds: distinct integers in [0, 2**32).
        schedule: step sizes; `Schedule()` if None. A broken order of the time scales warns.
        sampling: "markov" (two chains, the algorithm) or "iid" (s from the exact occupancy, s_bar from the exact
            stationary law of the current policies at mu_hat: the simplified algorithm used in analyses).
        follower_floor: after each step the follower's policy is put back to probabilities of at least this, see
            `raised_to_floor`, the first policy too; the variant of the theorem in docs/theorem.md. None, the algorithm
            itself, puts nothing back.
        checkpoints: how many iterations to record, at 0 and log-spaced from 1, or the iterations themselves; the
            last iteration is always recorded.
        initial: arrays by name of the field of `Iterate` (leader_logits, follower_logits, leader_critic,
            follower_critic, mean_field, occupancy_state, population_state) that replace the first iterate's, each for
            one run or with a leading axis of seeds.
        checkpoint_file: a new file ending in .nc. The run is saved there at the start, every few seconds, at the end,
            and when it is interrupted; `resume` continues it and `Trace.load` reads what is recorded so far.
        overwrite: whether the file may replace another one; that stands until the first save of this run succeeds.
        progress: show a progress bar on standard error.
        callback: called between chunks (about one second of work) with the iterations done.

    Returns:
        The trace. A seed whose iterates stop being finite is marked in `Trace.diverged`, the others go on.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Source: AC-SMFG of Zeng et al., "Learning in Stackelberg Mean Field Games" (arXiv 2509.15392).

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import ac_smfg, games
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> bool(np.allclose(trace.mean_field.sum(axis=-1), 1.0)), trace.complete
        (True, True)
        >>> alone = ac_smfg(game, num_iterations=20, seeds=[1], checkpoints=[10])
        >>> bool((alone.leader_logits[0] == trace.leader_logits[1]).all())  # seeds do not know of each other
        True
    """
    schedule = Schedule() if schedule is None else schedule
    check_schedule(schedule)
    check_floor(game, follower_floor)
    method = AcSmfg(schedule, sampling, floor_of(follower_floor))
    warn_if_misordered(schedule)
    return run_method(
        game,
        method,
        num_iterations=num_iterations,
        seeds=seeds,
        checkpoints=checkpoints,
        initial=initial if follower_floor is None else first_at_floor(initial, follower_floor),
        checkpoint_file=checkpoint_file,
        overwrite=overwrite,
        progress=progress,
        callback=callback,
    )
