"""Online mirror descent of Bench-MFG on the games of this folder; runs in its environment, prints one JSON line.

Adaptations, all to its advantage: its own loop evaluates exploitability at every iteration, the lean one here does not;
beside the shipped step size the best of a grid is timed; `--double` runs its float32 tables in float64. How many
iterations a target takes is told by the judge, not by its own measure.
"""

import argparse
import json
import statistics
import time
from collections import deque
from importlib import metadata

import jax
import numpy as np

from benchmarks.peers import chain, garnet
from benchmarks.peers.judge import judge

# Multiples of the shipped step size, which is 0.005 at n = 7; elsewhere it is taken relative to the scale of rewards.
STEP_FACTORS = (0.25, 1.0, 4.0, 16.0, 64.0)
SHIPPED_STEP, TEMPERATURE = 0.005, 0.2
STATED = {"chain": chain.stated, "garnet": garnet.stated}


def specification(name, size):
    return {"chain": chain_specification, "garnet": garnet_specification}[name](size)


def garnet_specification(size):
    """A class of its own, as Bench-MFG's users write one, in the form of those that it ships."""
    from benchmfg.envs.mfg_model_class import MFGStationary
    from benchmfg.envs.mfg_model_class_jit import EnvSpec

    numbers = garnet.drawn(size)
    uniform = np.full(size, 1.0 / size)

    class Garnet(MFGStationary):
        def transition(self, mean_field=None, state=None, action=None, noise=None):
            return jax.numpy.asarray(numbers.successors)[state, action, noise]

        def reward(self, mean_field=None, state=None, action=None):
            return (
                jax.numpy.asarray(numbers.rewards)[state, action] - jax.numpy.asarray(numbers.crowd)[state] @ mean_field
            )

    game = Garnet(size, garnet.ACTIONS, garnet.DISTURBANCES, 100, uniform, numbers.chances, garnet.DISCOUNT)
    return EnvSpec(
        game,
        lambda field, state, action, noise, game: game.transition(field, state, action, noise),
        lambda field, state, action, game: game.reward(field, state, action),
    )


def chain_specification(size):
    from benchmfg.envs.lasry_lions_chain.lasry_lions_chain import LasryLionsChain
    from benchmfg.envs.lasry_lions_chain.lasry_lions_chain_jit import (
        reward_lasry_lions_chain,
        transition_lasry_lions_chain,
    )
    from benchmfg.envs.mfg_model_class_jit import EnvSpec

    game = LasryLionsChain(
        N_states=size,
        N_actions=3,
        N_noises=3,
        horizon=100,
        mean_field=np.full(size, 1.0 / size),
        noise_prob=np.array(chain.CHANCES),
        crowd_penalty_coefficient=chain.CROWD,
        movement_penalty=chain.MOVE_COST,
        center_attraction=chain.PULL,
        gamma=chain.DISCOUNT,
    )
    return EnvSpec(game, transition_lasry_lions_chain, reward_lasry_lions_chain)


def iterates(spec, step, number):
    """Policies and mean fields of its iteration, without its exploitability."""
    from benchmfg.envs.mfg_model_class_jit import Q_eval_jax, mean_field_by_transition_kernel_multi_jax
    from benchmfg.utility.policy_average import softmax_policy_jax

    size, actions = spec.environment.N_states, spec.environment.N_actions
    policy = np.full((size, actions), 1.0 / actions)
    field = jax.numpy.full((size,), 1.0 / size)
    summed = jax.numpy.zeros((size, actions))
    for _ in range(number):
        quality = Q_eval_jax(policy, field, spec)
        summed = summed + step * quality
        policy = softmax_policy_jax(summed, TEMPERATURE)
        field = mean_field_by_transition_kernel_multi_jax(policy, spec, num_iterations=20, initial_mean_field=field)
        yield policy, field


def needed(spec, stated, step, targets, most):
    """Iterations until each target, None where `most` do not do."""
    found, next_judged = dict.fromkeys(targets), 1
    for count, (policy, field) in enumerate(iterates(spec, step, most), 1):
        if count < next_judged:
            continue
        next_judged = count + max(1, count // 16)  # or judging would take the most time by far
        gain = judge(stated, np.asarray(policy), np.asarray(field)).exploitability
        for target in targets:
            if found[target] is None and gain <= target:
                found[target] = count
        if all(found.values()):
            break
    return found


def lean(spec, step, number):
    jax.block_until_ready(deque(iterates(spec, step, number), maxlen=1)[0])


def shipped(spec, step, number):
    from benchmfg.learner.jax.omd_jax import OMD_jax

    size, actions = spec.environment.N_states, spec.environment.N_actions
    policy = np.full((size, actions), 1.0 / actions)
    spec.environment.stationary_mean_field = np.full(size, 1.0 / size)
    OMD_jax(spec, policy, learning_rate=step, num_iterations=number, temperature=TEMPERATURE).eval()


def seconds(function, repeats):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return {"median": statistics.median(times), "least": min(times), "most": max(times), "repeats": repeats}


def timed(spec, stated, step, number, repeats):
    policy, field = deque(iterates(spec, step, number), maxlen=1)[0]
    return {
        "lean": seconds(lambda: lean(spec, step, number), repeats),
        "shipped": seconds(lambda: shipped(spec, step, number), repeats),
        **judge(stated, np.asarray(policy), np.asarray(field))._asdict(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--game", choices=tuple(STATED), default="chain")
    parser.add_argument("--states", type=int, default=7)
    parser.add_argument("--targets", type=float, nargs="+", default=[1e-3, 1e-6], help="of exploitability")
    parser.add_argument("--most", type=int, default=600, help="iterations")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--double", action="store_true")
    arguments = parser.parse_args()
    jax.config.update("jax_enable_x64", arguments.double)
    spec, stated = specification(arguments.game, arguments.states), STATED[arguments.game](arguments.states)
    base = SHIPPED_STEP * chain.stated(7).scale / stated.scale
    steps = [factor * base for factor in STEP_FACTORS]
    counts = {step: needed(spec, stated, step, arguments.targets, arguments.most) for step in steps}
    results = []
    for target in arguments.targets:
        reached = {step: found[target] for step, found in counts.items() if found[target]}
        for name, step in (("shipped", base), ("best", min(reached, key=reached.get, default=None))):
            entry = {"target": target, "step_size": name, "iterations": reached.get(step)}
            results.append(
                {**entry, **(timed(spec, stated, step, reached[step], arguments.repeats) if step in reached else {})}
            )
    versions = {name: metadata.version(name) for name in ("bench-mfg-suite", "jax", "jaxlib", "numpy")}
    print(
        json.dumps(
            {"precision": "float64" if arguments.double else "float32", "results": results, "versions": versions}
        )
    )


if __name__ == "__main__":
    main()
