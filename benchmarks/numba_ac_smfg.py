"""AC-SMFG as a loop compiled by Numba: the fastest alternative that a user would write, for the speed benchmark.

The same algorithm as `benchmarks/numpy_ac_smfg.py` on the same tables, written out over scalars so that nothing is
allocated in the loop; random numbers are Numba's own generator, one stream a seed, and several seeds run on several
threads. Given the uniforms that the NumPy loop draws it ends at the same iterate: `--check` prints the difference.

Numba is no requirement of the package: install it in an environment of its own, with NumPy, and run this file there;
`benchmarks/ac_smfg_speed.py --numba PYTHON` does so and compares. It prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import time

import numba
import numpy as np

if __package__:
    from benchmarks import numpy_ac_smfg
else:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    from benchmarks import numpy_ac_smfg

UNIFORMS = numpy_ac_smfg.UNIFORMS_PER_STEP


def tables(game, dtype):
    """Everything a loop reads: cumulative kernels, rewards and slopes with the mean field's axis last but one."""
    floats = {
        "cdf": np.cumsum(game.kernel, axis=-1),
        "cdf_slope": np.moveaxis(np.cumsum(game.kernel_slope, axis=-1), 0, 3),
        "reward_f": game.follower_rewards,
        "slope_f": np.moveaxis(game.follower_slope, 0, 3),
        "reward_l": game.leader_rewards,
        "slope_l": np.moveaxis(game.leader_slope, 0, 3),
        "restart": np.cumsum(game.initial_distribution),
    }
    _, num_actions, num_leader_actions = game.follower_rewards.shape
    bonus_f = game.temperature * np.log(num_actions)
    bonus_l = game.leader_temperature * np.log(num_leader_actions)
    low_f, high_f = numpy_ac_smfg.value_box(game.follower_rewards, game.follower_slope, bonus_f, game.discount)
    low_l, high_l = numpy_ac_smfg.value_box(game.leader_rewards, game.leader_slope, bonus_l, game.discount)
    scalars = np.array([game.discount, game.temperature, game.leader_temperature, low_f, high_f, low_l, high_l], dtype)
    arrays = {name: np.ascontiguousarray(array, dtype) for name, array in floats.items()}
    return (*arrays.values(), scalars, game.observation.astype(np.int64))


@numba.njit(cache=False, fastmath=False)
def policy(logits, out):
    """softmax of a row, written to `out`."""
    top = logits[0]
    for j in range(1, logits.size):
        top = max(top, logits[j])
    total = logits[0] - logits[0]
    for j in range(logits.size):
        out[j] = np.exp(logits[j] - top)
        total += out[j]
    for j in range(logits.size):
        out[j] /= total


@numba.njit
def draw(probabilities, chance):
    """Index of a sample by inverse cdf, scaled by the computed sum."""
    total = probabilities[0] - probabilities[0]
    for j in range(probabilities.size):
        total += probabilities[j]
    level, below = chance * total, probabilities[0] - probabilities[0]
    for j in range(probabilities.size):
        below += probabilities[j]
        if below > level:
            return j
    return probabilities.size - 1


@numba.njit
def draw_from_cdf(cdf, chance):
    """The same of sums."""
    level = chance * cdf[-1]
    j = 0
    while j < cdf.size - 1 and cdf[j] <= level:
        j += 1
    return j


@numba.njit
def next_state(cdf, slope, mean_field, chance, row):
    """Index of the next state at a mean field, `row` being working space."""
    for t in range(cdf.size):
        row[t] = cdf[t]
    for m in range(mean_field.size):
        for t in range(cdf.size):
            row[t] += mean_field[m] * slope[m, t]
    return draw_from_cdf(row, chance)


@numba.njit
def clipped(value, low, high):
    return min(max(value, low), high)


@numba.njit
def uniform():
    """One of Numba's own generator, which is the thread's: its name is NumPy's old one."""
    return np.random.random()  # noqa: NPY002


