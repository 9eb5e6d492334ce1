"""The verifier: cells cover, bounds are true, and what was tampered with is refused."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smfg_verify.certificates import rationals, verifier
from tests.certificates.test_cells import crowd, slopes_at
from tests.support.certificates import arrays, certificate, edited, game_entry, rewards_entry, sealed, spelled

FILES = [Path(verifier.__file__).with_name(f"{name}.py") for name in ("verifier", "cells", "rationals")]
RATE = "one-sided-contraction/certified-rate"


def test_leaves_of_a_tree_cover_everything_once():
    game = verifier.game_of(game_entry(arrays(0, (3, 2, 2), observations=2)))
    tree = [0, 3, -1, 1, -1, -1, 4, -1, 2, -1, -1]
    cells = list(verifier.cells_of(game, tree))
    assert len(cells) == 6

    def holds(cell, point):
        return all(
            np.all(np.linalg.solve(np.array(simplex).T, at) >= 0.0) for simplex, at in zip(cell, point, strict=True)
        )

    rng = np.random.default_rng(0)
    for _ in range(200):
        point = [rng.dirichlet(np.ones(3)), rng.dirichlet(np.ones(2)), rng.dirichlet(np.ones(2))]
        assert sum(holds(cell, point) for cell in cells) == 1


@pytest.mark.parametrize("tree", [[], [0], [0, -1], [-1, -1], [7, -1, -1], [-2], [True, -1, -1], [0.5], "x", [0] * 99])
def test_a_tree_that_is_none_proves_nothing(tree):
    game = verifier.game_of(game_entry(arrays(0)))
    with pytest.raises(verifier.NotVerified):
        list(verifier.cells_of(game, tree))


def rate_certificate(constant, **changes):
    game = game_entry(arrays(0, tau=4.0, **changes))
    return certificate(game, RATE, constant, {"gram": [(2.0).hex()], "tree": [0, 1, -1, -1, 1, -1, -1]})


def variation_certificate(above=1e-9):
    entry = game_entry(arrays(0))
    bound = np.nextafter(float(rationals.largest_variation(verifier.game_of(entry))), 1.0)
    return certificate(entry, "ergodicity/dobrushin", bound + above, {})


def test_true_claims_are_verified_and_say_what_they_are_of():
    for found in (rate_certificate(0.5), variation_certificate()):
        lines = verifier.verify(spelled(found))
        assert lines[0].startswith("verified: " + found["content"]["claim"]["kind"])
        assert lines[0].endswith("of the tables in the file, which calls them hand-made, 0123")
        assert repr(float.fromhex(found["content"]["claim"]["constant"])) in lines[1]


def refused(found, *, says="."):
    with pytest.raises(verifier.NotVerified, match=says):
        verifier.verify(spelled(found))


def test_an_edit_fails_by_the_digest_and_with_a_new_digest_by_the_proof():
    for found, stronger in ((rate_certificate(0.5), 0.99999), (variation_certificate(), 0.01)):
        claim = found["content"]["claim"]
        original, claim["constant"] = claim["constant"], stronger.hex()
        refused(found, says="SHA-256")
        refused(sealed(found["content"]), says="proved")
        claim["constant"] = original
        verifier.verify(spelled(found))


def test_a_bound_below_the_true_one_is_refused_by_its_last_digits():
    verifier.verify(spelled(variation_certificate(0.0)))
    refused(variation_certificate(-1e-12), says="bound proved")


def test_a_rate_is_refused_where_a_cell_grows_faster():
    """A steep reward of the crowd: the best response grows there, whatever the cells."""
    game = crowd()
    worst = min(1.0 - slopes_at(game, np.full((2, 2), 0.5), np.array([x, 1.0 - x]))[0, 0] for x in (0.3, 0.5, 0.7))
    assert worst < 0.5
    tree = [0, *[0, -1, -1] * 2]
    refused(certificate(game_entry(game), RATE, 0.9, {"gram": [(2.0).hex()], "tree": tree}), says="cell")


def change_of(*path, to):
    def change(content):
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_of("claim", "constant", to="nan"),
        change_of("claim", "constant", to="inf"),
        change_of("claim", "constant", to=0.5),
        change_of("claim", "constant", to="0.5"),
        change_of("claim", "constant", to=(-0.5).hex()),
        change_of("claim", "constant", to=(0.0).hex()),
        change_of("claim", "kind", to="uniqueness/index"),
        change_of("claim", "kind", to=["ergodicity/dobrushin"]),
        change_of("claim", "words", to="everything holds"),
        change_of("game", "name", to="two\nverified"),
        change_of("game", "states", to=3),
        change_of("game", "states", to=2.0),
        change_of("game", "states", to=True),
        change_of("game", "observation", to=[0, 5]),
        change_of("game", "observation", to=[0]),
        change_of("game", "discount", to=(1.0).hex()),
        change_of("game", "temperature", to=(0.0).hex()),
        change_of("game", "transition", 0, to="nan"),
        change_of("game", "transition", 0, to=(0.999).hex()),
        change_of("game", "transition", 0, to=(-0.5).hex()),
        change_of("game", "transition", to=[]),
        change_of("game", "transition_radius", to=(-1.0).hex()),
        change_of("game", "transition_radius", to=(0.5).hex()),
        change_of("game", "reward_radius", to=(50.0).hex()),
        change_of("game", "reward", 3, to=(1e6).hex()),
        change_of("proof", "tree", to=[0, -1]),
        change_of("proof", "tree", to=[-1]),
        change_of("proof", "gram", to=[(-2.0).hex()]),
        change_of("proof", "gram", to=["nan"]),
        change_of("proof", "boxes", to=[]),
        change_of("proof", to=None),
    ],
)
def test_content_that_is_tampered_with_is_refused_with_a_new_digest_too(change):
    refused(edited(rate_certificate(0.6), change))


def test_rates_are_of_mean_fields_of_states_alone():
    """Tables that change with no mean field, of a radius, hold games whose rewards depend on what the others do."""
    found = rate_certificate(0.5, kernel_coupling=0.0, reward_coupling=0.0)

    def to_pairs(content):
        game = content["game"]
        game["mean_fields"] = "state_actions"
        for name, size in (("transition", 16), ("reward", 8)):
            game[name] = game[name][:size]

    verifier.verify(spelled(found))
    refused(edited(found, to_pairs), says="mean fields of states")


@pytest.mark.parametrize("row", [[1.0 + 2e-6, -1e-6], [0.3, 0.3], [0.7, 0.7]])
def test_a_row_that_no_probabilities_are_near_is_refused(row):
    def change(content):
        content["game"]["transition"][:2] = [value.hex() for value in row]

    refused(edited(variation_certificate(), change), says="none of probabilities")


def test_what_the_claim_depends_on_is_told():
    (line,) = [line for line in verifier.verify(spelled(rate_certificate(0.5))) if "Game:" in line]
    for words in ("2 states", "seeing [0, 0]", "discount 0.5", "temperature 4.0", "mean fields of states"):
        assert words in line


def test_radii_are_told_as_they_are():
    found = variation_certificate(1e-5)
    found["content"]["game"]["transition_radius"] = (9.56e-7).hex()
    assert "probabilities within 9.56e-07 of" in verifier.verify(spelled(sealed(found["content"])))[-1]


def test_the_worst_of_several_files_gives_the_exit_code(tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(rate_certificate(0.5)))
    bad.write_text(json.dumps(rate_certificate(0.99999)))
    assert verifier.main([str(good), str(good)]) == 0
    assert verifier.main([str(good), str(bad)]) == 1
    assert verifier.main([str(good), str(tmp_path / "none.json")]) == 2
    assert verifier.main([]) == 2
    capsys.readouterr()


def test_a_version_or_an_entry_more_is_refused():
    for extra in ({"version": 2}, {"version": True}, {"note": "x"}):
        refused({**variation_certificate(), **extra})


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b"[1]", b"{}", b'"x"', b"null", b"[" * 10**5, b'{"content": {}}', b"9" * 10**4]
)
def test_what_is_no_certificate_is_called_so(data):
    with pytest.raises(verifier.NotACertificate):
        verifier.verify(data)


def alone(folder, *paths, options=("-I",), **streams):
    """The verifier's files run in a folder of their own, without the package."""
    for file in FILES:
        (folder / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, *options, folder / "verifier.py", *paths]
    return subprocess.run(command, **(streams or {"capture_output": True}), text=True)


