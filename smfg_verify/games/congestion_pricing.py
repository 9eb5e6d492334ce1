"""Congestion pricing: drivers on a grid head for one cell; the leader tolls its zones."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register

# Steps (rows down, columns right) of the moves stay, north, east, south, west.
_STEPS = np.asarray([(0, 0), (-1, 0), (0, 1), (1, 0), (0, -1)])


@register("congestion-pricing", source="Our instantiation of cordon tolls on a grid with congestion.")
class CongestionPricing(AbstractGame):
    r"""Drivers crowd a destination on a grid; the leader tolls zones around it, for revenue and against congestion.

    States: cells (row, column) of a side x side grid, index row times side plus column. Follower's action: stay, or
    move north, east, south or west; with probability `slip` one of the five, uniformly drawn, happens instead; a
    move into a wall stays. Zones are rings around the destination d: zone z holds the cells at $z \, width$ up to
    $(z + 1) \, width - 1$ moves from d, the last zone all cells beyond. The leader observes the zone of the cell; its
    action b sets the toll $t_b$ there, paid each period.

    $$ r_f = reward \, 1\{s = d\} - w \, m_s - t_b - fuel \, 1\{a \text{ moves}\}, \qquad
       r_l = t_b - weight \, m_s. $$

    On average over the population the leader's reward is the revenue a head minus $weight \sum_s m_s^2$. Moves
    are local: `transition` gives the probabilities of the five `successors`, so sampling it costs the same on a grid of
    1e5 cells; tabulating it does not.

    Args:
        side: cells along one side of the grid.
        num_zones: number of zones, at most as many as the grid has rings.
        zone_width: moves across a zone.
        destination: cell that drivers want to be in; by default the middle of the grid.
        reward: of a period in the destination.
        congestion: w, cost of the cell's crowd, reward a unit of mass.
        tolls: levels of the toll, reward, (B,).
        fuel: cost of a move, reward.
        weight: of congestion in the leader's reward, a unit of mass.
        slip: probability that the move is drawn at random.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range, or more zones than rings.

    Source: our instantiation.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import CongestionPricing
        >>> game, law = CongestionPricing(), jnp.full(9, 1 / 9)
        >>> game.num_states, game.follower_action_labels
        (9, ('stay', 'north', 'east', 'south', 'west'))
        >>> [round(float(game.follower_reward(5, 0, b, law)), 3) for b in (0, 1)]  # without and with a toll
        [-0.111, -0.611]
    """

    side: int = _fields.integer(3, low=1)
    num_zones: int = _fields.integer(2, low=1)
    zone_width: int = _fields.integer(1, low=1)
    destination: int = _fields.integer(None, low=0, below="num_states")
    reward: Float[Array, ""] = _fields.number(1.0, low=0.0)
    congestion: Float[Array, ""] = _fields.number(1.0, low=0.0)
    tolls: Float[Array, " B"] = _fields.number((0.0, 0.5), shape=(None,))
    fuel: Float[Array, ""] = _fields.number(0.05, low=0.0)
    weight: Float[Array, ""] = _fields.number(1.0, low=0.0)
    slip: Float[Array, ""] = _fields.probability(0.1)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    transition_dependence = "none"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "affine"
    follower_action_labels = ("stay", "north", "east", "south", "west")

    def __post_init__(self) -> None:
        if not _fields.is_size(self.side):
            return  # `check_fields` refuses it by name
        middle = (self.side // 2) * (self.side + 1)
        self.destination = middle if self.destination is None else self.destination
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)
        rings = int(np.max(self.leader_observation)) + 1
        if rings < self.num_zones:
            raise InputError(
                f"CongestionPricing.num_zones: got {self.num_zones}, expected at most {rings}, the number of rings of "
                f"width {self.zone_width} around cell {self.destination} of a grid of side {self.side}; likely cause: "
                "a smaller grid or wider zones than were meant."
            )

    @property
    def num_states(self) -> int:
        return self.side**2

    @property
    def num_follower_actions(self) -> int:
        return len(_STEPS)

    @property
    def num_leader_actions(self) -> int:
        return self.tolls.shape[-1]

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        """Zone of each cell."""
        rows, columns = np.divmod(np.arange(self.num_states), self.side)
        row, column = divmod(self.destination, self.side)
        moves = np.abs(rows - row) + np.abs(columns - column)
        result: Int[np.ndarray, " n"] = np.minimum(moves // self.zone_width, self.num_zones - 1)
        return result

    @property
    def state_labels(self) -> tuple[str, ...]:
        return tuple(f"({row},{column})" for row in range(self.side) for column in range(self.side))

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"toll level {level}" for level in range(self.num_leader_actions))

    def successors(self, state: Index, follower_action: Index, leader_action: Index) -> Int[Array, "5"]:
        """Cells that the moves stay, north, east, south, west lead to; a wall's is the cell itself.

        Args:
            state: cell, row by row.
            follower_action, leader_action: indices, without effect here.

        Returns:
            Indices of cells.
        """
        rows = jnp.clip(state // self.side + _STEPS[:, 0], 0, self.side - 1)
        columns = jnp.clip(state % self.side + _STEPS[:, 1], 0, self.side - 1)
        return rows * self.side + columns

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, "5"]:
        return with_inertia(point_mass(follower_action, len(_STEPS)), self.slip)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        arrived = self.reward * (state == self.destination)
        costs = self.congestion * mean_field[state] + self.tolls[leader_action] + self.fuel * (follower_action > 0)
        return arrived - costs

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        return self.tolls[leader_action] - self.weight * mean_field[state]
