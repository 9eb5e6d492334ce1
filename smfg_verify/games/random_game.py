"""Random games (garnets) whose coupling to the mean field can be turned up and down."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Dependence, Index, MeanFieldSupport, Numerical
from smfg_verify.games import _fields
from smfg_verify.games._moves import with_inertia
from smfg_verify.games._registry import register
from smfg_verify.records.entries import Arguments

_SIZES = ("num_states", "num_follower_actions", "num_leader_actions")


@register("random-game", source="Garnet of Archibald et al. 1995, with mean field terms; our instantiation.")
class RandomGame(AbstractGame):
    r"""A random game of any size, with one strength for each of its three couplings to the mean field.

    Write $x_g = \langle g(s, a, b), m \rangle$ for a random table g with one entry for each entry of the mean field.

    $$ P = (1 - e) \left[ (1 - c\,w) P_0 + c\,w\,P_1 \right] + e / n, \quad w = W(x_h), \ h \in [0, 1], $$
    $$ r_f = r_{f,0} + c_f F(x_f), \qquad r_l = r_{l,0} + c_l F(x_l), \qquad f, l, r_0 \in [-1, 1]. $$

    Dependence "affine": $W(x) = x$ and $F(x) = x$. Dependence "general": $W(x) = \sin^2(\pi x / 2)$ and
    $F(x) = \sin(\pi x)$. Either way $w \in [0, 1]$ on the simplex, so every row is a distribution, and $|F| \le 1$.
    Each row of P0 and of P1 has `branching` successors, its weights drawn uniformly on their simplex. Memory
    is O(n A B (n + M)), M the number of entries of the mean field.

    Build it with `RandomGame.from_parameters(seed=...)` or `RandomGame.from_key`. A game is the same in
    single and double precision up to rounding.

    Args:
        num_states, num_follower_actions, num_leader_actions: n, A, B.
        mean_field_support: "states" or "state_actions".
        dependence: "affine" or "general".
        base_kernel, coupled_kernel: P0 and P1, (n, A, B, n).
        mixing: h, (n, A, B, M).
        follower_base, leader_base: rewards at zero coupling, (n, A, B).
        follower_slope, leader_slope: f and l, (n, A, B, M).
        transition_coupling: c in [0, 1].
        follower_coupling, leader_coupling: c_f, c_l >= 0, reward.
        ergodicity: e, probability of a uniformly drawn next state, under every policy and mean field.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: garnet (generalised average reward non-stationary environment test bench) of Archibald et al. 1995;
    the mean field terms are our instantiation.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> game, same, other = (games.load("random-game", seed=seed) for seed in (3, 3, 4))
        >>> bool((game.base_kernel == same.base_kernel).all()), bool((game.base_kernel == other.base_kernel).all())
        (True, False)
    """

    num_states: int = _fields.integer(low=1)
    num_follower_actions: int = _fields.integer(low=1)
    num_leader_actions: int = _fields.integer(low=1)
    mean_field_support: MeanFieldSupport = _fields.choice("states", "state_actions")
    dependence: Dependence = _fields.choice("affine", "general")
    base_kernel: Float[Array, "n A B n"] = _fields.array(*_SIZES, "num_states", low=0.0)
    coupled_kernel: Float[Array, "n A B n"] = _fields.array(*_SIZES, "num_states", low=0.0)
    mixing: Float[Array, "n A B M"] = _fields.array(*_SIZES, "mean_field_size", low=0.0, high=1.0)
    follower_base: Float[Array, "n A B"] = _fields.array(*_SIZES)
    leader_base: Float[Array, "n A B"] = _fields.array(*_SIZES)
    follower_slope: Float[Array, "n A B M"] = _fields.array(*_SIZES, "mean_field_size")
    leader_slope: Float[Array, "n A B M"] = _fields.array(*_SIZES, "mean_field_size")
    transition_coupling: Float[Array, ""] = _fields.number(0.5, low=0.0, high=1.0)
    follower_coupling: Float[Array, ""] = _fields.number(0.5, low=0.0)
    leader_coupling: Float[Array, ""] = _fields.number(0.5, low=0.0)
    ergodicity: Float[Array, ""] = _fields.probability(0.05)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    @classmethod
    def from_parameters(
        cls,
        *,
        seed: int = 0,
        num_states: int = 5,
        num_follower_actions: int = 3,
        num_leader_actions: int = 3,
        branching: int | None = None,
        mean_field_support: MeanFieldSupport = "states",
        dependence: Dependence = "affine",
        transition_coupling: Numerical = 0.5,
        follower_coupling: Numerical = 0.5,
        leader_coupling: Numerical = 0.5,
        ergodicity: Numerical = 0.05,
        discount: Numerical = 0.9,
        temperature: Numerical = 0.3,
        leader_temperature: Numerical = 0.0,
        initial_distribution: Numerical | None = None,
    ) -> "RandomGame":
        """A game drawn from a seed: the same seed and sizes give the same tables.

        Args:
            seed: of the draw, an integer >= 0.
            branching: number of successors of a row of each kernel, at most `num_states`; None for all.
            num_states, num_follower_actions, num_leader_actions, mean_field_support, dependence,
            transition_coupling, follower_coupling, leader_coupling, ergodicity, discount, temperature,
            leader_temperature, initial_distribution: as in the class.

        Returns:
            The game.

        Raises:
            ValueError: a parameter of the wrong type, shape or range.
        """
        _fields.check_integer("RandomGame.seed", seed, low=0)
        return cls.from_key(
            jax.random.key(seed),
            num_states=num_states,
            num_follower_actions=num_follower_actions,
            num_leader_actions=num_leader_actions,
            branching=branching,
            mean_field_support=mean_field_support,
            dependence=dependence,
            transition_coupling=transition_coupling,
            follower_coupling=follower_coupling,
            leader_coupling=leader_coupling,
            ergodicity=ergodicity,
            discount=discount,
            temperature=temperature,
            leader_temperature=leader_temperature,
            initial_distribution=initial_distribution,
        )

    @classmethod
    def from_key(
        cls,
        key: Key[Array, ""],
        *,
        num_states: int,
        num_follower_actions: int,
        num_leader_actions: int,
        branching: int | None = None,
        mean_field_support: MeanFieldSupport = "states",
        dependence: Dependence = "affine",
        **parameters: Any,
    ) -> "RandomGame":
        """A game drawn from a JAX key; may be called under `jit` and `vmap` for a stack of games.

        Args:
            key: a single typed key.
            num_states, num_follower_actions, num_leader_actions, branching, mean_field_support, dependence: static,
                as in `from_parameters`.
            **parameters: couplings and other float fields of the class.

        Returns:
            The game.

        Raises:
            ValueError: a parameter of the wrong type, shape or range.
        """
        sizes: Arguments = dict(zip(_SIZES, (num_states, num_follower_actions, num_leader_actions), strict=True))
        for name, value in sizes.items():
            _fields.check_integer(f"RandomGame.{name}", value, low=1)
        branching = num_states if branching is None else branching
        _fields.check_integer("RandomGame.branching", branching, low=1, high=num_states)
        size = num_states * (num_follower_actions if mean_field_support == "state_actions" else 1)
        return cls(
            **sizes,
            mean_field_support=mean_field_support,
            dependence=dependence,
            **_draw(key, tuple(sizes.values()), size, branching),
            **parameters,
        )

    def __post_init__(self) -> None:
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)
        for name in ("base_kernel", "coupled_kernel"):
            _fields.check_rows(f"RandomGame.{name}", getattr(self, name))

    @property
    def mean_field_size(self) -> int:
        """Number M of entries of the mean field."""
        return self.num_states * (self.num_follower_actions if self.mean_field_support == "state_actions" else 1)

    @property
    def transition_dependence(self) -> Dependence:
        return self.dependence

    @property
    def follower_reward_dependence(self) -> Dependence:
        return self.dependence

    @property
    def leader_reward_dependence(self) -> Dependence:
        return self.dependence

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " n"]:
        index = (state, follower_action, leader_action)
        exposure = self.mixing[index] @ jnp.ravel(mean_field)
        share = exposure if self.dependence == "affine" else jnp.sin(0.5 * jnp.pi * exposure) ** 2
        share = self.transition_coupling * share
        return with_inertia(
            (1.0 - share) * self.base_kernel[index] + share * self.coupled_kernel[index], self.ergodicity
        )

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        index = (state, follower_action, leader_action)
        exposure = self.follower_slope[index] @ jnp.ravel(mean_field)
        return self.follower_base[index] + self.follower_coupling * self._response(exposure)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        index = (state, follower_action, leader_action)
        exposure = self.leader_slope[index] @ jnp.ravel(mean_field)
        return self.leader_base[index] + self.leader_coupling * self._response(exposure)

    def _response(self, exposure: Float[Array, ""]) -> Float[Array, ""]:
        return exposure if self.dependence == "affine" else jnp.sin(jnp.pi * exposure)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _draw(key: Key[Array, ""], triple: tuple[int, int, int], size: int, branching: int) -> dict[str, Array]:
    """The seven random tables of a game with (n, A, B) = `triple` and `size` entries of the mean field."""
    widths = (triple[0], branching, triple[0], branching, size, size, size, 1, 1)
    # One draw, because compiling a draw takes longer than anything else here; in single precision always, so that a
    # seed names one game whatever the precision in use.
    draws = jax.random.uniform(key, (*triple, sum(widths)), jnp.float32).astype(float)
    parts = jnp.split(draws, list(itertools.accumulate(widths))[:-1], axis=-1)
    return {
        "base_kernel": _garnet(parts[0], parts[1]),
        "coupled_kernel": _garnet(parts[2], parts[3]),
        "mixing": parts[4],
        "follower_slope": 2.0 * parts[5] - 1.0,
        "leader_slope": 2.0 * parts[6] - 1.0,
        "follower_base": 2.0 * parts[7][..., 0] - 1.0,
        "leader_base": 2.0 * parts[8][..., 0] - 1.0,
    }


def _garnet(places: Float[Array, "n A B n"], weights: Float[Array, "n A B k"]) -> Float[Array, "n A B n"]:
    """Rows with k successors, those with the largest `places`, and weights uniform on their simplex."""
    _, successors = jax.lax.top_k(places, weights.shape[-1])
    # Normalised exponentials are uniform on the simplex; the offset keeps a drawn zero from dividing by zero.
    mass = 1e-12 - jnp.log1p(-weights)
    mass = mass / jnp.sum(mass, axis=-1, keepdims=True)
    return jnp.put_along_axis(jnp.zeros_like(places), successors, mass, axis=-1, inplace=False)