def written(path, found):
    path.write_text(json.dumps(found))
    return path


def test_the_files_run_alone_and_are_short(tmp_path):
    files = {"good": rate_certificate(0.5), "bad": rate_certificate(0.99999), "none": {"format": "other"}}
    done = {name: alone(tmp_path, written(tmp_path / name, found)) for name, found in files.items()}
    assert all("Traceback" not in each.stderr for each in done.values())
    assert {name: each.returncode for name, each in done.items()} == {"good": 0, "bad": 1, "none": 2}
    assert all(len(file.read_text().splitlines()) < 400 for file in FILES)


def test_without_flint_there_is_no_verdict_where_cells_are_needed_and_one_elsewhere(tmp_path):
    options = ("-I", "-S")
    done = alone(tmp_path, written(tmp_path / "rate.json", rate_certificate(0.5)), options=options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "python -m pip install python-flint" in done.stderr
    done = alone(tmp_path, written(tmp_path / "variation.json", variation_certificate()), options=options)
    assert done.returncode == 0


def test_a_verdict_that_nobody_reads_is_not_the_one_of_a_false_claim(tmp_path):
    found, (reading, writing) = written(tmp_path / "good.json", variation_certificate()), os.pipe()
    os.close(reading)
    done = alone(tmp_path, found, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert done.returncode == 2
    assert done.stderr == ""


def test_an_object_with_a_name_twice_is_refused():
    """Programs differ in which of two values they read."""
    text = spelled(variation_certificate()).decode()
    for name in ('"discount": ', '"claim": ', '"version": '):
        twice = text.replace(name, f"{name}{{}}, {name}", 1).encode()
        assert json.loads(twice) == json.loads(text)
        with pytest.raises(verifier.NotACertificate, match="same name twice"):
            verifier.verify(twice)


def test_they_import_the_standard_library_and_cells_import_flint():
    imported = set()
    for file in FILES:
        nodes = list(ast.walk(ast.parse(file.read_text())))
        found = {each.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for each in node.names}
        found |= {str(node.module).split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
        imported |= {(file.stem, each) for each in found - set(sys.stdlib_module_names)}
    assert imported == {("cells", "flint")}


def modulus_certificate(constant, kind="contraction/cell-bound", **changes):
    game = game_entry(arrays(0, tau=4.0, **changes))
    return certificate(game, kind, constant, {"tree": [0, 1, -1, -1, 1, -1, -1]})


@pytest.mark.parametrize("kind", ["contraction/cell-bound", "contraction/certified-bound", "uniqueness/contraction"])
def test_a_modulus_is_verified_where_the_map_contracts_so_much(kind):
    assert "Contraction in l1" in verifier.verify(spelled(modulus_certificate(0.5, kind)))[1]
    game = arrays(0, tau=4.0)
    for phi in (np.eye(2)[[0, 0]], np.eye(2)[[1, 1]]):
        true = max(abs(slopes_at(game, phi, np.array([x, 1.0 - x]))[0, 0]) for x in (0.2, 0.5, 0.8))
        refused(modulus_certificate(0.99 * true, kind), says="modulus is not proved on cell")
    for none in (1.0, 1.5, -0.5):
        refused(modulus_certificate(none, kind), says="below one")


@pytest.mark.parametrize(
    "change",
    [
        change_of("proof", "tree", to=[0, 1, -1, -1, 1, -1]),
        change_of("proof", "tree", to=[]),
        change_of("proof", "gram", to=[(2.0).hex()]),
        change_of("game", "reward", 3, to=(1e6).hex()),
        change_of("game", "temperature", to=(0.001).hex()),
        change_of("claim", "constant", to=(1e-9).hex()),
        change_of("claim", "kind", to="one-sided-contraction/certified-rate"),
    ],
)
def test_a_tampered_modulus_is_refused_with_a_new_digest_too(change):
    refused(edited(modulus_certificate(0.5), change))


def falling(strength=0.5, spread=0.0):
    """Rewards of two states of which each falls by the strength with its own mass, whatever the action."""
    rewards = np.zeros((2, 2, 2, 1)) - strength * np.eye(2)[:, :, None, None]
    rewards[0, 0, 1] += spread
    return rewards


def laws_certificate(kind, constant, rewards, proof=None, **entry):
    return certificate(rewards_entry(rewards, **entry), kind, constant, proof or {})


STEPS = "ergodicity/doeblin"
STRONG = ["uniqueness/monotonicity", "uniqueness/occupation-monotonicity"]
POTENTIAL = "uniqueness/potential"


def test_claims_about_laws_are_verified_to_the_last_digit():
    rows = 0.75 * np.eye(2) + 0.125
    # The radius of the rows is 1e-13: what it costs in a step.
    verifier.verify(spelled(laws_certificate(STEPS, 0.75 + 3e-13, falling(), {"steps": 1}, rows=rows)))
    refused(laws_certificate(STEPS, 0.75, falling(), {"steps": 1}, rows=rows), says="bound proved")
    refused(laws_certificate(STEPS, 0.75 + 3e-13, falling(), {"steps": True}, rows=rows), says="whole number")
    lines = verifier.verify(spelled(laws_certificate(STEPS, 0.5626, falling(), {"steps": 2}, rows=rows)))
    assert "After 2 steps" in lines[1]
    for kind in STRONG:
        lines = verifier.verify(spelled(laws_certificate(kind, 0.5, falling())))
        assert "L = 0.5, e = 0.0" in lines[1]
        assert "says nothing of how many equilibria" in lines[1]
        refused(laws_certificate(kind, np.nextafter(0.5, 1.0), falling()), says="not proved")
        refused(laws_certificate(kind, 0.5, falling(), {"tree": []}), says="entries")
        for none in (0.0, -0.5):
            refused(laws_certificate(kind, none, falling()), says="positive strength")
        refused(laws_certificate(kind, 0.5, falling(), radius=1e-3), says="roundings differ")
        refused(laws_certificate(kind, 0.4, falling(spread=-1e-3)), says="actions or roundings differ")
        refused(laws_certificate(kind, 0.5, np.zeros((1, 2, 2, 1))), says="not proved")
    lines = verifier.verify(spelled(laws_certificate(POTENTIAL, 1e-12, falling(), radius=5e-13)))
    assert "e = 1e-12" in lines[1]
    refused(laws_certificate(POTENTIAL, 0.9e-12, falling(), radius=5e-13), says="bound proved")
    refused(laws_certificate(POTENTIAL, 0.1, falling(spread=-1e-3)), says="no rounding")
    refused(laws_certificate(POTENTIAL, 0.1, falling(), radius=5e-13), says="bound proved")


def test_a_constant_part_of_rewards_makes_no_slope_negligible():
    """Slopes of no function beside a penalty of 1e16 for one pair, the same at all mean fields."""
    slopes = np.random.default_rng(0).integers(-3, 4, (4, 4, 2, 1)).astype(float)
    refused(laws_certificate(POTENTIAL, 20.0, slopes), says="no rounding")
    slopes[:, 0, 1] = -1e16
    refused(laws_certificate(POTENTIAL, 20.0, slopes), says="bound proved")


def test_what_no_float_holds_is_refused_in_words():
    steep = -1.7e308 * np.eye(2)[:, :, None, None] + np.zeros((2, 2, 2, 1))
    steep[:, :, 1] *= -1.0
    for kind, constant in ((POTENTIAL, 1.0), *((kind, 1.0) for kind in STRONG)):
        refused(laws_certificate(kind, constant, steep, radius=1.7e308), says="inf")


def test_large_slopes_hide_no_small_ones():
    """Four states of which two repel by 1e12 and two attract a little: rounding in place of fractions sees no rise."""
    slopes = np.diag([-1e12, -1e12, 0.02, 0.02])
    for kind in STRONG:
        refused(laws_certificate(kind, 1e-3, slopes[:, :, None, None] + np.zeros((4, 4, 2, 1))), says="not proved")
    slopes = np.diag([-1e12, -1e12, 0.0, 0.0])
    slopes[2, 3] = 0.02
    refused(laws_certificate(POTENTIAL, 0.1, slopes[:, :, None, None] + np.zeros((4, 4, 2, 1))), says="no rounding")


OF_REWARDS = [
    change_of("game", "reward_radius", to=(1e9).hex()),
    change_of("game", "reward", 0, to=(1e9).hex()),
    change_of("game", "observation", to=[0, 2]),
]
OF_ROWS = [
    change_of("game", "transition", slice(0, 2), to=[(1.0).hex(), (0.0).hex()]),
    change_of("game", "transition_radius", to=(1e-3).hex()),
    change_of("proof", to={"steps": 0}),
]
OF_ALL = [
    change_of("game", "reward_radius", to=(-1e-3).hex()),
    change_of("game", "mean_fields", to="state_actions"),
    change_of("game", "states", to=1),
    change_of("claim", "constant", to="nan"),
    change_of("claim", "constant", to=(2.0).hex()),
    change_of("claim", "constant", to=(1e-30).hex()),
    change_of("claim", "kind", to="contraction/cell-bound"),
    change_of("proof", to={"tree": [-1]}),
    change_of("proof", to=None),
]


@pytest.mark.parametrize(
    ("kind", "change"),
    [(STEPS, change) for change in OF_ROWS + OF_ALL]
    + [(kind, change) for kind in [*STRONG, POTENTIAL] for change in OF_REWARDS + OF_ALL],
)
def test_tampered_claims_about_laws_are_refused_with_a_new_digest_too(kind, change):
    constant, proof = {STEPS: (0.8, {"steps": 1}), POTENTIAL: (1e-12, {})}.get(kind, (0.5, {}))
    found = laws_certificate(kind, constant, falling(), proof, rows=0.75 * np.eye(2) + 0.125, radius=4e-13)
    verifier.verify(spelled(found))
    refused(edited(found, change))


def test_what_would_take_too_long_is_refused(monkeypatch):
    many = np.zeros((9, 9, 1, 9)) - np.eye(9)[:, :, None, None] * np.linspace(1.0, 2.0, 9)
    entry = {**rewards_entry(many), "observation": list(range(9))}
    refused(certificate(entry, STRONG[1], 0.5, {}), says="too many leaders")
    refused(laws_certificate(STEPS, 0.9, np.zeros((1, 20, 2, 2)), {"steps": 10**4}), says="too many steps")
    monkeypatch.setattr(rationals, "MOST_LOOPS", 9)
    refused(laws_certificate(POTENTIAL, 1e-12, falling()), says="too many pairs")
