"""The constants that the theorem of docs/theorem.md is stated with, out of those that are certified."""

import math
from typing import NamedTuple

from smfg_verify.errors import InputError

# What the few dozen roundings behind a number may come to, with room: it is rounded to the side that is safe.
_UP, _DOWN = 1.0 + 1e-9, 1.0 - 1e-9


class TheoremInputs(NamedTuple):
    """What the theorem asks to be certified, over all policies and mean fields; names as in docs/theorem.md.

    Attributes:
        num_states: n.
        num_actions: A of the follower.
        discount: gamma.
        temperature: tau of the follower.
        follower_low, follower_high: range of the follower's reward.
        leader_low, leader_high: range of the leader's reward.
        transition_lipschitz: L_P, rows and mean fields in l1.
        follower_lipschitz, leader_lipschitz: L_f and L_l.
        one_step: Delta, of any two rows of a chain at one mean field; at most 1.
        mixing_factor: M.
        action_spread, leader_spread: delta_A and delta_B; at most 1.
        least_occupancy: d_0.
        least_initial: rho_0.
        one_sided_rate: c, in the Euclidean norm.
        follower_box, leader_box: lower and upper end of the critics' boxes.
        own_world: whether transition and leader's reward depend on neither mean field nor follower's action.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.assumptions import search_settings
        >>> from smfg_verify.bounds import certified_inputs
        >>> inputs = certified_inputs(games.load("independent-leader", temperature=2), search_settings("quick")).inputs
        >>> inputs.own_world, round(inputs.follower_low, 3), round(inputs.largest_floor, 3)
        (True, -1.3, 0.24)
    """

    num_states: int
    num_actions: int
    discount: float
    temperature: float
    follower_low: float
    follower_high: float
    leader_low: float
    leader_high: float
    transition_lipschitz: float
    follower_lipschitz: float
    leader_lipschitz: float
    one_step: float
    mixing_factor: float
    action_spread: float
    leader_spread: float
    least_occupancy: float
    least_initial: float
    one_sided_rate: float
    follower_box: tuple[float, float]
    leader_box: tuple[float, float]
    own_world: bool

    @property
    def patience(self) -> float:
        """1 - gamma."""
        return 1.0 - self.discount

    @property
    def mixed_patience(self) -> float:
        """1 - gamma Delta, as a sum of positive numbers."""
        return self.patience + self.discount * (1.0 - self.one_step)

    @property
    def bonus_span(self) -> float:
        """Width of the follower's reward with its entropy."""
        return self.follower_high - self.follower_low + self.temperature * math.log(self.num_actions)

    @property
    def leader_span(self) -> float:
        """Width of the leader's reward."""
        return self.leader_high - self.leader_low

    @property
    def follower_value_span(self) -> float:
        """S_V, of the follower's values over states."""
        return self.bonus_span / self.mixed_patience

    @property
    def leader_value_span(self) -> float:
        """S_l, of the leader's values over states."""
        return self.leader_span / self.mixed_patience

    @property
    def quality_span(self) -> float:
        """S_Q, of the follower's action values at one state."""
        return self.follower_high - self.follower_low + self.discount * self.action_spread * self.follower_value_span

    @property
    def leader_quality_span(self) -> float:
        """A_l, of the leader's values over the follower's actions at one state."""
        return self.leader_span + self.discount * self.action_spread * self.leader_value_span

    @property
    def leader_choice(self) -> tuple[float, float]:
        """Y_f and Y_l: what the leader's action at one state makes of the players' values."""
        weight = self.discount * self.leader_spread
        follower = self.follower_high - self.follower_low + weight * self.follower_value_span
        return follower, self.leader_span + weight * self.leader_value_span

    @property
    def field_slopes(self) -> tuple[float, float]:
        """Z_f and Z_l: how fast one step of the players' values moves with the mean field."""
        weight = 0.5 * self.discount * self.transition_lipschitz
        follower = self.follower_lipschitz + weight * self.follower_value_span
        return follower, self.leader_lipschitz + weight * self.leader_value_span

    @property
    def largest_floor(self) -> float:
        """The largest p_0 that no soft greedy policy falls below; zero where it is too small for a float."""
        exponent = self.quality_span / self.temperature
        if exponent > 700.0:
            return 0.0
        return _DOWN / (1.0 + (self.num_actions - 1) * math.exp(exponent))


