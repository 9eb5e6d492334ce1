"""`smfg-verify derive --exponent`: the rates of other steps than c / sqrt(k + 1)."""

import pytest

from smfg_verify.cli import main


def printed(arguments, capsys) -> str:
    assert main(["derive", "random-game", *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_rates_at_the_exponents_given_and_the_best_ones(capsys):
    said = printed(["--part", "rates", "--exponent", "leader=3/5", "--exponent", "critic=2/5"], capsys)
    assert "zeta_k = k^(-3/5) (leader)" in said
    assert "xi_k = k^(-1/2) (mean_field)" in said
    assert "which the least so far does not exceed: k^(-2/5)" in said
    assert "Best rate of AC-SMFG: k^(-1/2)" in said
    assert "Best rate of two time scales: k^(-2/5), at alpha = k^(-3/5), beta = k^(-2/5)" in said


def test_symbols_in_latex(capsys):
    said = printed(["--part", "rates", "--exponent", "leader=a", "--format", "latex"], capsys)
    assert r"\zeta_k = k^{-a}" in said
    assert said.count("{") == said.count("}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "rates", "--exponent", "leader"], "expected name=value"),
        (["--part", "rates", "--exponent", "leadr=1/2"], "expected one of leader"),
        (["--part", "rates", "--exponent", "leader=half way"], "expected a rational"),
        (["--part", "rates", "--exponent", "leader=1", "--exponent", "leader=2"], "leader more than once"),
        (["--part", "constants", "--exponent", "leader=1"], "expected none where the rates are not derived"),
    ],
)
def test_what_is_refused(arguments, said, capsys):
    assert main(["derive", "random-game", *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
