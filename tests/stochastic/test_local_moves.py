"""On games of local moves: a run is that of a plain NumPy loop, and no iteration touches a whole table."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import traced
from smfg_verify.stochastic import Schedule, ac_smfg, value_bounds
from smfg_verify.stochastic.ac_smfg import AcSmfg
from smfg_verify.stochastic.engine.advance import advance_in_turn
from smfg_verify.stochastic.engine.groups import one_lane
from smfg_verify.stochastic.engine.initial import first_iterate, repeated_memory
from smfg_verify.stochastic.engine.uniforms import block_uniforms, run_keys

SIDE, SEED, ITERATIONS = 4, 9, 500
STEPS = {"leader": 0.4, "mean_field": 3.0, "follower": 0.7, "critic": 1.3}
MOVES = ((0, 0), (-1, 0), (0, 1), (1, 0), (0, -1))


def softmax(row):
    weights = np.exp(row - row.max())
    return weights / weights.sum()


def drawn(weights, uniform):
    sums = np.cumsum(weights)
    return int(np.searchsorted(sums, uniform * sums[-1], side="right"))


def plain_loop(game, start, bounds, uniforms):
    """AC-SMFG on congestion-pricing, written out: every table updated as a whole, the mean field decayed densely."""
    omega, theta, value_l, value_f, field = (
        np.array(start[name][0])
        for name in ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")
    )
    state, second = int(start["occupancy_state"][0]), int(start["population_state"][0])
    middle, gamma, zone = game.destination, float(game.discount), np.asarray(game.leader_observation)

    def moved(s, a, uniform):
        law = np.full(5, float(game.slip) / 5) + (1.0 - float(game.slip)) * (np.arange(5) == a)
        down, right = MOVES[drawn(law, uniform)]
        row, column = np.clip(s // SIDE + down, 0, SIDE - 1), np.clip(s % SIDE + right, 0, SIDE - 1)
        return int(row * SIDE + column)

    for k, u in enumerate(uniforms):
        zeta, xi, alpha, beta = (STEPS[name] / np.sqrt(k + 1.0) for name in STEPS)
        xi, beta = min(xi, 1.0), min(beta, 1.0)
        pi, phi = softmax(theta[state]), softmax(omega[zone[state]])
        a, b = drawn(pi, u[0]), drawn(phi, u[2])
        after = moved(state, a, u[4])
        second = moved(second, drawn(softmax(theta[second]), u[1]), u[5])
        toll = float(game.tolls[b])
        reward_f = float(game.reward) * (state == middle) - float(game.congestion) * field[state] - toll
        reward_f -= float(game.fuel) * (a > 0)
        reward_l = toll - float(game.weight) * field[state]
        delta_f = reward_f - float(game.temperature) * np.log(pi[a]) + gamma * value_f[after] - value_f[state]
        delta_l = reward_l - float(game.leader_temperature) * np.log(phi[b]) + gamma * value_l[after] - value_l[state]
        theta[state] += alpha * delta_f * (np.eye(5)[a] - pi)
        omega[zone[state]] += zeta * delta_l * (np.eye(phi.size)[b] - phi)
        value_f[state] = np.clip(value_f[state] + beta * delta_f, bounds.follower_lower, bounds.follower_upper)
        value_l[state] = np.clip(value_l[state] + beta * delta_l, bounds.leader_lower, bounds.leader_upper)
        field += xi * (np.eye(field.size)[second] - field)
        state = after if u[6] < gamma else drawn(np.asarray(game.initial_distribution), u[7])
    return {"leader_logits": omega, "follower_logits": theta, "leader_critic": value_l} | {
        "follower_critic": value_f,
        "mean_field": field,
        "occupancy_state": state,
        "population_state": second,
    }


@pytest.mark.filterwarnings("ignore:step sizes")
def test_a_run_is_that_of_a_plain_loop_with_dense_updates_and_the_same_uniforms():
    """Steps of the mean field of 1 at first, where its scale vanishes and all is put to one place."""
    game = games.load("congestion-pricing", side=SIDE, num_zones=3, leader_temperature=0.1)
    trace = ac_smfg(game, num_iterations=ITERATIONS, seeds=[SEED], schedule=Schedule(**STEPS), checkpoints=2)
    bounds = value_bounds(game)
    start = first_iterate(traced(game), bounds, np.array([SEED], np.uint32), None)
    keys = run_keys(jnp.array([SEED], jnp.uint32))
    uniforms = np.concatenate([block_uniforms(keys, jnp.array(block), 8)[..., 0] for block in range(4)])
    expected = plain_loop(game, start, bounds, uniforms[:ITERATIONS])
    for name, array in expected.items():
        np.testing.assert_allclose(getattr(trace, name)[0, -1], array, rtol=1e-9, atol=1e-11, err_msg=name)


def test_no_iteration_copies_or_passes_over_a_table():
    """In the loops of the compiled program every operation on a whole table is one that changes a row in place."""
    game = traced(games.load("congestion-pricing", side=29))
    bounds, method, seeds = value_bounds(game), AcSmfg(Schedule(), "markov"), np.array([SEED], np.uint32)
    start = one_lane(first_iterate(game, bounds, seeds, None) | repeated_memory(method.first_memory(game), 1))
    number = jnp.asarray(1, jnp.int32)
    job = (game, bounds, method, jnp.asarray(seeds), start, number, number, number)
    text = jax.jit(advance_in_turn.__wrapped__).lower(*job).compile().as_text()
    parts = text.split("\n\n")
    (body,) = [part for part in parts if "dynamic-update-slice" in part and "call(" in part and "fusion(" in part]
    whole = re.findall(r" = f64\[841(?:,\d+)*\]\S* ([\w-]+)\(.*", body)
    assert {operation for operation in whole if operation != "get-tuple-element"} == {"fusion"}
    fused = re.findall(r" = f64\[841(?:,\d+)*\]\S* fusion\(.*calls=(%[\w.-]+)", body)
    assert len(fused) == 4  # two critics, the follower's logits, the mean field
    for name in fused:
        (program,) = [part for part in parts if part.startswith(f"{name} ")]
        (root,) = re.findall(r"ROOT .*? = \S+ ([\w-]+)\(", program)
        assert root == "dynamic-update-slice"
