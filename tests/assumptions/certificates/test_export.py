"""Findings as certificates: what travels is proved again, what cannot says so, and tables are the game's own."""

import dataclasses
import json

import flint
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions.certificates import export, growing
from smfg_verify.assumptions.certificates.export import Exporter
from smfg_verify.assumptions.certificates.tables import covers, game_tables
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.certificates import rationals, verifier
from smfg_verify.errors import InputError
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import game_hash
from tests.support.certificates import sealed, spelled


def found(statement="uniqueness/one-sided", constant=0.7, verdict=Verdict.CERTIFIED, witness=None):
    name, statement = statement.split("/")
    side = Side.UPPER if name in ("ergodicity", "contraction") else Side.LOWER
    return Finding(
        property=name,
        statement=statement,
        verdict=verdict,
        constant=constant,
        side=side,
        evidence=Evidence.PROOF,
        witness=witness or {},
    )


@pytest.fixture(scope="module")
def game():
    return games.load("laffer-tax")


def test_a_rate_travels_and_is_proved_at_a_little_less_than_it_was(game, tmp_path):
    path = found().export(tmp_path / "rate.json", game)
    lines = verifier.verify(path.read_bytes())
    content = json.loads(path.read_text())["content"]
    proved = float.fromhex(content["claim"]["constant"])
    assert 0.6 <= proved <= 0.7
    assert game_hash(game) in lines[0]
    assert "0.7" in lines[1]
    assert len(path.read_bytes()) < 20_000


def test_a_norm_of_the_finding_is_that_of_the_certificate(game, tmp_path):
    path = found("one-sided-contraction/certified-rate", witness={"weight": np.array([[3.0]])}).export(
        tmp_path / "rate.json", game
    )
    content = json.loads(path.read_text())["content"]
    # Two states: the tangent is (1, -1), of length sqrt 2.
    assert [float.fromhex(each) for each in content["proof"]["gram"]] == pytest.approx([6.0])


def test_dobrushins_coefficient_travels(game, tmp_path):
    path = found("ergodicity/dobrushin", 0.9).export(tmp_path / "dobrushin.json", game)
    content = json.loads(path.read_text())["content"]
    constant = float.fromhex(content["claim"]["constant"])
    assert constant == pytest.approx(0.9, abs=2e-12)
    # Room for what another version of the verifier's arithmetic rounds by.
    assert constant >= float(rationals.largest_variation(verifier.game_of(content["game"]))) * (1.0 + 5e-13)


@pytest.mark.parametrize("digits", [64, 256])
def test_a_modulus_travels_at_any_precision_of_the_process(digits):
    with flint.ctx.workprec(digits):
        certificate = Exporter(games.load("laffer-tax", temperature=0.2)).certificate(
            found("contraction/cell-bound", 0.5)
        )
    verifier.verify(certificate.encode())


@pytest.mark.parametrize("kind", ["contraction/cell-bound", "contraction/certified-bound", "uniqueness/contraction"])
def test_a_modulus_travels_and_is_proved_as_far_below_one_as_the_finding_and_nearly(kind):
    game = games.load("laffer-tax", temperature=0.2)
    content = json.loads(Exporter(game).certificate(found(kind, 0.5)))["content"]
    assert 0.5 <= float.fromhex(content["claim"]["constant"]) <= 0.55
    # The map is proved to stretch by more than this somewhere: see how far it moves between two mean fields.
    content["claim"]["constant"] = (0.3).hex()
    with pytest.raises(verifier.NotVerified, match="not proved on cell"):
        verifier.verify(spelled(sealed(content)))


def test_findings_that_are_proved_by_one_tree_share_it(game, monkeypatch):
    grown_so_far = []
    monkeypatch.setattr(export, "grown", lambda *asked: grown_so_far.append(asked[2]) or growing.grown(*asked))
    exporter = Exporter(game)
    certificates = [
        exporter.certificate(found(kind, constant))
        for kind, constant in (
            ("one-sided-contraction/certified-rate", 0.7),
            ("uniqueness/one-sided", 0.7),
            ("uniqueness/one-sided", 0.6),
        )
    ]
    assert len(grown_so_far) == 1
    first, second, _ = (json.loads(each)["content"] for each in certificates)
    assert first["proof"] == second["proof"]
    assert first["claim"]["kind"] != second["claim"]["kind"]
    exporter.certificate(found(constant=0.8))
    assert len(grown_so_far) == 2
    monkeypatch.setattr(growing, "FIRST_CELLS", 3)
    monkeypatch.setattr(growing, "MOST_CELLS", 3)
    few = Exporter(game)
    for constant in (0.8, 0.7):
        with pytest.raises(InputError, match="3 of the verifier's cells"):
            few.certificate(found(constant=constant))
    # What so few cells do not reach they do not reach for another finding.
    assert len(grown_so_far) == 3


def test_a_tree_goes_on_for_less_than_it_aimed_at_where_it_has_come_near(game, monkeypatch):
    """What is claimed then is what the verifier proves, however far below the finding."""
    aimed = len(claim_of(Exporter(game).certificate(found(constant=0.8)))[2]["tree"])
    monkeypatch.setattr(growing, "FIRST_CELLS", 5)
    monkeypatch.setattr(growing, "NEAR", float("inf"))
    rate, told, proof = claim_of(Exporter(game).certificate(found(constant=0.8)))
    assert told == 0.8
    assert 1.0 - growing.ENOUGH <= rate * (1.0 + 1e-6) < 0.7
    assert 2 * 5 < len(proof["tree"]) + 1 < aimed
    monkeypatch.setattr(growing, "NEAR", 0.0)
    with pytest.raises(InputError, match="5 of the verifier's cells"):
        Exporter(game).certificate(found(constant=0.8))


