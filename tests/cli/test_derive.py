"""`smfg-verify derive`: what it prints, of shipped games and of a user's file, and what it refuses."""

import contextlib
import io
import re

import pytest

from smfg_verify.cli import main

FILE = """
import sympy as sp
from smfg_verify.symbolic import SymbolicGame, follower_action, leader_action, mean_field, next_state, state

cost = sp.Symbol("cost", positive=True)
fee = sp.Symbol("fee", positive=True)
game = SymbolicGame(
    name="ferry",
    states=("north", "south"),
    follower_actions=("go north", "go south"),
    leader_actions=("free", "fee"),
    transition=sp.KroneckerDelta(follower_action, next_state),
    follower_reward=-cost * mean_field[follower_action] - fee * leader_action * follower_action,
    leader_reward=fee * leader_action * follower_action,
    parameters={cost: 1.0, fee: 0.5},
    discount=0.9,
    temperature=0.4,
    leader_observation=(0, 0),
).to_game()
"""

FORMULAS = ("--about", "formulas", "--about", "contraction", "--about", "alignment")


def printed(arguments, capsys) -> str:
    assert main(["derive", *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def laffer():

    screen = io.StringIO()
    with contextlib.redirect_stdout(screen):
        assert main(["derive", "laffer-tax", *FORMULAS]) == 0
    return screen.getvalue()


def test_it_prints_formulas_proofs_and_what_is_only_computed(laffer):
    assert "tau_c = gamma*kappa*(inertia - 1)**2/4" in laffer
    assert laffer.count("Proved: ") == 8
    assert "NOT proved" not in laffer
    assert (
        "Computed, not proved: at these numbers the gradient vanishes, at a peak of Phi, at x = 0.5049104567"
        in " ".join(laffer.split())
    )


def test_every_definition_stands_above_its_use(laffer):
    """The printed steps, read as text, define what they use."""
    steps = laffer[laffer.index("The Stackelberg gradient") : laffer.index("In logits")]
    unfolded = re.sub(r"\n(?!  \w|\n|\w+ )", "", steps)
    known: set[str] = set()
    lines = re.findall(r"^  (\w+) = (.+)$", unfolded, re.MULTILINE)
    defined = {name for name, _ in lines}
    for name, value in lines:
        used = set(re.findall(r"[A-Za-z]\w*", value))
        assert used & defined <= known, name
        known.add(name)
    assert len(known) > 50


def test_numbers_of_the_command_line_are_those_it_computes_with(capsys):
    text = printed(["two-road-toll", "--set", "kappa=3,1", "--set", "inertia=0.5", "--about", "contraction"], capsys)
    assert "the critical temperature is 0.5 and tau is 0.3" in text


def test_latex_is_latex(capsys):
    text = printed(["two-road-toll", "--format", "latex", *FORMULAS], capsys)
    assert text.count(r"\begin{align*}") == text.count(r"\end{align*}") > 5
    assert r"\section*{The Stackelberg gradient in closed form}" in text
    assert r"\paragraph{Proved.}" in text
    assert text.count("{") == text.count("}")


def test_a_users_file_is_derived_too(tmp_path, capsys):
    path = tmp_path / "ferry.py"
    path.write_text(FILE)
    text = printed([f"{path}:game", *FORMULAS], capsys)
    assert "tau_c = cost/2" in text
    assert "s: 0 north, 1 south" in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["epidemic", "--about", "formulas"], "epidemic: got a game without formulas"),
        (["lafer-tax"], "laffer-tax"),
        (["laffer-tax", "--set", "kapa=1"], "kappa"),
        (["market-entrance", "--set", "num_states=4", "--about", "contraction"], "got 4 states"),
        (["laffer-tax", "--format", "word"], "latex"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, named, capsys):
    assert main(["derive", *arguments]) == 2
    assert named in capsys.readouterr().err