class Coefficients(NamedTuple):
    """What the lines of the theorem are made of, rounded to the safe side; names as in docs/theorem.md.

    Attributes:
        critic_rate: eta_V over beta.
        follower_rate: eta_G over alpha.
        field_rate: c.
        follower_error, leader_error: D_f and D_l, of one temporal difference.
        follower_moves, leader_moves: v and u: of a value, with follower's policy, leader's policy and mean field.
        gap_moves: g: of the root of the follower's gap, with leader's policy and mean field.
        equilibrium_move: L_mu.
        follower_noise: of N(alpha), the constant and the slope.
        critic_to_follower: gamma / (2 (1 - gamma)).
        follower_to_field: C squared.
        follower_to_leader, field_to_leader: H_1 and H_2.
        smoothness: L_Phi where it is proved, else infinity.
        largest: trivial bounds of e_Vf, e_Vl, e_theta, e_mu and e_omega, the last infinite outside a world of its own.
    """

    critic_rate: float
    follower_rate: float
    field_rate: float
    follower_error: float
    leader_error: float
    follower_moves: tuple[float, float, float]
    leader_moves: tuple[float, float, float]
    gap_moves: tuple[float, float]
    equilibrium_move: float
    follower_noise: tuple[float, float]
    critic_to_follower: float
    follower_to_field: float
    follower_to_leader: float
    field_to_leader: float
    smoothness: float
    largest: tuple[float, float, float, float, float]


def coefficients_of(inputs: TheoremInputs, floor: float) -> Coefficients:
    r"""The constants of the theorem's lines.

    Args:
        inputs: certified.
        floor: $p_0$ of the run, in (0, `inputs.largest_floor`].

    Returns:
        The coefficients.

    Raises:
        ValueError: a floor that is not positive, or above the largest that the theorem allows.

    Source: docs/theorem.md, where each is derived.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.assumptions import search_settings
        >>> from smfg_verify.bounds import certified_inputs, coefficients_of
        >>> inputs = certified_inputs(games.load("independent-leader", temperature=2), search_settings("quick")).inputs
        >>> found = coefficients_of(inputs, inputs.largest_floor)
        >>> round(found.field_rate, 6), found.follower_to_field  # followers change nobody's place
        (1.0, 0.0)
    """
    if not 0.0 < floor <= inputs.largest_floor:
        raise InputError(
            f"floor: got {floor:.6g}, expected one in (0, {inputs.largest_floor:.6g}], which no soft greedy policy "
            "falls below."
        )
    patience, root = inputs.patience, math.sqrt(inputs.discount)
    spread = _logit_spread(inputs, floor)
    errors = _largest_errors(inputs, floor)
    choice, slope = inputs.leader_choice, inputs.field_slopes
    return Coefficients(
        critic_rate=_DOWN * patience / (1.0 + root) * inputs.least_occupancy,
        follower_rate=_DOWN * inputs.temperature * floor**2 * inputs.least_occupancy**2,
        field_rate=_DOWN * inputs.one_sided_rate,
        follower_error=errors[0],
        leader_error=errors[1],
        follower_moves=_moves(inputs, spread, choice[0], slope[0]),
        leader_moves=_leader_moves(inputs),
        gap_moves=_gap_moves(inputs),
        equilibrium_move=_equilibrium_move(inputs),
        follower_noise=_follower_noise(inputs, spread, errors[0]),
        critic_to_follower=_UP * inputs.discount / (2.0 * patience),
        follower_to_field=_UP
        * (inputs.mixing_factor * inputs.action_spread) ** 2
        * patience
        / (inputs.temperature * inputs.least_occupancy),
        follower_to_leader=0.0 if inputs.own_world else _follower_to_leader(inputs),
        field_to_leader=0.0 if inputs.own_world else _field_to_leader(inputs),
        smoothness=_own_smoothness(inputs) if inputs.own_world else math.inf,
        largest=_largest(inputs),
    )


def _logit_spread(inputs: TheoremInputs, floor: float) -> float:
    """X: span of an action value less tau times the logarithm of a policy at or above the floor."""
    least = (1.0 - (inputs.num_actions - 1) * floor) / floor
    return _UP * (inputs.quality_span + inputs.temperature * math.log(least))


