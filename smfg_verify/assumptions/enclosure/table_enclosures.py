r"""The three functions of a game, tabulated over all indices and enclosed over boxes of mean fields."""

import contextlib
from collections.abc import Callable, Hashable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.assumptions.enclosure.domain import Domain, Range
from smfg_verify.assumptions.enclosure.interpreter import enclose_function
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure
from smfg_verify.assumptions.enclosure.rules.functions import INFINITY, UNBOUNDED, Ends
from smfg_verify.assumptions.enclosure.values import NOTHING, Enclosed, too_rough
from smfg_verify.exact.batching import in_batches, points_at_once
from smfg_verify.exact.compiling import jit
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import AbstractGame, compiled_for_game, dense_transition, mean_field_shape, over_indices
from smfg_verify.game.compiling import OPTIMISED
from smfg_verify.game.identity import game_hash

# Pairs of coefficients that the extremes of a form over the simplex look at, a coefficient.
_PAIRS = 16
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "transition": lambda game, s, a, b, m: dense_transition(game, s, a, b, m),
    "follower_reward": lambda game, s, a, b, m: jnp.asarray(game.follower_reward(s, a, b, m), dtype=float),
    "leader_reward": lambda game, s, a, b, m: jnp.asarray(game.leader_reward(s, a, b, m), dtype=float),
    "row_sum": lambda game, s, a, b, m: jnp.sum(dense_transition(game, s, a, b, m)),
}

# Numbers that one batch of boxes may hold at once (256 MiB of float64), and the largest batch.
MAX_NUMBERS = 2**25
LARGEST_BATCH = 32
# Of a function that is called affine roundings are at most this share of its size, see `ROUGH`.
_ROUGH_AFFINE = 1e-12
# Whether a function of a game, by content, is proved affine.
_PROVED: dict[Hashable, bool] = {}
_MOST_PROVED = 256


class AffineTable(NamedTuple):
    """A function proved affine in the mean field, $constant + \\sum_j m_j slope_j$, by the structure of its program.

    Attributes:
        constant: (n, A, B) or (n, A, B, n).
        slope: (M, n, A, B) or (M, n, A, B, n); zeros if proved constant.
        is_constant: proved constant.
        error: what the machine's values may be off by, (n, A, B) or (n, A, B, n): at most 1e-12 of the table's size.
    """

    constant: Float[np.ndarray, "..."]
    slope: Float[np.ndarray, "M ..."]
    is_constant: bool
    error: Float[np.ndarray, "..."]


class Rounded(NamedTuple):
    """Range of each entry over boxes, first axis the box, and what its roundings come to."""

    lower: Float[np.ndarray, "K ..."]
    upper: Float[np.ndarray, "K ..."]
    rounding: Float[np.ndarray, "K ..."]


def affine_table(game: AbstractGame, name: str) -> AffineTable | None:
    """The table of a function that is proved affine in the mean field; what the game declares is not looked at.

    Args:
        game: the game, traced.
        name: "transition", "follower_reward" or "leader_reward".

    Returns:
        The table; None if there is no proof, its numbers are not finite, or the machine's roundings are not small.
    """
    if not _is_proved_affine(game, name):
        return None
    found = _affine_parts_compiled(game, name)
    if found is None:
        return None
    constant, columns, rounding = np.asarray(found[0]), found[1], found[2]
    is_constant = columns is None
    if columns is None:
        slope = np.zeros((int(np.prod(mean_field_shape(game))), *constant.shape))
    else:
        slope = np.moveaxis(np.asarray(columns), 3, 0)
    if not (np.all(np.isfinite(constant)) and np.all(np.isfinite(slope))):
        return None
    error = np.zeros_like(constant) if rounding is None else np.asarray(rounding)
    size = np.max(np.abs(constant), initial=0.0) + np.max(np.abs(slope), initial=0.0)
    rough = np.max(error, initial=0.0) > max(_ROUGH_AFFINE * size, NOTHING)
    return None if rough else AffineTable(constant, slope, is_constant, error)


def _is_proved_affine(game: AbstractGame, name: str) -> bool:
    """Whether there is a proof, which many statements ask for and which is traced anew each time."""
    asked = (game_hash(game), jax.tree.structure(game), name)
    if len(_PROVED) > _MOST_PROVED:
        _PROVED.clear()
    if asked not in _PROVED:
        with contextlib.suppress(NoEnclosure):
            _PROVED[asked] = eqx.filter_eval_shape(_affine_parts, game, name) is not None
    return _PROVED.setdefault(asked, False)


def _affine_parts(game: AbstractGame, name: str) -> tuple[Array, Array | None, Array | None] | None:
    size = int(np.prod(mean_field_shape(game)))
    domain = Domain(jnp.zeros(size), jnp.ones(size), True)
    proved = True

    def parts(s: Array, a: Array, b: Array) -> tuple[Array, Array | None, Array | None]:
        nonlocal proved
        form = entry_of(game, name, domain, False, s, a, b).value
        proved = proved and form.is_affine
        return form.centre, form.columns, form.error

    table = over_indices(game, parts)
    return table if proved else None


_affine_parts_compiled = compiled_for_game(_affine_parts)


def entry_of(game: AbstractGame, name: str, domain: Domain, slopes: bool, s: Array, a: Array, b: Array) -> Enclosed:
    """One entry of a function's table, enclosed over a domain of mean fields."""
    function = FUNCTIONS[name]
    return enclose_function(
        lambda m, s, a, b: function(game, s, a, b, m), mean_field_shape(game), domain, s, a, b, slopes=slopes
    )[0]


