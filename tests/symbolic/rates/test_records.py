"""What derivations say in words and formulas."""

import json

import pytest

from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, best_exponents, derive_rates
from smfg_verify.symbolic.rates.sentences import order_latex, order_text

EQUAL = dict.fromkeys(AC_SMFG.learners, "1/2")
DERIVATIONS = [
    derive_rates(EQUAL, weighting="leader", sampling="chain"),
    derive_rates({"leader": "1/2", "critic": "3/4"}),
    derive_rates({"outer": 1, "inner": "2/3"}, recursion=BILEVEL.with_contracting_leader()),
    derive_rates({"outer": "p"}, recursion=BILEVEL),
]


@pytest.mark.parametrize("derivation", DERIVATIONS)
def test_every_rendering_says_every_rate_and_names_every_learner(derivation):
    for row in derivation.residuals:
        for rate in (row.mean, row.last):
            assert rate.text in derivation.text
            assert rate.latex in derivation.latex
        assert row.learner in derivation.text
        assert row.learner.replace("_", " ") in derivation.latex
    for said in (*derivation.conditions, *derivation.hypotheses):
        assert said.sentence in derivation.text
    assert derivation.latex.count(r"\item") >= len(derivation.hypotheses)
    assert derivation[derivation.residuals[0].learner] is derivation.residuals[0]
    with pytest.raises(KeyError, match="this derivation has"):
        derivation["nobody"]


@pytest.mark.parametrize("derivation", DERIVATIONS)
def test_a_record_is_json_with_exponents_as_text(derivation):
    record = json.loads(json.dumps(derivation.as_record()))
    assert record["text"] == derivation.text
    rows = record["residuals"]
    assert [row["step_exponent"] for row in rows] == [str(row.step_exponent) for row in derivation.residuals]


def test_latex_has_balanced_braces_and_no_bare_underscore_in_text():
    for text in (*(d.latex for d in DERIVATIONS), best_exponents(BILEVEL).latex):
        assert text.count("{") == text.count("}")
        text = text.replace(r"\[", "$").replace(r"\]", "$")
        assert text.count("$") % 2 == 0
        outside = "".join(text.split("$")[::2]) if "$" in text else ""
        assert "_" not in outside.replace(r"\_", "")


def test_the_proof_is_written_out():
    best = best_exponents(BILEVEL)
    for term in ("r <= ", "2/5 (1 - a)", "2/5 (b)", "1/5 (2*a - 2*b)", " <= 2/5"):
        assert term in best.text
    assert r"k^{-3/5}" in best.latex
    assert json.loads(json.dumps(best.as_record()))["rate"] == "2/5"


@pytest.mark.parametrize(
    ("logs", "text", "latex"),
    [
        (0, "k^(-2/5)", "k^{-2/5}"),
        (1, "k^(-2/5) log k", r"k^{-2/5} \log k"),
        (2, "k^(-2/5) log^2 k", r"k^{-2/5} \log^{2} k"),
    ],
)
def test_an_order_as_text(logs, text, latex):
    exponent = best_exponents(BILEVEL).rate
    assert (order_text(exponent, logs), order_latex(exponent, logs)) == (text, latex)
    assert order_text(None, logs) == "no rate"
