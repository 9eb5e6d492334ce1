"""Games that do the same have one digest, and one set of programs, wherever and however they were made."""

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest

import smfg_verify as sv
from smfg_verify.game import AbstractGame, game_hash
from tests.game.reach.roads import Road, road

FIELD = np.array([0.4, 0.6])


@pytest.fixture(autouse=True)
def restore():
    yield
    globals()["TOLL"] = 0.0


GAME = """
    import enum
    import jax.numpy as jnp
    from smfg_verify.game import AbstractGame
    import beside_the_game as beside

    class Kind(enum.Enum):
        LOW = 1.0
        HIGH = 2.0

    def first(x): return x + 1.0
    def second(x): return x + 2.0

    COSTS = {"a": first, "b": second}
    WORDS = {"slow", "fast", "steady", "jammed"}
    PAIR = (1.0, (2.0, "two"))
    AGAIN = PAIR

    class Mine(AbstractGame):
        kind: Kind = Kind.HIGH
        num_states = num_follower_actions = num_leader_actions = 2
        discount = 0.5
        temperature = 0.5

        def transition(self, state, follower_action, leader_action, mean_field):
            return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

        def follower_reward(self, state, follower_action, leader_action, mean_field):
            costs = sum(cost(state) for cost in COSTS.values()) + len(WORDS) + PAIR[0] + AGAIN[0]
            return -mean_field[state] - self.kind.value * beside.toll(beside, state) - costs

        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return mean_field[1]
"""
BESIDE = "TOLL = 1.0\ndef toll(module, state):\n    return module.TOLL * state\n"


def test_a_file_has_one_hash_loaded_imported_run_or_unpickled_whatever_the_seed_of_hashes(tmp_path):
    (tmp_path / "my_game.py").write_text(textwrap.dedent(GAME))
    (tmp_path / "beside_the_game.py").write_text(BESIDE)
    start = (
        "import jax; jax.config.update('jax_enable_x64', True); import cloudpickle, sys; sys.path.insert(0, '.')\n"
        "from smfg_verify.game import game_hash\n"
    )
    ways = {
        "imported": "import my_game; print(game_hash(my_game.Mine()))",
        "loaded": "from smfg_verify import games; print(game_hash(games.load('my_game.py:Mine')))",
        "run": "exec(open('my_game.py').read()); print(game_hash(Mine()))",
        "sent": "exec(open('my_game.py').read()); print(game_hash(cloudpickle.loads(cloudpickle.dumps(Mine()))))",
        "solved": "import my_game; import numpy as np; import smfg_verify as sv; game = my_game.Mine();"
        "sv.tabulate(game, np.array([.5, .5])); game.follower_reward(0, 0, 0, np.ones(2)); print(game_hash(game))",
    }
    lines = [f"print({name!r}, end=' '); " + code.replace("; ", "\n") for name, code in ways.items()]
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", start + "\n".join(lines)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(sv.__file__).parents[1])},
        )
        assert done.returncode == 0, done.stderr
        found |= {line.split()[1] for line in done.stdout.splitlines()}
        assert len(done.stdout.splitlines()) == len(ways)
    assert len(found) == 1


def test_which_of_two_equal_looking_functions_comes_again_counts():
    low, high = (lambda s: 1.0 * s), (lambda s: 2.0 * s)

    def game(costs):
        return road(lambda self, s: sum(cost(s) for cost in costs))

    hashes = [game_hash(game(costs)) for costs in ((low, high, low), (low, high, high), (high, low, high))]
    assert len(set(hashes)) == 3


def test_an_object_used_twice_is_as_good_as_two_equal_ones():
    shared, one, other = np.ones(2), np.ones(2), np.ones(2)

    def game(pair):
        return road(lambda self, s: pair[0][0] * pair[1][0] * s)

    assert game_hash(game((shared, shared))) == game_hash(game((one, other)))


def test_a_docstring_and_names_of_variables_are_no_part_of_a_game():
    def plain(self, state):
        price = 2.0
        return price * state

    def documented(self, state):
        """What it costs."""
        amount = 2.0  # another name
        return amount * state

    def told(self, state):
        """steep"""
        return (2.0 if self.kind == "steep" else 1.0) * state

    def told_otherwise(self, state):
        """flat"""
        return (2.0 if self.kind == "flat" else 1.0) * state

    assert game_hash(road(plain)) == game_hash(road(documented))
    assert game_hash(road(told, kind="steep")) != game_hash(road(told_otherwise, kind="steep"))


def test_what_one_helper_reads_by_way_of_another_is_never_stale():
    options = {"toll": 0.0}

    @jax.jit
    def helper(state):
        return options["toll"] * state

    sv.tabulate(road(lambda self, s: helper(s)), FIELD)
    options["toll"] = 2.0
    # The second game meets the options before it meets the helper.
    second = sv.tabulate(road(lambda self, s: 0.0 * options["toll"] + helper(s)), FIELD)
    np.testing.assert_allclose(second.follower_reward[1, 0, 0], -FIELD[1] - 2.0)


def test_a_number_in_a_class_or_in_a_list_is_checked_again():
    class Plain(AbstractGame):
        prices: Any = eqx.field(default_factory=lambda: [0.0, 1.0])
        discount = 0.5
        temperature = 0.3
        num_states = num_follower_actions = num_leader_actions = 2
        transition, leader_reward = Road.transition, Road.leader_reward

        def follower_reward(self, state, follower_action, leader_action, mean_field):
            return -jnp.asarray(self.prices)[state]

    game = Plain()
    sv.validate(game)
    Plain.temperature = -1.0
    with pytest.raises(ValueError, match="temperature"):
        sv.validate(game)
    Plain.temperature = 0.3
    sv.validate(game)
    game.prices[1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        sv.validate(game)


def test_threads_that_solve_different_games_at_once_get_their_own_answers():
    found: dict[float, Any] = {}

    def solve(toll):
        found[toll] = np.asarray(sv.tabulate(road(lambda self, s: toll * s), FIELD).follower_reward)

    threads = [threading.Thread(target=solve, args=(toll,)) for toll in (1.0, 2.0, 3.0, 4.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for toll, reward in found.items():
        np.testing.assert_allclose(reward[1, 0, 0], -FIELD[1] - toll)
    assert len(found) == len(threads)


def test_the_hash_does_not_depend_on_which_games_were_seen_before():
    game = road(lambda self, s: jnp.asarray(pandas.Series([0.0, 1.0]).to_numpy())[s])
    before = game_hash(game)
    # A game that says it comes from an installed package has that package followed, for itself alone.
    game_hash(type("Other", (Road,), {"__module__": "pandas.core.frame"})())
    assert game_hash(game) == before
