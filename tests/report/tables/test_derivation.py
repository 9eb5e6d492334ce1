"""A derivation in words: what is not proved is said not to be, and no number stands for a proof."""

import dataclasses
import shutil
import subprocess

import pytest
import sympy as sp

from smfg_verify import symbolic
from smfg_verify.report.tables.derivation import latex_lines, text_lines
from smfg_verify.report.tables.derivation_words import BETWEEN
from smfg_verify.symbolic.constants import expressions_of
from smfg_verify.symbolic.derivation import Refusal
from smfg_verify.symbolic.games.two_road_toll import kappa
from smfg_verify.symbolic.rates import BILEVEL, best_exponents, derive_rates


def parts(game: symbolic.SymbolicGame) -> tuple:
    gradient = symbolic.stackelberg_formula(game)
    return game, gradient, symbolic.contraction_formula(game), symbolic.alignment_formula(gradient)


def text(*derived) -> str:
    return "\n".join(line for part in derived for line in text_lines(part))


def contraction_text(game: symbolic.SymbolicGame) -> str:
    return text(symbolic.contraction_formula(game))


def alignment_text(game: symbolic.SymbolicGame) -> str:
    return " ".join(text(symbolic.alignment_formula(symbolic.stackelberg_formula(game))).split())


@pytest.fixture(scope="module")
def mixed() -> tuple:
    """Congestion or herding, as the parameters are: neither sign can be proved."""
    roads = symbolic.load("two-road-toll", leader_temperature=0.1)
    return parts(dataclasses.replace(roads, follower_reward=roads.follower_reward * (kappa[0] - kappa[1])))


def test_what_is_not_proved_is_said_not_to_be(mixed):
    said = text(*mixed)
    assert "NOT proved: the slope of the best response is never positive" in said
    assert "tau_c =" not in said
    assert "Critical temperature" not in said
    assert "Not derived for this game. It needs a leader without entropy weight." in said


def test_a_jump_that_a_slope_does_not_see_is_told():
    roads = symbolic.load("two-road-toll")
    steps = sp.Piecewise((kappa[0], symbolic.mean_field[0] > sp.Rational(1, 2)), (kappa[1], True))
    game = dataclasses.replace(roads, follower_reward=roads.follower_reward + steps * symbolic.follower_action)
    said = contraction_text(game)
    assert "Proved" not in said.replace("NOT proved", "")
    assert "follower_reward is not proved to be continuous in the mean field" in said
    assert BETWEEN in text(symbolic.stackelberg_formula(game))
    assert BETWEEN not in text(symbolic.stackelberg_formula(roads))


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
    said = "\n".join(line for part in mixed for line in latex_lines(part))
    assert r"\paragraph{NOT proved.}" in said
    assert r"\paragraph{Proved.} the slope" not in said


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("laffer-tax", {}, "it is a peak."),
        pytest.param("two-road-toll", {"tolls": [[0.0, 0.0], [0.0, 0.5]]}, "it is a peak.", marks=pytest.mark.slow),
        ("two-road-toll", {"tolls": [[0.0, 0.0], [-0.5, 0.0]]}, "So it never occurs."),
        pytest.param(
            *("two-road-toll", {"tolls": [[0.0, 0.0], [1.0, 0.5]]}, "a trough or neither is not derived."),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_zero_of_the_gradient_is_called_a_peak_only_where_that_is_proved(name, parameters, said):
    told = alignment_text(symbolic.load(name, **parameters))
    assert said in told
    assert ("is a peak." in told) == ("is a peak." in said)
    assert ("Proved: X is positive" in told.replace("NOT proved", "")) == ("is a peak." in said)


def test_what_the_market_lacks_is_said():
    told = alignment_text(symbolic.load("market-entrance"))
    for lacking in ("one observation", "two actions, so that its policy is one parameter", "same in both states"):
        assert lacking in told
    assert "two states and two actions of the follower" in text(
        symbolic.contraction_formula(symbolic.load("market-entrance", num_states=3))
    )
    assert "Not derived. too many" in text(Refusal("contraction", "too many"))


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
    lines = list(text_lines(game))
    assert "b: 0 none, 1 favour buy, 2 favour sell" in lines
    assert f"  r_f(s, a, b, m) = {game.follower_reward}" in lines
    assert any("target = [0.3, 0.7]" in line for line in lines)
    assert sp.sympify(game.leader_reward).has(sp.log)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
def test_the_whole_of_it_compiles(tmp_path):
    game = symbolic.load("laffer-tax")
    records = (expressions_of(game.to_game(), budget="quick"), derive_rates(), best_exponents(BILEVEL))
    packages = r"\usepackage{amsmath,amssymb,booktabs}\allowdisplaybreaks"
    body = (line for part in (*parts(game), *records) for line in latex_lines(part))
    lines = (r"\documentclass{article}", packages, r"\begin{document}", *body, r"\end{document}")
    (tmp_path / "derived.tex").write_text("\n".join(lines))
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "derived.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
