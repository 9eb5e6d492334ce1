"""AC-SMFG as a plain NumPy loop, one seed: the alternative that the speed benchmark measures the package against.

The loop does what a competent NumPy user would do: tables stored with the current state's rows contiguous, cumulative
kernels prepared once (the cdf of an affine kernel is affine), uniforms drawn in blocks, inverse-cdf sampling,
in-place updates. Run it to print microseconds per seed-step at n = 10, A = B = 3.
"""

import argparse
import dataclasses
import time

import numpy as np

UNIFORMS_PER_STEP = 8
BLOCK = 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class AffineGame:
    """P0 (n, A, B, n) and its slope (n, n, A, B, n) in the mean field, rewards (n, A, B) and slopes (n, n, A, B)."""

    kernel: np.ndarray
    kernel_slope: np.ndarray
    follower_rewards: np.ndarray
    follower_slope: np.ndarray
    leader_rewards: np.ndarray
    leader_slope: np.ndarray
    discount: float
    temperature: float
    initial_distribution: np.ndarray
    observation: np.ndarray
    leader_temperature: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepConstants:
    """Constants c of the step sizes c / sqrt(k + 1), leader <= mean field <= follower <= critics."""

    leader: float = 0.05
    mean_field: float = 0.1
    follower: float = 0.2
    critic: float = 0.5


@dataclasses.dataclass
class Iterate:
    """Logits (O, B) and (n, A), critics (n,), mean field (n,)."""

    leader_logits: np.ndarray
    follower_logits: np.ndarray
    follower_value: np.ndarray
    leader_value: np.ndarray
    mean_field: np.ndarray


def initial_iterate(game: AffineGame) -> Iterate:
    """Uniform policies, critics at zero, uniform mean field."""
    num_states, num_actions, num_leader_actions = game.follower_rewards.shape
    return Iterate(
        leader_logits=np.zeros((int(game.observation.max()) + 1, num_leader_actions)),
        follower_logits=np.zeros((num_states, num_actions)),
        follower_value=np.zeros(num_states),
        leader_value=np.zeros(num_states),
        mean_field=np.full(num_states, 1 / num_states),
    )


def value_box(rewards: np.ndarray, slope: np.ndarray, bonus: float, discount: float) -> tuple[float, float]:
    """Range of every value: extreme rewards at the vertices of the simplex, entropy bonus, over 1 - gamma."""
    vertices = rewards + slope
    return vertices.min() / (1 - discount), (vertices.max() + bonus) / (1 - discount)


def draw(probabilities: np.ndarray, uniform: float) -> int:
    """Index of a categorical sample by inverse cdf."""
    return draw_from_cdf(np.cumsum(probabilities), uniform)


def draw_from_cdf(cdf: np.ndarray, uniform: float) -> int:
    """Index of a categorical sample; scaling by the last entry keeps rounding from falling off the end."""
    return int(cdf.searchsorted(uniform * cdf[-1], side="right"))


def softmax(row: np.ndarray) -> np.ndarray:
    """softmax of one row of logits."""
    weights = np.exp(row - row.max())
    return weights / weights.sum()


