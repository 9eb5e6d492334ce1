"""What a name leads to in a file: a class of games, a game, or a function that makes one."""

import pytest

from smfg_verify import games
from smfg_verify.game import TabularGame
from tests.games.from_files.test_user_file import ARRAYS, HEAD, game


def test_a_file_with_one_class_needs_no_name(write):
    file = write(
        HEAD + game() + "\nfrom smfg_verify.games import LafferTax\nAlias = Mine\nbuilt = Mine(strength=9.0)\n"
    )
    assert float(games.load(file).strength) == 2.0
    assert float(games.load(file, strength=4).strength) == 4.0
    assert float(games.load(f"{file}:built").strength) == 9.0
    assert type(games.load(f"{file}:LafferTax")) is games.LafferTax
    assert games.describe(file).summary == "A game of two states."


def test_with_several_the_candidates_are_listed(write):
    file = write(HEAD + game("First") + game("Second") + "\nthird = First()\ndef make_game(): return third\n")
    with pytest.raises(ValueError, match="which holds several; expected one of: ") as caught:
        games.load(file)
    assert all(f"{file}:{name}" in str(caught.value) for name in ("First", "Second", "third", "make_game"))
    with pytest.raises(ValueError, match=r"not in .*did you mean 'Second'") as caught:
        games.load(f"{file}:Secnd")
    assert all(name in str(caught.value) for name in ("First", "Second", "third", "make_game"))


def test_a_base_that_lacks_something_is_no_candidate(write):
    lacks = game("Base").replace("def leader_reward", "def other")
    derived = "\nclass Whole(Base):\n    def leader_reward(self, s, a, b, m):\n        return m[0]\n"
    assert type(games.load(write(HEAD + lacks + derived))).__name__ == "Whole"


def test_instances_and_functions(write):
    text = "\nfinished = TabularGame.from_arrays(**table(), name='of arrays', state_labels=['left', 'right'])\n"
    made = """
def make(n=3, discount=0.25):
    '''Any number of states.'''
    return TabularGame.from_arrays(**table(n, discount))
"""
    file = write(HEAD + ARRAYS + text + made)
    assert games.load(file).name == "of arrays"  # the one game of a file without classes
    assert games.load(f"{file}:finished").state_labels == ("left", "right")
    assert isinstance(games.load(f"{file}:make"), TabularGame)
    assert games.load(f"{file}:make", n=4, discount=0.75).num_states == 4
    entry = games.describe(f"{file}:make")
    assert (entry.summary, [p.name for p in entry.parameters], entry.num_states) == (
        "Any number of states.",
        ["n", "discount"],
        3,
    )
    assert games.describe(f"{file}:finished").parameters == ()


def test_a_file_without_games_says_so(write):
    with pytest.raises(ValueError, match=r"found no game in .* expected a class derived from"):
        games.load(write("from smfg_verify.games import LafferTax\nx = 3\n"))
