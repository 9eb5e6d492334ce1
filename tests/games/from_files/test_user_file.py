"""Games out of the user's own file: by class, instance, function or nothing but the file; helpers beside it."""

import pathlib
import sys
import textwrap

import pytest

from smfg_verify import games
from smfg_verify.cli import main

HEAD = """
import jax.numpy as jnp
import numpy as np
from smfg_verify.game import AbstractGame, TabularGame, parameter
"""
GAME = """
class {name}(AbstractGame):
    '''A game of two states.'''
    strength: float = parameter(default={strength})
    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=1.0)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 1

    def transition(self, s, a, b, m):
        return jnp.where(jnp.arange(2) == a, 0.75, 0.25)

    def follower_reward(self, s, a, b, m):
        return -self.strength * m[s]

    def leader_reward(self, s, a, b, m):
        return m[0]
"""
ARRAYS = """
def table(n=2, discount=0.5):
    return dict(kernel=np.full((n, 2, 1, n), 1 / n), follower_rewards=np.zeros((n, 2, 1)),
                leader_rewards=np.zeros((n, 2, 1)), discount=discount, temperature=1.0)
"""


def game(name="Mine", strength=2.0):
    return GAME.format(name=name, strength=strength)


def test_a_class_that_lacks_something_says_what_and_what_may_be_meant(write):
    file = write(HEAD + game().replace("discount:", "gamma:").replace("num_states", "n_states"))
    with pytest.raises(
        ValueError, match=r"Mine cannot be built, it does not define discount \(is 'gamma' meant\?\), num_"
    ):
        games.load(file)


@pytest.mark.parametrize(
    ("inside", "parameters", "message"),
    [
        ("finished", {"discount": 0.5}, "got parameter 'discount', expected none: it is a finished game"),
        ("make", {"dicount": 0.5}, "unknown parameter 'dicount' .did you mean 'discount'"),
        ("needs", {}, "cannot be built from: missing a required argument: 'n'"),
        ("nothing", {}, r"got None \(NoneType\) from nothing, expected a game"),
        ("kind", {}, r"got <class .*> \(.*\) from kind, expected a game"),
        ("fails", {}, r"mine.py, line \d+, in fails: KeyError: 'missing'"),
        ("number", {}, "got 3 at .*:number, expected a subclass"),
        ("Other", {}, "got <class .*Other'> at .* expected a subclass"),
        ("bad", {}, "kernel: got shape"),
    ],
)
def test_what_makes_no_game_is_refused(write, inside, parameters, message):
    text = """
        def make(discount=0.5):
            return TabularGame.from_arrays(**table(discount=discount))
        def needs(n): return make()
        def nothing(): return None
        def kind(): return TabularGame
        def fails(): return {}['missing']
        def bad(): return TabularGame.from_arrays(**{**table(), 'kernel': np.zeros((2, 2))})
        number = 3
        class Other: pass
        finished = make()
    """
    file = write(HEAD + ARRAYS + textwrap.dedent(text))
    with pytest.raises(ValueError, match=message):
        games.load(f"{file}:{inside}", **parameters)


def test_helpers_beside_the_file_are_found_read_again_and_not_mixed_up(write):
    file = write("from crowd_helper import STRENGTH\n" + HEAD + game(strength="STRENGTH"), "one/mine.py")
    write("STRENGTH = 3.0\n", "one/crowd_helper.py")
    other = write("import crowd_helper\n" + HEAD + game(strength="crowd_helper.STRENGTH"), "two/mine.py")
    write("from crowd_parts.deep import STRENGTH\n", "two/crowd_helper.py")
    path, modules = sys.path[:], set(sys.modules)
    package = pathlib.Path(other).parent / "crowd_parts"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text("STRENGTH = 5.0\n")
    assert float(games.load(file).strength) == 3.0
    assert float(games.load(other).strength) == 5.0
    write("STRENGTH = 4.0\n", "one/crowd_helper.py")  # as long as before, within the same second
    assert float(games.load(file).strength) == 4.0
    write("from crowd_helper import STRENGTH\n" + HEAD + game(strength="STRENGTH+1."), "one/mine.py")
    assert float(games.load(file).strength) == 5.0
    assert sys.path == path
    left = {name for name in set(sys.modules) - modules if not name.startswith("smfg_verify")}
    assert left <= {"crowd_helper"}
    assert not list(pathlib.Path(file).parent.glob("__pycache__"))


def test_a_module_of_the_same_name_from_elsewhere_stays_what_it_was(write, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "crowd_twin.py").write_text("STRENGTH = 1.0\n")
    monkeypatch.syspath_prepend(str(elsewhere))
    import crowd_twin

    file = write("from crowd_twin import STRENGTH\n" + HEAD + game(strength="STRENGTH"), "own/mine.py")
    write("STRENGTH = 7.0\n", "own/crowd_twin.py")
    assert float(games.load(file).strength) == 7.0
    assert sys.modules["crowd_twin"] is crowd_twin
    assert crowd_twin.STRENGTH == 1.0
    del sys.modules["crowd_twin"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x / 0\n", r"at .*mine.py, line 2 \(`y = x / 0`\): ZeroDivisionError"),
        ("x = 1\nclass Broken(\n", r"at .*mine.py, line 2 \(`class Broken\(`\): SyntaxError"),
        ("import no_such_crowd\n", r"line 1 .* ModuleNotFoundError: .* a package that is not installed, or a helper"),
        ("def f():\n    raise KeyError('k')\nf()\n", r"line 2 \(`raise KeyError\('k'\)`\): KeyError"),
        ("import sys\nsys.exit(0)\n", r"line 2 .* SystemExit: 0. .* a script that ends itself"),
        ("import numpy as np\nnp.zeros(3)[5]\n", r"line 2 \(`np.zeros\(3\)\[5\]`\): IndexError"),
        ("import crowd_wrong\n", r"at .*crowd_wrong.py, line 3 \(`boom`\): NameError"),
        ("import smfg_verify as sv\nsv.games.load('laffer-tex')\n", r"line 2 .* InputError: game: got unknown name"),
    ],
)
def test_errors_of_an_import_have_file_and_line_of_the_users_code(write, text, message):
    write("#\n#\nboom\n", "crowd_wrong.py")
    before = dict(sys.modules), sys.path[:]
    with pytest.raises(ValueError, match=rf"game: importing .*mine.py failed .*{message}"):
        games.load(write(text))
    assert sys.path == before[1]
    assert not [name for name in set(sys.modules) - set(before[0]) if name.startswith("smfg_verify_user")]


MAKE = HEAD + ARRAYS + "\ndef make(n=3):\n    return TabularGame.from_arrays(**table(n), name='of n')\n"


def test_the_command_line_says_the_same(write, capsys):
    file = write(MAKE)
    assert main(["show", file]) == 2
    assert "found no game" in capsys.readouterr().err
    assert main(["show", f"{file}:make", "--set", "m=4"]) == 2
    assert "unknown parameter 'm'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_line_shows_what_a_function_makes(write, capsys):
    assert main(["show", f"{write(MAKE)}:make", "--set", "n=4"]) == 0
    assert "of n" in capsys.readouterr().out