def ac_smfg(game: AffineGame, num_iterations: int, seed: int, constants: StepConstants | None = None) -> Iterate:
    """Run AC-SMFG with two Markov samples an iteration and return the last iterate."""
    constants = constants or StepConstants()
    rng = np.random.default_rng(seed)
    x = initial_iterate(game)
    cdf = np.cumsum(game.kernel, axis=-1)
    cdf_slope = np.ascontiguousarray(np.moveaxis(np.cumsum(game.kernel_slope, axis=-1), 0, 3))
    follower_slope = np.ascontiguousarray(np.moveaxis(game.follower_slope, 0, 3))
    leader_slope = np.ascontiguousarray(np.moveaxis(game.leader_slope, 0, 3))
    _, num_actions, num_leader_actions = game.follower_rewards.shape
    low_f, high_f = value_box(
        game.follower_rewards, game.follower_slope, game.temperature * np.log(num_actions), game.discount
    )
    low_l, high_l = value_box(
        game.leader_rewards, game.leader_slope, game.leader_temperature * np.log(num_leader_actions), game.discount
    )
    observation = game.observation.tolist()
    restart = np.cumsum(game.initial_distribution)
    gamma, tau, tau_l = game.discount, game.temperature, game.leader_temperature
    state = draw_from_cdf(restart, rng.random())
    second = draw_from_cdf(restart, rng.random())

    for k in range(num_iterations):
        if k % BLOCK == 0:
            uniforms = rng.random((BLOCK, UNIFORMS_PER_STEP)).tolist()
            decay = (1 / np.sqrt(np.arange(k, k + BLOCK) + 1)).tolist()
        u, scale = uniforms[k % BLOCK], decay[k % BLOCK]
        mean_field, row = x.mean_field, observation[state]

        phi, pi = softmax(x.leader_logits[row]), softmax(x.follower_logits[state])
        b, a = draw(phi, u[0]), draw(pi, u[1])
        following = draw_from_cdf(cdf[state, a, b] + mean_field @ cdf_slope[state, a, b], u[2])
        reward_f = game.follower_rewards[state, a, b] + mean_field @ follower_slope[state, a, b]
        reward_l = game.leader_rewards[state, a, b] + mean_field @ leader_slope[state, a, b]
        delta_f = reward_f - tau * np.log(pi[a]) + gamma * x.follower_value[following] - x.follower_value[state]
        delta_l = reward_l - tau_l * np.log(phi[b]) + gamma * x.leader_value[following] - x.leader_value[state]

        phi_second = softmax(x.leader_logits[observation[second]])
        pi_second = softmax(x.follower_logits[second])
        b_second, a_second = draw(phi_second, u[3]), draw(pi_second, u[4])
        cdf_second = cdf[second, a_second, b_second] + mean_field @ cdf_slope[second, a_second, b_second]
        second = draw_from_cdf(cdf_second, u[5])

        step_l, step_f = constants.leader * scale * delta_l, constants.follower * scale * delta_f
        x.leader_logits[row] -= step_l * phi
        x.leader_logits[row, b] += step_l
        x.follower_logits[state] -= step_f * pi
        x.follower_logits[state, a] += step_f
        step_v = constants.critic * scale
        x.leader_value[state] = min(max(x.leader_value[state] + step_v * delta_l, low_l), high_l)
        x.follower_value[state] = min(max(x.follower_value[state] + step_v * delta_f, low_f), high_f)
        step_m = constants.mean_field * scale
        mean_field *= 1 - step_m
        mean_field[second] += step_m

        state = following if u[6] < gamma else draw_from_cdf(restart, u[7])
    return x


def random_game(rng: np.random.Generator, num_states: int, num_actions: int, num_leader_actions: int) -> AffineGame:
    """Dirichlet kernels mixed by the mean field, rewards uniform in [-1, 1], one leader row a state."""
    shape = (num_states, num_actions, num_leader_actions)
    mixed = rng.dirichlet(np.ones(num_states), size=(num_states, *shape))
    return AffineGame(
        kernel=mixed.mean(axis=0),
        kernel_slope=mixed - mixed.mean(axis=0),
        follower_rewards=rng.uniform(-1, 1, shape),
        follower_slope=rng.uniform(-1, 1, (num_states, *shape)),
        leader_rewards=rng.uniform(-1, 1, shape),
        leader_slope=rng.uniform(-1, 1, (num_states, *shape)),
        discount=0.9,
        temperature=0.3,
        initial_distribution=np.full(num_states, 1 / num_states),
        observation=np.arange(num_states),
    )


def microseconds_per_step(game: AffineGame, num_iterations: int, repeats: int = 3) -> float:
    """Least wall time of a seed-step over the repeats, in microseconds; the first, uncounted run warms up."""
    ac_smfg(game, num_iterations // 10 + 1, seed=0)
    times = []
    for seed in range(repeats):
        start = time.perf_counter()
        ac_smfg(game, num_iterations, seed)
        times.append(time.perf_counter() - start)
    return min(times) / num_iterations * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=10)
    parser.add_argument("--actions", type=int, default=3, help="actions of each player")
    parser.add_argument("--iterations", type=int, default=20_000)
    arguments = parser.parse_args()
    game = random_game(np.random.default_rng(0), arguments.states, arguments.actions, arguments.actions)
    cost = microseconds_per_step(game, arguments.iterations)
    print(f"NumPy loop, n = {arguments.states}, A = B = {arguments.actions}: {cost:.1f} microseconds per seed-step")


if __name__ == "__main__":
    main()
