"""`smfg-verify derive --about`: constants of any game, and rates."""

import json

import pytest

from smfg_verify.cli import main
from smfg_verify.jobs.derive import derive_parts
from smfg_verify.jobs.settings import GameSettings


def printed(arguments, capsys) -> str:
    assert main(["derive", *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_constants_of_a_game_without_formulas(capsys):
    said = printed(["random-game", "--about", "constants"], capsys)
    assert "contraction/certified-bound/span: kappa = M*(L_P + delta_A*" in said
    assert "the constant of contraction/certified-bound" in said
    assert "% L_P*M*R_f*delta_A**2*gamma**2/(2*tau*(-delta_1*gamma + 1)**2)" in said


def test_rates_at_the_exponents_given(capsys):
    given = [f"--exponent={name}=1/2" for name in ("leader", "mean_field", "follower", "critic")]
    said = printed(["laffer-tax", "--about", "rates", *given], capsys)
    assert "which the least so far does not exceed: k^(-1/2)" in said
    assert "Best rate of AC-SMFG: k^(-1/2)" in said
    assert "Best rate of two time scales: k^(-2/5), at alpha = k^(-3/5), beta = k^(-2/5)" in said


def test_rates_with_symbols_in_latex(capsys):
    said = printed(["laffer-tax", "--about", "rates", "--format", "latex"], capsys)
    assert r"\begin{tabular}" in said
    assert said.count("{") == said.count("}")


@pytest.mark.slow
def test_all_parts_are_printed_unless_some_are_asked_for_and_each_says_that_it_is_begun(capsys):
    assert main(["derive", "two-road-toll"]) == 0
    found = capsys.readouterr()
    heads = ("Game two-road-toll as formulas", "The Stackelberg gradient", "The best response", "Gradient alignment")
    places = [found.out.index(head) for head in (*heads, "Rates of AC-SMFG", "as expressions")]
    assert places == sorted(places)
    said = [line.split(":")[0] for line in found.err.splitlines() if line.endswith("...")]
    assert said == [f"{place} of 5" for place in range(1, 6)]


def test_a_part_is_printed_before_the_next_is_begun():
    """A quick part never waits for a slow one: the gradient is there before anything else is derived."""
    parts = derive_parts(GameSettings(name="two-road-toll", parameters={}), (), {})
    first, second = next(parts), next(parts)
    assert first.name == "two-road-toll"
    assert second.total.shape == (1, 2)
    assert len(parts.gi_frame.f_locals["progress"].timings) == 1


def test_of_a_game_without_formulas_all_is_derived_that_can_be_and_the_rest_is_said(capsys):
    assert main(["derive", "random-game", "--about", "contraction"]) == 2
    assert "got a game without formulas" in capsys.readouterr().err
    parts = [
        part
        for part, _ in zip(
            derive_parts(GameSettings(name="random-game", parameters={}), (), {}), range(4), strict=False
        )
    ]
    assert [part.what for part in parts[:3]] == ["formulas", "contraction", "alignment"]
    assert "got a game without formulas" in parts[0].why
    assert parts[3].scheme == "AC-SMFG"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--about", "rates", "--exponent", "leader"], "expected name=value"),
        (["--about", "rates", "--exponent", "leadr=1/2"], "expected one of leader"),
        (["--about", "rates", "--exponent", "leader=half way"], "expected a rational"),
        (["--about", "rates", "--exponent", "leader=1", "--exponent", "leader=2"], "leader more than once"),
        (["--about", "constants", "--exponent", "leader=1"], "expected --about rates"),
        (["--exponent", "leadr=1/2"], "expected one of leader"),
        (["--about", "rate"], "rates"),
    ],
)
def test_what_is_refused(arguments, said, capsys):
    assert main(["derive", "laffer-tax", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split()), json.dumps(arguments)
