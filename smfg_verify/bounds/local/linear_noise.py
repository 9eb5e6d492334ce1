r"""AC-SMFG from its start on, predicted: the path of its mean dynamics, and Gaussian noise carried along that path.

Locally the update is $x^+ = x + E_k (h(x) + \text{noise})$ with $E_k$ the diagonal of the step sizes. With
$J = \partial h / \partial x$ and $\Sigma$ the noise's asymptotic covariance, both at the mean path $\bar x_k$,
$$ \bar x_{k+1} = \bar x_k + E_k h(\bar x_k), \quad S_{k+1} = (I + E_k J) S_k (I + E_k J)^T + E_k \Sigma E_k : $$
the linear noise approximation. It needs no limit point and no special exponent of the steps. It leaves out what the
noise does to the mean, the projection of the critics, and where the two chains start.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.bounds.local.components import Components, component_shapes, learners_of_entries
from smfg_verify.bounds.local.expansion import square_root
from smfg_verify.bounds.local.mean_dynamics import linearised_at
from smfg_verify.bounds.local.update_noise import check_size, noise_covariance
from smfg_verify.errors import InputError
from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import AbstractGame, leader_logits_shape, traced
from smfg_verify.records.portable import reduce_portable
from smfg_verify.stochastic.iterate import Sampling
from smfg_verify.stochastic.schedules import PowerSchedule, Schedule, StepSizes

R = TypeVar("R")

# Before and after the compiler takes them.
Numbers = Array | np.ndarray

# Mean and covariance of each schedule.
_Law = tuple[Array, Array]

# A block of iterations over which h is taken as linear is at most this part of those before it.
_FINENESS = 16
_SCHEDULES_A_CALL = 32
_DRAWS = 64


class LinearNoise(NamedTuple):
    """Where each schedule leads after some iterations, as predicted; the first axis (V) counts the schedules.

    Attributes:
        mean: flattened components, (V, N).
        covariance: (V, N, N).

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.bounds import linear_noise_path
        >>> iterations, path = linear_noise_path(games.load("laffer-tax"), Schedule(), 4)
        >>> path.mean.shape, path.at(slice(-1, None)).covariance.shape
        ((4, 12), (1, 12, 12))
    """

    mean: Float[np.ndarray, "V N"]
    covariance: Float[np.ndarray, "V N N"]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)

    def at(self, index: int | slice | np.ndarray) -> "LinearNoise":
        """Those that an index, slice or mask selects.

        Args:
            index: along the first axis.

        Returns:
            The same of the schedules selected.
        """
        return LinearNoise(*(leaf[index] for leaf in self))


def linear_noise(
    game: AbstractGame,
    schedules: PowerSchedule,
    num_iterations: int,
    sampling: Sampling = "markov",
    *,
    fineness: int = _FINENESS,
) -> LinearNoise:
    """Predict the law of the iterate of AC-SMFG from its default start, for many schedules.

    Args:
        game: the game.
        schedules: V of them, one a lane.
        num_iterations: K, >= 1.
        sampling: "markov" or "iid".
        fineness: h is taken as linear, and the steps as constant, over blocks of at most the iterations so far over
            this number (a power of two of them, composed exactly).

    Returns:
        Mean and covariance after K iterations; not finite where a schedule is predicted to diverge.

    Raises:
        ValueError: an invalid game, float64 off, no iteration, or a game too large for the exact sum over its samples.

    Source: van Kampen's expansion, here of a stochastic approximation with decreasing steps.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.bounds import linear_noise
        >>> from smfg_verify.stochastic.schedules import PowerSchedule
        >>> steps = PowerSchedule(jnp.array([[0.2], [0.5], [1.0], [2.0]]), jnp.full((4, 1), 0.5))
        >>> law = linear_noise(games.load("laffer-tax"), steps, 4)
        >>> law.mean.shape, law.covariance.shape  # 2 + 4 + 2 + 2 + 2 components
        ((1, 12), (1, 12, 12))
    """
    game = checked(game)
    check_size(game)
    lengths = _doublings(num_iterations, fineness)
    steps, products = _blocks(schedules, lengths)
    call = lambda step, product: _carried(game, jnp.asarray(lengths), step, product, sampling == "markov")  # noqa: E731
    return LinearNoise(*in_batches(call, min(_SCHEDULES_A_CALL, len(steps)), steps, products))


def linear_noise_path(
    game: AbstractGame, schedule: Schedule, num_iterations: int, sampling: Sampling = "markov"
) -> tuple[Int[np.ndarray, " B"], LinearNoise]:
    """The same along the way of one schedule of AC-SMFG, at the ends of the blocks.

    Args:
        game, num_iterations, sampling: as in `linear_noise`.
        schedule: step constants.

    Returns:
        Completed iterations, increasing to `num_iterations`, and mean and covariance there, the first axis theirs.

    Raises:
        ValueError: as `linear_noise`.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.bounds import linear_noise_path
        >>> iterations, path = linear_noise_path(games.load("laffer-tax"), Schedule(), 4)
        >>> iterations.tolist(), bool((path.covariance.diagonal(axis1=1, axis2=2) > -1e-12).all())
        ([1, 2, 3, 4], True)
    """
    game = checked(game)
    check_size(game)
    lengths = _doublings(num_iterations, _FINENESS)
    constants = jnp.asarray(list(schedule.constants().values()))[:, None]
    steps, products = _blocks(PowerSchedule(constants, jnp.full_like(constants, 0.5)), lengths)
    path = _passed(game, jnp.asarray(lengths), steps, products, sampling == "markov")
    return np.cumsum(2**lengths), LinearNoise(*(np.asarray(leaf[:, 0]) for leaf in path))


class ExpectedStationarity(NamedTuple):
    r"""Means over Gaussian leader logits; NaN where the law or an equilibrium is not finite.

    Attributes:
        squared_gradient: $E \|\nabla\Phi(\omega)\|^2$, (V,), in squared units of the objective.
        policy_gap: mean policy-space stationarity gap, (V,), in units of the objective.
        objective: $E \Phi(\omega)$, (V,).

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import ExpectedStationarity
        >>> found = ExpectedStationarity(np.array([0.2]), np.array([0.1]), np.array([3.7]))
        >>> found.objective.tolist(), found.squared_gradient.shape
        ([3.7], (1,))
    """

    squared_gradient: Float[np.ndarray, " V"]
    policy_gap: Float[np.ndarray, " V"]
    objective: Float[np.ndarray, " V"]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)


def expected_stationarity(game: AbstractGame, found: LinearNoise) -> ExpectedStationarity:
    """How stationary leaders of the given laws are on average, by fixed antithetic draws.

    Args:
        game: the game.
        found: of `linear_noise` or `linear_noise_path`.

    Returns:
        The means.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.bounds import expected_stationarity, linear_noise_path
        >>> game = games.load("laffer-tax")
        >>> iterations, path = linear_noise_path(game, Schedule(), 4)
        >>> found = expected_stationarity(game, path.at(slice(-1, None)))
        >>> found.objective.shape, bool(found.squared_gradient[0] > 0.0)
        ((1,), True)
    """
    shape = leader_logits_shape(game)
    size = int(np.prod(shape))
    half = np.random.default_rng(0).standard_normal((_DRAWS // 2, size))
    draws = np.concatenate([half, -half])
    known = np.isfinite(found.mean).all(axis=1) & np.isfinite(found.covariance).all(axis=(1, 2))
    expected = np.full((3, len(found.mean)), np.nan)
    if known.any():
        spreads = np.stack([square_root(matrix[:size, :size]) for matrix in found.covariance[known]])
        logits = found.mean[known, None, :size] + draws @ np.swapaxes(spreads, 1, 2)
        points = evaluate_leaders(traced(game), logits.reshape(-1, *shape))
        measures = (points.total_norm**2, points.total_gap, points.objective)
        expected[:, known] = [measure.reshape(-1, _DRAWS).mean(axis=1) for measure in measures]
    return ExpectedStationarity(*expected)


def _doublings(num_iterations: int, fineness: int) -> Int[np.ndarray, " B"]:
    """Binary logarithms of the lengths of the blocks that make up the iterations.

    Raises:
        ValueError: fewer than one iteration, or blocks of no length.
    """
    if num_iterations < 1 or fineness < 1:
        raise InputError(
            f"num_iterations, fineness: got {num_iterations} and {fineness}, expected both at least 1: no iteration "
            "leads nowhere."
        )
    done, found = 0, []
    while done < num_iterations:
        length = min(max(1, done // fineness), num_iterations - done)
        found.append(length.bit_length() - 1)
        done += 2 ** found[-1]
    return np.asarray(found)


def _blocks(schedules: PowerSchedule, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over each block of the four steps, (V, B, 4), and of their products, (V, B, 4, 4)."""
    counts = 2**lengths
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    iterations = jnp.arange(int(counts.sum()))
    steps, products = [], []
    # Some schedules at a time: a table of all of them at every iteration could be gigabytes.
    for first in range(0, schedules.constants.shape[1], _SCHEDULES_A_CALL):
        some = jax.tree.map(lambda leaf: leaf[:, first : first + _SCHEDULES_A_CALL], schedules)  # noqa: B023
        for table in np.stack([np.asarray(step).T for step in jax.vmap(some.at)(iterations)], axis=-1):
            steps.append(np.add.reduceat(table, starts) / counts[:, None])
            outer = table[:, :, None] * table[:, None, :]
            products.append(np.add.reduceat(outer, starts) / counts[:, None, None])
    return np.stack(steps), np.stack(products)


