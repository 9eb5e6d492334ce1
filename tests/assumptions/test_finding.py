"""Findings: verdicts that need proofs and witnesses, and records that survive JSON bit for bit."""

import dataclasses
import json

import numpy as np
import pytest

from smfg_verify.assumptions import Evidence, Finding, Side, Verdict


def finding(**changes):
    fields = {
        "property": "gradient-alignment",
        "statement": "cosine",
        "verdict": Verdict.SUPPORTED,
        "constant": 0.1 + 0.2,
        "side": Side.UPPER,
        "evidence": Evidence.SEARCH,
        "facts": {"vanishes": False, "one_parameter": False, "proved": False},
        "witness": {"logits": np.array([[1 / 3, -0.0, np.nan, np.inf, -np.inf, 5e-324]])},
        "searched": {"seed": 3, "scale": 1.5},
        "details": {
            "nested": {"flags": np.array([True, False]), "none": None, "empty": np.zeros((0, 2))},
            "nan": np.nan,
        },
    }
    return Finding(**{**fields, **changes})


def test_json_keeps_every_bit():
    original = finding(details={"single": np.float32([0.1, 2.5]), "index": np.arange(3), "nan": np.nan, "t": (1, 2.5)})
    for record in (original, finding()):
        again = Finding.from_json(record.to_json())
        assert again == record
        assert np.float64(again.constant).tobytes() == np.float64(record.constant).tobytes()
        for name, array in record.witness.items():
            assert again.witness[name].dtype == array.dtype
            np.testing.assert_array_equal(again.witness[name], array)
            np.testing.assert_array_equal(np.signbit(again.witness[name]), np.signbit(array))
    again = Finding.from_json(finding().to_json())
    assert again.details["nested"]["empty"].shape == (0, 2)
    assert again.details["nested"]["flags"].dtype == bool
    assert np.isnan(again.details["nan"])
    assert Finding.from_json(original.to_json()).details["single"].dtype == np.float32


def test_json_is_strict():
    """NaN and Infinity are not JSON: a strict reader must accept the text."""

    def refuse(text):
        raise AssertionError(text)

    json.loads(finding(constant=np.inf).to_json(), parse_constant=refuse)
    assert Finding.from_json(finding(constant=-np.inf).to_json()).constant == -np.inf


def test_immutable():
    record, source = finding(), np.zeros((1, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.constant = 1.0
    with pytest.raises(ValueError, match="read-only"):
        record.witness["logits"][0, 0] = 1.0
    with pytest.raises(TypeError):
        record.details["nested"]["flags"] = 1
    kept = finding(witness={"logits": source})
    source[0, 0] = 7.0
    assert kept.witness["logits"][0, 0] == 0.0


def test_a_sampled_number_is_never_certified():
    with pytest.raises(ValueError, match="never certifies"):
        finding(verdict=Verdict.CERTIFIED)
    assert finding(verdict=Verdict.CERTIFIED, evidence=Evidence.PROOF).verdict is Verdict.CERTIFIED


@pytest.mark.wrong_types
def test_a_verdict_and_its_evidence_may_be_said_in_words():
    found = finding(verdict="certified", evidence="proof")
    assert (found.verdict, found.evidence) == (Verdict.CERTIFIED, Evidence.PROOF)
    with pytest.raises(ValueError, match="did you mean 'refuted'"):
        finding(verdict="refutd")


def test_refuted_needs_a_witness():
    with pytest.raises(ValueError, match="without a witness"):
        finding(verdict=Verdict.REFUTED, witness={})


def test_bad_values_are_refused():
    with pytest.raises(ValueError, match="record"):
        finding(details={"function": object()})
    with pytest.raises(ValueError, match="expected the fields"):
        Finding.from_json('{"property": "x"}')


@pytest.mark.wrong_types  # no game is looked at
def test_what_has_no_constant_to_reproduce_is_refused():
    with pytest.raises(ValueError, match="did you mean 'cosine'"):
        finding(statement="cosin").reproduce(None)
    with pytest.raises(ValueError, match="no witness"):
        finding(witness={}).reproduce(None)