@numba.njit(nogil=True)
def run(game, constants, num_iterations, first, given, iterate):
    """One seed: iterations in place; `given` are the uniforms, or empty for Numba's own."""
    cdf, cdf_slope, reward_f, slope_f, reward_l, slope_l, restart, scalars, observation = game
    gamma, tau, tau_l, low_f, high_f, low_l, high_l = scalars
    omega, theta, value_f, value_l, mean_field = iterate
    one, n = gamma / gamma, value_f.size
    pi, phi, row = np.empty_like(theta[0]), np.empty_like(omega[0]), np.empty_like(value_f)
    state, second = first
    u = np.empty(UNIFORMS, scalars.dtype)
    for k in range(num_iterations):
        for j in range(UNIFORMS):
            u[j] = given[k, j] if given.size else uniform()
        scale = one / np.sqrt(one * (k + 1))
        here = observation[state]
        # The second chain's draws read the same iterate, so they come before any update.
        policy(omega[observation[second]], phi)
        b2 = draw(phi, u[3])
        policy(theta[second], pi)
        a2 = draw(pi, u[4])
        second = next_state(cdf[second, a2, b2], cdf_slope[second, a2, b2], mean_field, u[5], row)
        policy(omega[here], phi)
        b = draw(phi, u[0])
        policy(theta[state], pi)
        a = draw(pi, u[1])
        following = next_state(cdf[state, a, b], cdf_slope[state, a, b], mean_field, u[2], row)
        r_f, r_l = reward_f[state, a, b], reward_l[state, a, b]
        for m in range(n):
            r_f += mean_field[m] * slope_f[state, a, b, m]
            r_l += mean_field[m] * slope_l[state, a, b, m]
        delta_f = r_f - tau * np.log(pi[a]) + gamma * value_f[following] - value_f[state]
        delta_l = r_l - tau_l * np.log(phi[b]) + gamma * value_l[following] - value_l[state]
        step_l, step_f = constants[0] * scale * delta_l, constants[2] * scale * delta_f
        for j in range(phi.size):
            omega[here, j] -= step_l * phi[j]
        omega[here, b] += step_l
        for j in range(pi.size):
            theta[state, j] -= step_f * pi[j]
        theta[state, a] += step_f
        step_v, step_m = constants[3] * scale, constants[1] * scale
        value_l[state] = clipped(value_l[state] + step_v * delta_l, low_l, high_l)
        value_f[state] = clipped(value_f[state] + step_v * delta_f, low_f, high_f)
        for m in range(n):
            mean_field[m] *= one - step_m
        mean_field[second] += step_m
        state = following if u[6] < gamma else draw_from_cdf(restart, u[7])


@numba.njit(parallel=True)
def run_all(game, constants, num_iterations, seeds, omega, theta, value_f, value_l, mean_field):
    """All seeds, in parallel over the threads that are set."""
    none = np.empty((0, UNIFORMS), value_f.dtype)
    for i in numba.prange(seeds.size):
        np.random.seed(seeds[i])  # noqa: NPY002
        first = (draw_from_cdf(game[6], uniform()), draw_from_cdf(game[6], uniform()))
        iterate = (omega[i], theta[i], value_f[i], value_l[i], mean_field[i])
        run(game, constants, num_iterations, first, none, iterate)


def start(game, num_seeds, dtype):
    """Arrays of the first iterate of every seed."""
    one = numpy_ac_smfg.initial_iterate(game)
    names = ("leader_logits", "follower_logits", "follower_value", "leader_value", "mean_field")
    return [np.repeat(getattr(one, name)[None].astype(dtype), num_seeds, axis=0) for name in names]


def step_constants(dtype):
    """The constants of the NumPy loop, in the order leader, mean field, follower, critic."""
    constants = numpy_ac_smfg.StepConstants()
    return np.array([constants.leader, constants.mean_field, constants.follower, constants.critic], dtype)


def seconds(game, num_iterations, num_seeds, num_threads, dtype):
    """Wall and processor time of a run, compiled before."""
    numba.set_num_threads(num_threads)
    iterate = start(game, num_seeds, dtype)
    arguments = (tables(game, dtype), step_constants(dtype))
    wall, processor = time.perf_counter(), time.process_time()
    run_all(*arguments, num_iterations, np.arange(num_seeds), *iterate)
    return time.perf_counter() - wall, time.process_time() - processor


def difference_from_numpy(game, num_iterations):
    """Largest difference between the iterates of both loops after the same uniforms, in float64."""
    rng = np.random.default_rng(0)
    restart = np.cumsum(game.initial_distribution)
    first = tuple(numpy_ac_smfg.draw_from_cdf(restart, rng.random()) for _ in range(2))
    blocks = -(-num_iterations // numpy_ac_smfg.BLOCK)
    given = np.concatenate([rng.random((numpy_ac_smfg.BLOCK, UNIFORMS)) for _ in range(blocks)])
    iterate = tuple(array[0] for array in start(game, 1, np.float64))
    run(tables(game, np.float64), step_constants(np.float64), num_iterations, first, given, iterate)
    expected = numpy_ac_smfg.ac_smfg(game, num_iterations, seed=0)
    names = ("leader_logits", "follower_logits", "follower_value", "leader_value", "mean_field")
    return max(float(np.abs(getattr(expected, name) - mine).max()) for name, mine in zip(names, iterate, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=10)
    parser.add_argument("--actions", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--check", action="store_true", help="print the difference from the NumPy loop as well")
    parser.add_argument("--serve", action="store_true", help="time one repeat for each line read, and print it")
    arguments = parser.parse_args()
    dtype = np.float64 if arguments.double else np.float32
    game = numpy_ac_smfg.random_game(np.random.default_rng(0), arguments.states, arguments.actions, arguments.actions)
    setting = (arguments.seeds, arguments.threads, dtype)
    seconds(game, 10, *setting)
    if arguments.serve:
        print("ready", flush=True)
        for _ in sys.stdin:
            print(json.dumps(seconds(game, arguments.iterations, *setting)), flush=True)
        return
    times = [seconds(game, arguments.iterations, *setting) for _ in range(arguments.repeats)]
    count = arguments.iterations * arguments.seeds
    wall, processor = (statistics.median(column) / count * 1e9 for column in zip(*times, strict=True))
    result = {"numba": numba.__version__, "ns_a_seed_step": wall, "processor_ns_a_seed_step": processor}
    if arguments.check:
        result["difference_from_numpy"] = difference_from_numpy(game, 20_000)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
