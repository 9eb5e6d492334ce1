"""A false certificate planted beside its refutation is never printed: it raises, with everything that was found."""

import copy
import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Contradiction, Evidence, Finding, Side, Verdict, check
from smfg_verify.assumptions.contradictions import conflicts, require_consistent
from smfg_verify.assumptions.ergodicity import findings as ergodicity_module
from smfg_verify.assumptions.uniqueness import findings as uniqueness
from smfg_verify.games import load


def finding(name, verdict, constant=0.5, side=Side.UPPER, **others):
    """A finding "property/statement"; refuted ones on a search, certified ones on a proof."""
    property_name, statement = name.split("/")
    proved = verdict in ("certified", "inconclusive")
    return Finding(
        property=property_name,
        statement=statement,
        verdict=Verdict(verdict),
        constant=constant,
        side=side,
        evidence=Evidence.PROOF if proved else Evidence.SEARCH,
        **{"witness": {"logits": np.zeros((1, 2))}, **others},
    )


def measured(constant, **details):
    return {"constant": constant, "details": details}


EXCLUSIVE = {
    "unique and not": [("uniqueness/contraction", "certified"), ("uniqueness/multi-start", "refuted")],
    "unique and two on a path": [("uniqueness/contraction", "certified"), ("uniqueness/temperature-path", "refuted")],
    "contracts and stretches": [("contraction/certified-bound", "certified"), ("contraction/modulus", "refuted")],
    "contracts by cells and has two": [("contraction/cell-bound", "certified"), ("uniqueness/multi-start", "refuted")],
    "contracts and repels": [("contraction/certified-bound", "certified"), ("contraction/spectral-radius", "refuted")],
    "has a rate and two": [
        ("one-sided-contraction/certified-rate", "certified"),
        ("uniqueness/multi-start", "refuted"),
    ],
    "has a rate and none": [
        ("one-sided-contraction/certified-rate", "certified"),
        ("one-sided-contraction/rate", "refuted"),
    ],
    "has one by its index and two": [("uniqueness/index", "certified"), ("uniqueness/multi-start", "refuted")],
    "has one by its index and two on a path": [
        ("uniqueness/index", "certified"),
        ("uniqueness/temperature-path", "refuted"),
    ],
    "has a rate and one of index -1": [
        ("one-sided-contraction/certified-rate", "certified"),
        ("uniqueness/negative-index", "refuted"),
    ],
    "contracts and has two": [("contraction/certified-bound", "certified"), ("uniqueness/multi-start", "refuted")],
    "tracks and has two": [("step-sizes/ratios", "certified"), ("uniqueness/multi-start", "refuted")],
    "forgets and never mixes": [("ergodicity/dobrushin", "certified"), ("ergodicity/mixing", "refuted")],
    "minorised and never mixes": [("ergodicity/doeblin", "certified"), ("ergodicity/mixing", "refuted")],
    "meets in a state and never mixes": [("ergodicity/common-state", "certified"), ("ergodicity/mixing", "refuted")],
    "covers and never mixes": [("coverage/stationary", "certified"), ("ergodicity/mixing", "refuted")],
    "equal and opposed": [("gradient-alignment/independence", "certified"), ("gradient-alignment/cosine", "refuted")],
    "equal and opposed in a box": [
        ("gradient-alignment/independence", "certified"),
        ("gradient-alignment/certified-box", "refuted"),
    ],
}


@pytest.mark.parametrize("name", EXCLUSIVE)
def test_a_certificate_excludes_the_refutation_of_what_it_proves(name):
    pair = [finding(*each) for each in EXCLUSIVE[name]]
    for found in (pair, pair[::-1]):
        with pytest.raises(Contradiction, match="internal fault") as raised:
            require_consistent(found)
        assert not isinstance(raised.value, ValueError)
        assert all(f"{each.property}/{each.statement}" in str(raised.value) for each in pair)
        assert raised.value.findings == tuple(found)
    # Any one of the two softened, or alone, is no contradiction.
    softer = (
        dataclasses.replace(pair[0], verdict=Verdict.INCONCLUSIVE),
        dataclasses.replace(pair[1], verdict=Verdict.SUPPORTED),
    )
    for found in ([softer[0], pair[1]], [pair[0], softer[1]], pair[:1], pair[1:]):
        require_consistent(found)


MEASURED = {
    "lipschitz": ("lipschitz/follower-reward", "certified", {"constant": 1.0}, {"measured": 1.001}),
    "lipschitz of nothing": ("lipschitz/transition", "certified", {"constant": 0.0}, {"measured": 1e-3}),
    "variation": ("ergodicity/dobrushin", "inconclusive", {"constant": 1.0}, {"measured": 1.5}),
    "smallest constant": (
        "gradient-domination/mei-constant",
        "certified",
        {"constant": 2.0, "side": Side.LOWER},
        {"measured": 1.9},
    ),
    "domination": (
        "gradient-domination/domination",
        "supported",
        {"constant": 0.1, "side": Side.UPPER},
        {"certified_in_box": 0.2},
    ),
    "monotone": (
        "uniqueness/monotonicity",
        "refuted",
        {"constant": 0.3, "side": Side.LOWER},
        {"certified_upper": 0.1},
    ),
}


@pytest.mark.parametrize("name", MEASURED)
def test_a_bound_excludes_a_measurement_beyond_it(name):
    statement, verdict, options, details = MEASURED[name]
    assert len(conflicts([finding(statement, verdict, **options, details=details)])) == 1
    # The measurement as good as at the bound is none.
    (key,) = details
    agreed = {key: options["constant"]}
    assert not conflicts([finding(statement, verdict, **options, details=agreed)])


