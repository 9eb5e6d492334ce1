"""Exact ascent of the leader's objective to a second-order stationary policy, from one start or several."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.errors import InputError
from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.equilibrium.solve import equilibrium_of_policy, prepare, raise_unless_converged
from smfg_verify.exact.gradient.stackelberg import StackelbergGradient, gradient_at, policy_gradient, raise_if_singular
from smfg_verify.exact.leader.ascent import Aim, Ascent, AscentSearch, AscentStatus, Request, near_vertex, search
from smfg_verify.exact.leader.ascent_steps import Iterate, never_zero
from smfg_verify.exact.leader.pure_leaders import PureLeaders, pure_actions
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.game import AbstractGame, compiled_for_game, mean_field_shape, over_indices
from smfg_verify.policies import softmax_policy
from smfg_verify.records.portable import Portable

# Vertices of the mean fields at which the leader's reward is looked at for its scale.
_MOST_VERTICES = 16


class LeaderOptimum(Portable, eqx.Module):
    """Where an ascent of the leader ended, and how it went.

    Attributes:
        leader_logits: last logits, (O, B).
        gradient: the Stackelberg gradient there, with objective, policy-space gap and certificate.
        status: why the ascent ended.
        objective_history: Phi after 0, 1, ... steps, (K,), non-decreasing up to rounding.
        gradient_norm_history: Euclidean norm of grad Phi in logits, (K,).
        policy_gap_history: policy-space stationarity gap, (K,).
        curvature: largest second derivative of Phi along unit tangents of the leader's policy at the end, in units of
            the objective; minus infinity at a strict vertex, which has no such tangent; NaN where the end is not
            stationary or it could not be computed.
        curvature_resolution: a curvature up to it counts as zero.
        escapes: numbers of the steps that left a stationary point which was no maximum.
        pure: the pure leaders compared with the end of the best ascent; None where none was asked for.
        restarts: numbers of the steps that went over to a better pure leader.
        ends: where the ascent from each start ended, in their order, the pure leader's last.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, optimise_leader
        >>> optimum = optimise_leader(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> bool(np.all(np.diff(optimum.objective_history) > -1e-12))
        True
        >>> bool(optimum.policy_gap_history[-1] < 1e-8), round(float(optimum.best_pure_objective), 3)
        (True, 0.74)
    """

    leader_logits: Float[Array, "O B"]
    gradient: StackelbergGradient
    status: AscentStatus = eqx.field(static=True)
    objective_history: Float[np.ndarray, " K"]
    gradient_norm_history: Float[np.ndarray, " K"]
    policy_gap_history: Float[np.ndarray, " K"]
    curvature: float
    curvature_resolution: float
    escapes: tuple[int, ...] = eqx.field(static=True)
    pure: PureLeaders | None = None
    restarts: tuple[int, ...] = eqx.field(static=True, default=())
    ends: tuple["LeaderOptimum", ...] = ()

    @property
    def converged(self) -> bool:
        """Whether the end is stationary within the tolerance, with no direction of positive curvature left."""
        return self.status is AscentStatus.CONVERGED

    @property
    def best_pure(self) -> Float[np.ndarray, "O B"] | None:
        """Policy of the best pure leader that was compared; None where there is none."""
        if self.pure is None or self.pure.best_actions is None:
            return None
        result: Float[np.ndarray, "O B"] | None = np.eye(self.leader_logits.shape[1])[self.pure.best_actions]
        return result

    @property
    def best_pure_objective(self) -> float:
        """Its objective; NaN where there is none."""
        return float("nan") if self.pure is None else self.pure.best_objective


def optimise_leader(
    game: AbstractGame,
    initial_logits: Float[ArrayLike, "O B"] | None = None,
    *,
    starts: Float[ArrayLike, "K O B"] | None = None,
    tolerance: float = 1e-8,
    max_steps: int = 2000,
    pure_budget: int = 64,
) -> LeaderOptimum:
    r"""Ascend Phi exactly to a policy that is stationary and has no direction of positive curvature.

    Without leader entropy, spectral projected gradient on the leader's policy itself:
    $\phi \leftarrow \phi + t\,(\mathrm{Proj}(\phi + \eta G) - \phi)$, $G = d\Phi/d\phi$. There a deterministic optimum
    is reached in finitely many steps, a saturated start left at once; in logits both would take for ever. With
    leader entropy the optimum is inside and G is unbounded at the faces: the same with natural gradient steps
    $\phi \propto \phi\,e^{t \eta G}$. Either way $\eta$ is Barzilai and Borwein's and t is halved until the objective
    increases enough, so the history is monotone. Each equilibrium search starts from the last mean field: the
    ascent stays on one branch where equilibria are many.

    A stationary policy may be a minimum or a saddle. There the largest eigenvalue of the Hessian of Phi on the
    tangents of the policy decides: where it is positive the ascent goes on along its eigenvector, where it is zero
    steps of many lengths are tried. Last, the best end is compared with pure leaders (all of them within the budget,
    else its neighbours and random ones), and the ascent goes on from a better one.

    Args:
        game: the game.
        initial_logits: where to start, (O, B).
        starts: several starts, (K, O, B), whose gradients are computed together; after `initial_logits` if both are
            given.
        tolerance: largest accepted value of both stationarity measures, and of a curvature, in units of the objective;
            times the largest discounted leader reward where that is below one.
        max_steps: bound on the number of steps from each start, those after going over to a pure leader included.
        pure_budget: most pure leaders compared; 0 for none.

    Returns:
        The best end, why it ended, its history, and all ends. An action the optimum never takes has probability 1e-30
        in the returned logits. It is a local result: other starts may end higher.

    Raises:
        ValueError: as `solve_equilibrium`; no start at all.
        RuntimeError: the equilibrium of the initial logits (of every start, if several) does not converge or is not
            locally unique.

    Source: spectral projected gradient (Birgin, Martinez and Raydan 2000), here with a monotone line search; natural
        policy gradient (Kakade 2001); second-order points along directions of negative curvature of -Phi (McCormick
        1977).

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, optimise_leader
        >>> optimum = optimise_leader(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> optimum.status.name, round(float(optimum.gradient.objective), 3)
        ('CONVERGED', 3.734)
    """
    _check_settings(tolerance, max_steps, pure_budget)
    game, policies = _starts(game, initial_logits, starts)
    unit = _reward_scale(game)
    aim = Aim(tolerance * unit, unit, max_steps)
    ascents = _together(game, [search(game, policy, aim) for policy in policies])
    best = _best(ascents)
    _raise_if_none_started(best)
    pure = _compared(game, best.last.policy, pure_budget)
    restarts: tuple[int, ...] = ()
    left = max_steps - len(best.iterates) + 1
    if pure is not None and pure.best_objective > best.last.objective + aim.tolerance and left > 0:
        vertex = np.eye(policies.shape[2])[pure.best_actions]
        again = _together(game, [search(game, near_vertex(game, vertex), aim._replace(max_steps=left - 1))])[0]
        ascents = [*ascents, again]
        if again.last.objective > best.last.objective:
            restarts, best = (len(best.iterates),), _continued(best, again)
    ends = tuple(_record(game, ascent) for ascent in ascents)
    return _record(game, best, pure, restarts, ends)


def _check_settings(tolerance: float, max_steps: int, pure_budget: int) -> None:
    if not (np.isfinite(tolerance) and tolerance > 0.0):
        raise InputError(f"tolerance: got {tolerance!r}, expected a positive number.")
    for name, value in (("max_steps", max_steps), ("pure_budget", pure_budget)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise InputError(f"{name}: got {value!r}, expected an integer >= 0; likely cause: a float such as 1e3.")


def _starts(
    game: AbstractGame, initial_logits: ArrayLike | None, starts: ArrayLike | None
) -> tuple[AbstractGame, Float[np.ndarray, "K O B"]]:
    """The game, traced, and the policies to start from."""
    several = [] if starts is None else list(np.asarray(starts, dtype=float))
    listed = several if initial_logits is None else [initial_logits, *several]
    if not listed:
        raise InputError("optimise_leader: got no start, expected initial_logits, starts of shape (K, O, B), or both.")
    prepared = [prepare(game, logits) for logits in listed]
    return prepared[0][0], np.stack([np.asarray(softmax_policy(logits)) for _, logits in prepared])


def _reward_scale(game: AbstractGame) -> float:
    """The largest discounted leader reward, at most 1: the tolerance of a game in small units is small."""
    size = int(np.prod(mean_field_shape(game)))
    fields = np.concatenate([np.full((1, size), 1.0 / size), np.eye(min(size, _MOST_VERTICES), size)])
    rewards = [_leader_rewards(game, jnp.asarray(field.reshape(mean_field_shape(game)))) for field in fields]
    largest = max(float(np.max(np.abs(table))) for table in rewards) + float(game.leader_temperature)
    return min(1.0, largest / (1.0 - float(game.discount))) if largest > 0.0 else 1.0


@compiled_for_game
def _leader_rewards(game: AbstractGame, field: Float[Array, "..."]) -> Float[Array, "n A B"]:
    return over_indices(game, lambda s, a, b: jnp.asarray(game.leader_reward(s, a, b, field)))


def _together(game: AbstractGame, searches: list[AscentSearch]) -> list[Ascent]:
    """Run searches in step with each other: what they ask for at once is computed at once."""
    waiting: dict[int, Request] = {index: next(one) for index, one in enumerate(searches)}
    done: dict[int, Ascent] = {}
    while waiting:
        answers = _gradients(game, list(waiting.values()), len(searches))
        for index, answer in zip(list(waiting), answers, strict=True):
            try:
                waiting[index] = searches[index].send(answer)
            except StopIteration as end:
                done[index] = end.value
                del waiting[index]
    return [done[index] for index in range(len(searches))]


def _gradients(game: AbstractGame, requests: list[Request], width: int) -> list[StackelbergGradient]:
    """Gradients at several policies, padded to a width so that one compiled program serves; failures solved again."""
    if width == 1 or takes_sparse(game):
        return [_gradient(game, policy, start) for policy, start in requests]
    shape = mean_field_shape(game)
    uniform = np.full(shape, 1.0 / np.prod(shape))
    policies = np.stack([policy for policy, _ in requests])
    fields = np.stack([uniform if start is None else np.asarray(start) for _, start in requests])
    found = in_batches(functools.partial(_gradients_at_once, game), width, policies, fields)
    several = [jax.tree.map(lambda leaf, k=k: jnp.asarray(leaf[k]), found) for k in range(len(requests))]
    return [
        gradient if bool(gradient.equilibrium.converged) else _gradient(game, policy, start)
        for gradient, (policy, start) in zip(several, requests, strict=True)
    ]


def _gradient(game: AbstractGame, policy: np.ndarray, start: Array | None) -> StackelbergGradient:
    """The gradient at a policy, by every search; a game that is not what it was read from there is refused."""
    gradient = policy_gradient(game, jnp.asarray(policy), start)
    if gradient.equilibrium.source_gap is not None:
        gradient.equilibrium.source_gap.require_agreement()
    return gradient


@compiled_for_game
def _gradients_at_once(game: AbstractGame, policies: Array, fields: Array) -> StackelbergGradient:
    def one(policy: Array, field: Array) -> StackelbergGradient:
        return gradient_at(game, policy, equilibrium_of_policy(game, policy, field, rescue=False))

    return jax.vmap(one)(policies, fields)


def _best(ascents: list[Ascent]) -> Ascent:
    """The highest end; of equal ones the first."""
    heights = [ascent.last.objective if ascent.last.solved else -np.inf for ascent in ascents]
    return ascents[int(np.argmax(np.nan_to_num(heights, nan=-np.inf)))]


def _raise_if_none_started(best: Ascent) -> None:
    """Raise where not even the best of the ascents has a gradient to start with."""
    raise_unless_converged(best.last.gradient.equilibrium)
    if len(best.iterates) == 1 and best.status is AscentStatus.NOT_DIFFERENTIABLE:
        raise_if_singular(best.last.gradient)


def _compared(game: AbstractGame, policy: Float[np.ndarray, "O B"], budget: int) -> PureLeaders | None:
    if budget <= 0:
        return None
    actions, complete = pure_actions(policy, budget)
    vertices = np.eye(policy.shape[1])[actions]
    objectives = [float(_gradient(game, vertex, None).objective) for vertex in vertices]
    return PureLeaders(actions, np.array(objectives), complete)


def _continued(first: Ascent, second: Ascent) -> Ascent:
    shifted = tuple(len(first.iterates) + index for index in second.escapes)
    return second._replace(iterates=first.iterates + second.iterates, escapes=first.escapes + shifted)


def _record(
    game: AbstractGame,
    ascent: Ascent,
    pure: PureLeaders | None = None,
    restarts: tuple[int, ...] = (),
    ends: tuple[LeaderOptimum, ...] = (),
) -> LeaderOptimum:
    policy = never_zero(ascent.last.policy)
    last = Iterate(policy, _gradient(game, policy, ascent.last.gradient.equilibrium.mean_field))
    objective, norm, gap = (np.array(column) for column in zip(*(i.measures for i in ascent.iterates), strict=True))
    curvature = ascent.curvature
    return LeaderOptimum(
        leader_logits=jnp.log(policy),
        gradient=last.gradient,
        status=ascent.status,
        objective_history=objective,
        gradient_norm_history=norm,
        policy_gap_history=gap,
        curvature=float("nan") if curvature is None else curvature.largest,
        curvature_resolution=float("nan") if curvature is None else curvature.resolution,
        escapes=ascent.escapes,
        pure=pure,
        restarts=restarts,
        ends=ends,
    )