def _largest_errors(inputs: TheoremInputs, floor: float) -> tuple[float, float]:
    """D_f and D_l."""
    surprise, found = -inputs.temperature * math.log(floor), []
    ranges = ((inputs.follower_low, inputs.follower_high + surprise), (inputs.leader_low, inputs.leader_high))
    for (low, high), (bottom, top) in zip(ranges, (inputs.follower_box, inputs.leader_box), strict=True):
        above = high + inputs.discount * top - bottom
        below = top - inputs.discount * bottom - low
        scale = max(map(abs, (low, high, bottom, top)))
        found.append(max(above, below) + 1e-12 * scale)
    return found[0], found[1]


def _moves(inputs: TheoremInputs, follower: float, leader: float, field: float) -> tuple[float, float, float]:
    """Of a value in the sup norm, with follower's policy, leader's policy and mean field."""
    return tuple(_UP * part / inputs.patience for part in (0.5 * follower, 0.5 * leader, field))  # type: ignore[return-value]


def _leader_moves(inputs: TheoremInputs) -> tuple[float, float, float]:
    own = 0.0 if inputs.own_world else 1.0
    return _moves(inputs, own * inputs.leader_quality_span, inputs.leader_choice[1], own * inputs.field_slopes[1])


def _gap_moves(inputs: TheoremInputs) -> tuple[float, float]:
    """g_phi and g_mu."""
    mixing = 1.0 + inputs.discount * inputs.action_spread / inputs.mixed_patience
    direct = mixing * math.sqrt(2.0 * inputs.patience / inputs.temperature)
    later = 0.5 * inputs.discount * math.sqrt(inputs.bonus_span / inputs.patience / inputs.least_initial)
    leader = 0.5 * direct * inputs.leader_choice[0] + later * inputs.leader_spread
    field = direct * inputs.field_slopes[0] + later * inputs.transition_lipschitz
    return _UP * leader / (2.0 * inputs.patience), _UP * field / (2.0 * inputs.patience)


def _equilibrium_move(inputs: TheoremInputs) -> float:
    """L_mu."""
    answered = inputs.action_spread * inputs.leader_choice[0] / (2.0 * inputs.temperature * inputs.patience)
    moved = inputs.leader_spread + answered
    return _UP * inputs.mixing_factor * moved / (math.sqrt(2.0) * inputs.one_sided_rate)


def _follower_noise(inputs: TheoremInputs, spread: float, error: float) -> tuple[float, float]:
    """N(alpha) = first + second alpha."""
    patience, tau = inputs.patience, inputs.temperature
    first = (spread + tau) / (2.0 * patience) + inputs.discount * spread / (4.0 * patience**2)
    return _UP * error**2 * first, _UP * tau * error**3 / patience


def _follower_to_leader(inputs: TheoremInputs) -> float:
    """H_1."""
    visits = inputs.discount * inputs.action_spread * inputs.leader_choice[1] / (2.0 * inputs.mixed_patience)
    later = 1.0 + math.sqrt(inputs.discount) / (inputs.patience * math.sqrt(inputs.least_initial))
    scale = math.sqrt(2.0 * inputs.patience / inputs.temperature)
    return _UP * scale * (visits + 0.5 * inputs.leader_quality_span * later)


def _field_to_leader(inputs: TheoremInputs) -> float:
    """H_2."""
    answer = inputs.field_slopes[0] / (inputs.temperature * inputs.patience)
    rows = inputs.transition_lipschitz + inputs.action_spread * answer
    visits = inputs.discount * rows * inputs.leader_choice[1] / (2.0 * inputs.mixed_patience)
    values = (0.5 * answer * inputs.leader_quality_span + inputs.field_slopes[1]) / inputs.patience
    return _UP * math.sqrt(inputs.num_states) * (visits + values)


def _own_smoothness(inputs: TheoremInputs) -> float:
    """L_Phi of Lemma 9."""
    later = inputs.discount / (4.0 * inputs.patience)
    visits = inputs.discount * inputs.leader_spread / (4.0 * inputs.mixed_patience)
    return _UP * inputs.leader_choice[1] / inputs.patience * (0.5 + later + visits)


def _largest(inputs: TheoremInputs) -> tuple[float, float, float, float, float]:
    """What the residuals never exceed; that of the leader's gradient is known in a world of its own alone."""
    widths = (high - low for low, high in (inputs.follower_box, inputs.leader_box))
    critics = [_UP * inputs.num_states * width**2 for width in widths]
    gradient = (0.5 * inputs.leader_choice[1] / inputs.patience) ** 2 if inputs.own_world else math.inf
    return critics[0], critics[1], _UP * inputs.bonus_span / inputs.patience, 2.0, _UP * gradient
