"""Findings as certificates: what travels is proved again, what cannot says so, and tables are the game's own."""

import json

import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions.certificates.tables import covers, game_tables
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.certificates import verifier
from smfg_verify.errors import InputError
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import game_hash
from tests.support.certificates import spelled


def found(statement="uniqueness/one-sided", constant=0.7, verdict=Verdict.CERTIFIED, witness=None):
    name, statement = statement.split("/")
    side = Side.UPPER if name == "ergodicity" else Side.LOWER
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
    assert constant >= float(verifier.largest_variation(verifier.game_of(content["game"]))) * (1.0 + 5e-13)


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
            assert sum(own).contains(rewards[s, a, b])
            assert all(ball.contains(p) for ball, p in zip(read.rows[0][s][a][b], rows[s, a, b], strict=True))
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