@jit_for_game
def _carried(
    game: AbstractGame, lengths: Int[Array, " B"], steps: Numbers, products: Numbers, markov: bool
) -> tuple[Array, Array]:
    """Mean and covariance of every schedule at the end."""
    return _over_blocks(game, lengths, steps, products, markov, lambda law: None)[0]


@jit_for_game
def _passed(
    game: AbstractGame, lengths: Int[Array, " B"], steps: Numbers, products: Numbers, markov: bool
) -> tuple[Array, Array]:
    """The same after every block, the first axis counting these."""
    return _over_blocks(game, lengths, steps, products, markov, lambda law: law)[1]


def _over_blocks(
    game: AbstractGame, lengths: Array, steps: Numbers, products: Numbers, markov: bool, recorded: Callable[[_Law], R]
) -> tuple[_Law, R]:
    start, unravel = jax.flatten_util.ravel_pytree(_first(game))
    column = np.array([StepSizes._fields.index(name) for name in learners_of_entries(game)])

    def over_block(law: _Law, block: tuple[Array, Array, Array]) -> tuple[_Law, R]:
        length, step, product = block
        move: Callable[..., _Law] = lambda *one: _moved(game, unravel, length, column, markov, *one)  # noqa: E731
        law = jax.vmap(move)(*law, step, product)
        return law, recorded(law)

    number = steps.shape[0]
    first = (jnp.tile(start, (number, 1)), jnp.zeros((number, start.size, start.size)))
    blocks = (lengths, jnp.swapaxes(steps, 0, 1), jnp.swapaxes(products, 0, 1))
    return jax.lax.scan(over_block, first, blocks)