def enclose(game: AbstractGame, name: str, lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]) -> Range:
    """Certified range of each entry of a function's table over boxes of mean fields, cut by the simplex.

    Args:
        game: the game, traced.
        name: "transition", "follower_reward" or "leader_reward".
        lower, upper: K boxes, mean fields flattened, (K, M).

    Returns:
        (K, n, A, B) or (K, n, A, B, n).

    Raises:
        NoEnclosure: the function's program has a primitive without a rule.
    """
    return Range(*rounded_ranges(game, name, lower, upper)[:2])


def rounded_range(
    game: AbstractGame, name: str, lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]
) -> tuple[Range, Float[np.ndarray, "K ..."]]:
    """As `enclose`, and what the machine's values in a box may be off by from the function that is enclosed."""
    found = rounded_ranges(game, name, lower, upper)
    return Range(found.lower, found.upper), found.rounding


def rounded_ranges(game: AbstractGame, name: str, lower: np.ndarray, upper: np.ndarray) -> Rounded:
    """Ranges of values and their roundings."""
    low, high, rounding = _batched(game, name, lower, upper, 0.0, False)
    return Rounded(*_unbounded(low, high), np.where(rounding < UNBOUNDED, rounding, np.inf))


def enclose_slopes(
    game: AbstractGame, name: str, lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]
) -> Range:
    """Certified range of d(entry)/dm_j over boxes of mean fields; all generalised derivatives where there are kinks.

    Where the function may jump the range is infinite, so that it always bounds the function's changes, but for
    roundings of at most 1e-9 of the function's size; where roundings are larger it is infinite too.

    Args:
        game: the game, traced.
        name: "transition", "follower_reward" or "leader_reward".
        lower, upper: K boxes, mean fields flattened, (K, M).

    Returns:
        (K, M, n, A, B) or (K, M, n, A, B, n).

    Raises:
        NoEnclosure: the function's program has a primitive without a rule.
    """
    return Range(*_unbounded(*_batched(game, name, lower, upper, attained_size(game, name), True)))


def attained_size(game: AbstractGame, name: str) -> float:
    """A size that the function attains: the largest finite entry of its table at the middle and some vertices."""
    if name == "row_sum":
        return 1.0
    size = int(np.prod(mean_field_shape(game)))
    points = np.concatenate([np.full((1, size), 1.0 / size), np.eye(size)[: LARGEST_BATCH - 1]])
    table = np.abs(tables_at(game, points)[name])
    return float(np.max(table[np.isfinite(table)], initial=0.0))


def _batched(
    game: AbstractGame, name: str, lower: ArrayLike, upper: ArrayLike, attained: float, slopes: bool
) -> tuple[np.ndarray, ...]:
    """What `_ranges` gives over all boxes."""
    lower, upper = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)
    size, scale = batch_size(game, name, slopes), jnp.asarray(attained)
    return in_batches(lambda low, high: _ranges(game, name, low, high, scale, slopes), size, lower, upper)


def _unbounded(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.where(low > -UNBOUNDED, low, -np.inf), np.where(high < UNBOUNDED, high, np.inf)


def numbers_of_a_box(game: AbstractGame, name: str, *, slopes: bool) -> int:
    """Numbers that the enclosure of a table, or of its slopes, over one box holds: what the box costs."""
    field = int(np.prod(mean_field_shape(game)))
    # The extremes of a form over the simplex look at all pairs of its coefficients.
    return table_size(game, name) * (field + 1) * (field if slopes else 1) * min(field, _PAIRS)


def batch_size(game: AbstractGame, name: str, slopes: bool) -> int:
    """Boxes enclosed at once."""
    numbers = numbers_of_a_box(game, name, slopes=slopes)
    if numbers > 8 * MAX_NUMBERS:
        raise NoEnclosure(f"an enclosure of {name} would hold {numbers} numbers at once, too many")
    return points_at_once(numbers, LARGEST_BATCH, budget=MAX_NUMBERS)


def table_size(game: AbstractGame, name: str) -> int:
    """Entries of a function's table."""
    size = game.num_states * game.num_follower_actions * game.num_leader_actions
    return size * game.num_states if name == "transition" else size


# Not `UNOPTIMISED`: without optimisation this runs six times slower, and on some games compiles for ever.
@jit(OPTIMISED)
def _ranges(
    game: AbstractGame, name: str, lower: Array, upper: Array, attained: Array, slopes: bool
) -> tuple[Array, ...]:
    def one(low: Array, high: Array) -> tuple[Array, ...]:
        domain = Domain(low, high, True)

        def entry(s: Array, a: Array, b: Array) -> tuple[Array, ...]:
            enclosed = entry_of(game, name, domain, slopes, s, a, b)
            if slopes:
                return _slope_range(enclosed, attained)
            low, high = enclosed.value.range
            return low, high, jnp.zeros_like(low) if enclosed.value.error is None else enclosed.value.error

        ends = over_indices(game, entry)
        return tuple(jnp.moveaxis(end, 3, 0) for end in ends) if slopes else ends

    return jax.vmap(one)(lower, upper)


def _slope_range(enclosed: Enclosed, attained: Array) -> Ends:
    """Range of the slope; infinite where the value is rougher than rounding."""
    low, high = enclosed.slope.range  # type: ignore[union-attr]
    rough = too_rough(enclosed, attained)
    return jnp.where(rough, -INFINITY, low), jnp.where(rough, INFINITY, high)
