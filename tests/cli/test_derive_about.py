"""`smfg-verify derive --about`: constants of any game, and rates."""

import json

import pytest

from smfg_verify.cli import main


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--about", "rates", "--exponent", "leader"], "expected name=value"),
        (["--about", "rates", "--exponent", "leadr=1/2"], "expected one of leader"),
        (["--about", "rates", "--exponent", "leader=half way"], "expected a rational"),
        (["--about", "rates", "--exponent", "leader=1", "--exponent", "leader=2"], "leader more than once"),
        (["--exponent", "leader=1"], "expected --about rates"),
    ],
)
def test_what_is_refused(arguments, said, capsys):
    assert main(["derive", "laffer-tax", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split()), json.dumps(arguments)
