"""A derivation in words: what is not proved is said not to be, and no number stands for a proof."""

import dataclasses
import shutil
import subprocess

import pytest
import sympy as sp

from smfg_verify import symbolic
from smfg_verify.report.tables.derivation import latex_lines, text_lines
from smfg_verify.symbolic.constants import expressions_of
from smfg_verify.symbolic.derivation import Derivation
from smfg_verify.symbolic.games.two_road_toll import kappa
from smfg_verify.symbolic.rates import BILEVEL, best_exponents, derive_rates


def derivation(game: symbolic.SymbolicGame) -> Derivation:
    gradient = symbolic.stackelberg_formula(game)
    return Derivation(game, gradient, symbolic.contraction_formula(game), symbolic.alignment_formula(gradient))


def contraction_text(game: symbolic.SymbolicGame) -> str:
    formula = symbolic.contraction_formula(game)
    return "\n".join(text_lines(Derivation(game, symbolic.stackelberg_formula(game), formula, None)))


@pytest.fixture(scope="module")
def mixed() -> Derivation:
    """Congestion or herding, as the parameters are: neither sign can be proved."""
    roads = symbolic.load("two-road-toll", leader_temperature=0.1)
    return derivation(dataclasses.replace(roads, follower_reward=roads.follower_reward * (kappa[0] - kappa[1])))


def test_what_is_not_proved_is_said_not_to_be(mixed):
    text = "\n".join(text_lines(mixed))
    assert "NOT proved: the slope of the best response is never positive" in text
    assert "tau_c =" not in text
    assert "Critical temperature" not in text
    assert "Not derived: this needs two states" in text


def test_a_jump_that_a_slope_does_not_see_is_told():
    roads = symbolic.load("two-road-toll")
    steps = sp.Piecewise((kappa[0], symbolic.mean_field[0] > sp.Rational(1, 2)), (kappa[1], True))
    game = dataclasses.replace(roads, follower_reward=roads.follower_reward + steps * symbolic.follower_action)
    text = contraction_text(game)
    assert "Proved" not in text.replace("NOT proved", "")
    assert "follower_reward is not proved to be continuous in the mean field" in text


def test_conditions_are_told_as_they_are_declared():
    few = sp.Symbol("few", integer=True, positive=True)
    loss = sp.Symbol("loss", negative=True)
    roads = symbolic.load("two-road-toll")
    game = dataclasses.replace(
        roads,
        follower_reward=roads.follower_reward + few * loss * symbolic.mean_field[symbolic.follower_action],
        parameters={**roads.parameters, few: 2, loss: -1.0},
    )
    (line,) = [
        line for line in contraction_text(game).splitlines() if "few is an integer" in line and "1/2" not in line
    ][:1]
    assert "few > 0" in line
    assert "loss < 0" in line


def test_latex_says_the_same(mixed):
    text = "\n".join(latex_lines(mixed))
    assert r"\paragraph{NOT proved.}" in text
    assert r"\paragraph{Proved.} the slope" not in text


@pytest.mark.parametrize(
    ("temperature", "said"),
    [(0.3, "contraction is lost there"), (0.8, "above it: the best response contracts under every leader")],
)
def test_whether_contraction_is_lost_follows_the_temperature(temperature, said):
    game = symbolic.load("two-road-toll", temperature=temperature)
    assert said in contraction_text(game)


def test_where_no_one_is_indifferent_nothing_is_said_to_be_lost():
    tolls = [[9.0, 0.0], [9.5, 0.0]]
    game = symbolic.load("two-road-toll", tolls=tolls)
    assert "whether contraction is lost is not derived" in contraction_text(game)


def test_a_game_is_printed_with_its_labels_formulas_and_numbers():
    game = symbolic.load("market-entrance")
    lines = list(text_lines(Derivation(game, symbolic.stackelberg_formula(game), None, None)))
    assert "b: 0 none, 1 favour buy, 2 favour sell" in lines
    assert f"  r_f(s, a, b, m) = {game.follower_reward}" in lines
    assert any("target = [0.3, 0.7]" in line for line in lines)
    assert sp.sympify(game.leader_reward).has(sp.log)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
def test_the_whole_of_it_compiles(tmp_path):
    game = symbolic.load("laffer-tax")
    exponents = best_exponents(BILEVEL)
    derived = (expressions_of(game.to_game(), budget="quick"), derive_rates())
    records = (*(record.latex for record in derived), rf"\[ {exponents.latex} \]")
    packages = r"\usepackage{amsmath,amssymb,booktabs}\allowdisplaybreaks"
    body = (*latex_lines(derivation(game)), *records)
    lines = (r"\documentclass{article}", packages, r"\begin{document}", *body, r"\end{document}")
    (tmp_path / "derived.tex").write_text("\n".join(lines))
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "derived.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