@pytest.mark.slow
def test_market_entrance_has_one_equilibrium_by_cells_of_the_verifier_alone():
    """Some 15,000 cells in five dimensions."""
    rate, _, proof = claim_of(Exporter(games.load("market-entrance")).certificate(found(constant=0.98)))
    assert 0.0199 < rate < 0.1
    assert len(proof["tree"]) < 2 * growing.MOST_CELLS


def test_cells_of_mean_fields_on_pairs_are_none(tmp_path):
    """Slopes are of the law of states alone: a rate of a game on pairs would be another claim."""
    pairs = games.load("random-game", mean_field_support="state_actions", num_states=2)
    for kind in ("uniqueness/one-sided", "contraction/cell-bound"):
        with pytest.raises(InputError, match="cells need mean fields of states"):
            found(kind, 0.5).export(tmp_path / "none.json", pairs)
    assert list(tmp_path.iterdir()) == []


def claim_of(text):
    content = json.loads(text)["content"]
    verifier.verify(text.encode())
    return float.fromhex(content["claim"]["constant"]), float.fromhex(content["claim"]["finding"]), content["proof"]


def test_doeblins_condition_travels_with_its_steps(game):
    constant, told, proof = claim_of(
        Exporter(game).certificate(found("ergodicity/doeblin", 0.9, witness={"steps": np.array(2)}))
    )
    # A tenth of each row is shared, and no more: the next step's action may part what met.
    assert constant == pytest.approx(0.9, abs=1e-11)
    assert constant > 0.9
    assert (told, proof) == (0.9, {"steps": 2})


@pytest.mark.parametrize("kind", ["uniqueness/monotonicity", "uniqueness/occupation-monotonicity"])
def test_strengths_travel_but_for_their_roundings(game, kind):
    """Rewards of laffer-tax fall by 0.15 with the crowd."""

    def told(strength):
        return dataclasses.replace(
            found(kind), facts={"strength": strength}, details={"certified_upper": np.float64(-strength)}
        )

    constant, own, proof = claim_of(Exporter(game).certificate(told(0.15 + 1e-15)))
    assert constant == pytest.approx(0.15, rel=1e-11)
    assert (own, proof) == (0.15 + 1e-15, {})
    for strength, words in ((0.151, "not proved monotone"), (0.0, "strictly monotone"), (float("nan"), "strictly")):
        with pytest.raises(InputError, match=words):
            Exporter(game).certificate(told(strength))


def test_potentials_travel_with_what_rounding_leaves(game):
    constant, _, proof = claim_of(Exporter(game).certificate(found("uniqueness/potential")))
    assert 0.0 < constant < 1e-13
    assert proof == {}
    with pytest.raises(InputError, match="which is no rounding"):
        Exporter(games.load("two-road-toll")).certificate(found("uniqueness/potential"))


def test_what_cannot_travel_says_why(game, tmp_path):
    supported = found(verdict=Verdict.INCONCLUSIVE)
    for finding, words in (
        (supported, "inconclusive"),
        (found("uniqueness/index"), "cannot travel: certificates are known of ergodicity/dobrushin"),
    ):
        with pytest.raises(InputError, match=words):
            finding.export(tmp_path / "none.json", game)
    assert supported.verdict is not Verdict.CERTIFIED
    assert list(tmp_path.iterdir()) == []


def test_tables_hold_the_game_and_cover_it_alone(game):
    tables = game_tables(game)
    rng = np.random.default_rng(0)
    read = verifier.game_of(tables)
    fields = rng.dirichlet(np.ones(2), 5)
    values = tables_at(game, fields)
    for m, rows, rewards in zip(fields, values["transition"], values["follower_reward"], strict=True):
        for s, a, b in np.ndindex(2, 2, 2):
            own = [read.rewards[j][s][a][b] * m[j] for j in range(2)]
            assert abs(sum(own) - rewards[s, a, b]) <= read.reward_radius
            assert np.max(np.abs(np.array(read.rows[0][s][a][b]) - rows[s, a, b])) <= read.row_radius
    assert covers(tables, game)
    for changed in ({"kappa": 0.3000001}, {"discount": 0.9000001}, {"temperature": 0.06}, {"inertia": 0.1000001}):
        assert not covers(tables, games.load("laffer-tax", **changed))
    assert not covers(tables, games.load("two-road-toll"))


def test_a_game_whose_tables_do_not_say_all_is_refused(tmp_path):
    with pytest.raises(InputError, match="affine"):
        game_tables(games.load("equilibrium-pricing"))


def test_a_forged_constant_is_not_exported(game, tmp_path):
    """The finding's word counts for nothing: what is written is what the verifier proves."""
    path = found(constant=1.05).export(tmp_path / "forged.json", game)
    content = json.loads(path.read_text())["content"]
    assert float.fromhex(content["claim"]["constant"]) < 1.0
    content["claim"]["constant"] = (5.0).hex()
    forged = {**json.loads(path.read_text()), "content": content, "sha256": verifier.digest_of(content)}
    with pytest.raises(verifier.NotVerified):
        verifier.verify(spelled(forged))