@pytest.mark.parametrize("statement", ["occupation-monotonicity", "potential"])
def test_laws_do_not_refute_what_is_proved_of_all_laws(statement):
    name = f"uniqueness/{statement}"
    assert len(conflicts([finding(name, "refuted", 0.3, details={"proved": True})])) == 1
    assert not conflicts([finding(name, "refuted", 0.3, details={"proved": False})])
    assert not conflicts([finding(name, "certified", 0.3, details={"proved": True})])


def test_a_measurement_within_its_rounding_is_no_contradiction():
    details = {"measured": 1.001, "measured_error": 0.002}
    assert not conflicts([finding("lipschitz/transition", "certified", 1.0, details=details)])


def test_the_modulus_is_held_against_the_bound_by_its_secant():
    bound = finding("contraction/certified-bound", "certified", 0.4)
    slope = finding("contraction/modulus", "supported", 0.7, Side.LOWER, details={"secant": 0.7})
    kink = dataclasses.replace(slope, details={"secant": 0.3})
    assert len(conflicts([bound, slope])) == 1
    assert len(conflicts([finding("contraction/cell-bound", "certified", 0.4), slope])) == 1
    assert not conflicts([bound, kink])


def test_the_rate_is_held_against_the_bound_by_its_secant():
    bound = finding("one-sided-contraction/certified-rate", "certified", 0.4, Side.LOWER, facts={"euclidean": True})
    slope = finding("one-sided-contraction/euclidean", "supported", 0.3, Side.UPPER, details={"secant": 0.3})
    kink = dataclasses.replace(slope, details={"secant": 0.5})
    assert len(conflicts([bound, slope])) == 1
    assert not conflicts([bound, kink])
    # In another norm the rate may be larger.
    assert not conflicts([dataclasses.replace(bound, facts={"euclidean": False}), slope])


def test_a_curvature_above_its_bound_contradicts_it_where_it_is_certified():
    bound = finding("smoothness/cell-bound", "certified", 0.4)
    larger, smaller = (finding("smoothness/hessian", "supported", size, Side.LOWER) for size in (0.5, 0.3))
    assert len(conflicts([bound, larger])) == 1
    assert not conflicts([bound, smaller])
    assert not conflicts([dataclasses.replace(bound, verdict=Verdict.INCONCLUSIVE), larger])


def test_a_refuting_leader_inside_a_certified_box_contradicts_only_where_equilibria_are_unique():
    cover = {"box_lower": np.array([[-6.0], [0.0]]), "box_upper": np.array([[0.0], [6.0]]), "sign": np.array([1, 0])}
    box = finding("gradient-alignment/certified-box", "certified", 0.1, Side.LOWER, details=cover)
    unique = finding("uniqueness/contraction", "certified")

    def refuting(first, second):
        witness = {"logits": np.array([[first, second]])}
        return finding("gradient-alignment/cosine", "refuted", -1.0, witness=witness)

    assert len(conflicts([box, unique, refuting(-2.0, 1.0)])) == 1
    # Its other half is only negligible there; beyond six nothing is covered; and another equilibrium may be opposed.
    assert not conflicts([box, unique, refuting(2.0, 1.0)])
    assert not conflicts([box, unique, refuting(-6.0, 1.0)])
    assert not conflicts([box, refuting(-2.0, 1.0)])


@pytest.mark.slow
def test_check_raises_where_a_certificate_is_planted(monkeypatch):
    """The bound of a game with several equilibria, made small: the search finds them all the same."""
    game = load("market-entrance")
    monkeypatch.setattr(uniqueness, "smaller_bound", lambda inputs, temperature: 0.25)

    def refuting(game, settings):
        return finding("uniqueness/multi-start", "refuted", 0.9, Side.LOWER)

    monkeypatch.setattr(uniqueness, "_multi_start_finding", refuting)
    with pytest.raises(Contradiction, match="uniqueness/contraction") as raised:
        check(game, "uniqueness", budget="quick", num_leaders=2, num_starts=1, num_steps=1, num_boxes=1)
    assert {each.statement for each in raised.value.findings} == set(uniqueness.STATEMENTS)


def test_a_report_is_never_made_of_a_contradiction_nor_read_from_one():
    told = {"arrived": 2, "searches": 2, "equilibria": 2, "radii": np.zeros(2)}
    found = [finding(*each, facts=told) for each in EXCLUSIVE["unique and not"]]
    report = {"game_name": "G", "game_hash": "0", "settings": {}}
    with pytest.raises(Contradiction):
        AssumptionReport(**report, findings=tuple(found))
    honest = AssumptionReport(**report, findings=tuple(found[:1])).to_json()
    two = honest.replace('"findings": [', f'"findings": [{found[1].to_json()}, ', 1)
    with pytest.raises(Contradiction):
        AssumptionReport.from_json(two)


def test_a_contradiction_survives_copying():
    with pytest.raises(Contradiction) as raised:
        require_consistent([finding(*each) for each in EXCLUSIVE["forgets and never mixes"]])
    again = copy.copy(raised.value)
    assert str(again) == str(raised.value)
    assert again.findings == raised.value.findings


def test_every_statement_that_a_relation_names_exists():
    from smfg_verify.assumptions import contradictions, find_property

    names = {name for sides in contradictions._EXCLUDES for side in sides for name in side}
    names |= {name for name, _ in contradictions._OWN}
    assert all(statement in find_property(entry).recompute for entry, statement in names)
    assert ergodicity_module.PROPERTY in {entry for entry, _ in names}