def _moved(
    game: AbstractGame,
    unravel: Callable[[Array], Components],
    length: Array,
    column: np.ndarray,
    markov: bool,
    mean: Array,
    covariance: Array,
    step: Array,
    product: Array,
) -> _Law:
    """One schedule over one block of 2^length iterations with frozen h, J and noise."""
    dynamics, slope = linearised_at(game, unravel(mean))
    noise = noise_covariance(game, unravel(mean), markov)[1]
    scale = step[column]
    once = (
        jnp.eye(mean.size) + scale[:, None] * slope,
        scale * jax.flatten_util.ravel_pytree(dynamics)[0],
        product[jnp.ix_(column, column)] * noise,
    )

    def doubled(_: Array, parts: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        push, moved, spread = parts
        return push @ push, moved + push @ moved, spread + push @ spread @ push.T

    push, moved, spread = jax.lax.fori_loop(0, length, doubled, once)
    return mean + moved, push @ covariance @ push.T + spread


def _first(game: AbstractGame) -> Components:
    """The default start of a run; zero critics lie in their boxes or, where not, are drawn to them by the dynamics."""
    shapes = component_shapes(game)
    zeros = {name: jnp.zeros(shape) for name, shape in shapes._asdict().items()}
    size = int(np.prod(shapes.mean_field))
    return Components(**zeros)._replace(mean_field=jnp.full(shapes.mean_field, 1.0 / size))
