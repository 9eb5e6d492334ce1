"""The verifier: balls hold the map's slopes, cells cover, bounds are true, and what was tampered with is refused."""

import ast
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from flint import arb, arb_mat

from smfg_verify.certificates import verifier
from tests.helpers.random_arrays import random_array_game
from tests.support.certificates import certificate, edited, game_entry, sealed, spelled

FILE = Path(verifier.__file__)
RATE = "one-sided-contraction/certified-rate"


def arrays(seed, sizes=(2, 2, 2), **changes):
    mild = {"gamma": 0.5, "tau": 1.0, "kernel_coupling": 0.3, "floor": 0.3, "observations": 1}
    return random_array_game(np.random.default_rng(seed), *sizes, **{**mild, **changes})


def gamma_of(game, phi, mean_field):
    """The best response's law by value iteration and powers of the chain, (n,)."""
    rows, rewards, _ = game.tables(mean_field)
    rows, rewards = np.einsum("sabt,sb->sat", rows, phi), np.einsum("sab,sb->sa", rewards, phi)
    value = np.zeros(len(rows))
    for _ in range(200):
        scaled = (rewards + game.discount * rows @ value) / game.temperature
        value = game.temperature * np.log(np.exp(scaled).sum(axis=1))
    policy = np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    chain = np.einsum("sa,sat->st", policy, rows)
    return np.linalg.matrix_power(chain, 4096)[0]


def slopes_at(game, phi, mean_field, step=1e-5):
    n = len(mean_field)
    columns = []
    for k in range(n - 1):
        way = step * (np.eye(n)[k] - np.eye(n)[n - 1])
        columns.append((gamma_of(game, phi, mean_field + way) - gamma_of(game, phi, mean_field - way))[: n - 1])
    return np.stack(columns, axis=1) / (2.0 * step)


def small_cell(rng, game, width):
    n, _, num_leader = game.sizes

    def simplex(size):
        return (1.0 - width) * rng.dirichlet(np.ones(size)) + width * np.eye(size)

    return simplex(n), [simplex(num_leader) for _ in range(max(game.observation) + 1)]


@pytest.mark.parametrize(
    ("sizes", "observations", "width"),
    [((3, 2, 2), 1, 0.0), ((2, 2, 2), 2, 0.2), ((3, 2, 2), 1, 0.05), ((3, 3, 2), 3, 0.0), ((2, 1, 1), 1, 0.3)],
)
def test_balls_hold_the_slopes_of_the_best_response_everywhere_in_a_cell(sizes, observations, width):
    rng, narrow = np.random.default_rng(5), 0
    for seed in range(4):
        game = arrays(seed, sizes, observations=observations)
        read = verifier.game_of(game_entry(game))
        fields, leaders = small_cell(rng, game, width)
        guess = [arb(0)] * (sizes[0] - 1)
        found, _ = verifier.response_slopes(
            read, verifier.told(read), fields.tolist(), [each.tolist() for each in leaders], guess
        )
        for _ in range(3):
            mean_field = rng.dirichlet(np.ones(sizes[0])) @ fields
            rows = np.array([rng.dirichlet(np.ones(sizes[2])) @ each for each in leaders])
            true = slopes_at(game, rows[list(game.observation)], mean_field)
            for ball, value in zip(found.entries(), true.ravel(), strict=True):
                assert float(ball.lower()) - 1e-7 <= value <= float(ball.upper()) + 1e-7
                narrow += float(ball.rad()) < (1e-9 if width == 0.0 else 2.0)
    assert narrow > 0


def slopes_over(game, fields, leaders):
    read = verifier.game_of(game_entry(game))
    guess = [arb(0)] * (game.sizes[0] - 1)
    return verifier.response_slopes(read, verifier.told(read), fields.tolist(), leaders, guess)[0]


def crowd(**changes):
    """Two states that actions lead to, whose rewards rise with their own masses: followers answer through values."""
    game = arrays(0, kernel_coupling=0.0, **changes)
    game.kernel[:] = np.array([[0.05, 0.95], [0.95, 0.05]])[None, :, None, :]
    game.follower_rewards[:], game.follower_rewards_mean_field[:] = 0.0, 0.0
    game.follower_rewards_mean_field[0, 0], game.follower_rewards_mean_field[1, 1] = 9.0, 9.0
    return game


def test_policies_are_those_of_all_values_in_the_cell():
    """Gaps between actions do not change with the mean field but through the values: a steep game."""
    game, known = crowd(tau=2.0, gamma=0.4), 0
    for middle in np.linspace(0.1, 0.9, 17):
        for width in (0.02, 0.05, 0.1):
            fields = np.array([[middle - width, 1.0 - middle + width], [middle + width, 1.0 - middle - width]])
            try:
                (ball,) = slopes_over(game, fields, [np.eye(2).tolist()]).entries()
            except (ValueError, ZeroDivisionError):
                continue
            known += 1
            for share in (0.0, 0.5, 1.0):
                true = slopes_at(game, np.full((2, 2), 0.5), share * fields[0] + (1.0 - share) * fields[1])[0, 0]
                assert float(ball.lower()) - 1e-7 <= true <= float(ball.upper()) + 1e-7
    assert known > 17


def test_a_weight_that_may_be_zero_still_counts():
    (found,) = verifier.mixed([arb(0, 1), arb(0)], [[arb(3)], [arb(5)]])
    assert found.contains(3)
    assert found.contains(-3)
    assert not found.contains(4)


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


def test_variation_is_the_largest_of_sampled_policies_and_more():
    rng = np.random.default_rng(1)
    for observations in (1, 3):
        game = arrays(3, (3, 2, 2), observations=observations, kernel_coupling=0.8)
        bound = float(verifier.largest_variation(verifier.game_of(game_entry(game))))
        largest = 0.0
        for _ in range(300):
            rows = game.tables(rng.dirichlet(np.full(3, 0.2)))[0]
            phi = rng.dirichlet(np.full(2, 0.1), observations)[list(game.observation)]
            chain = np.einsum("sabt,sb,sa->st", rows, phi, rng.dirichlet(np.full(2, 0.1), 3))
            largest = max(largest, 0.5 * max(np.abs(p - q).sum() for p, q in itertools.combinations(chain, 2)))
        assert largest <= bound <= 1.15 * largest


def test_only_positive_matrices_are_called_so():
    rng = np.random.default_rng(2)
    for size in (1, 2, 4):
        for _ in range(50):
            form = rng.normal(size=(size, size)) + size * rng.uniform(-0.5, 1.5) * np.eye(size)
            form = form + form.T
            least = np.linalg.eigvalsh(form)[0]
            if abs(least) > 1e-9:
                assert verifier.positive(arb_mat(form.tolist())) == (least > 0.0)
    assert not verifier.positive(arb_mat([[arb("nan")]]))
    assert not verifier.positive(arb_mat([[arb(1.0, 1.0)]]))
    assert not verifier.positive(arb_mat([[1, arb(0, 1)], [arb(0, 1), 1]]))


def rate_certificate(constant, **changes):
    game = game_entry(arrays(0, tau=4.0, **changes))
    return certificate(game, RATE, constant, {"gram": [(2.0).hex()], "tree": [0, 1, -1, -1, 1, -1, -1]})


def variation_certificate(above=1e-9):
    entry = game_entry(arrays(0))
    bound = float(verifier.largest_variation(verifier.game_of(entry)))
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


def test_a_cell_is_proved_whatever_guess_it_is_given():
    game = verifier.game_of(game_entry(arrays(0, tau=4.0)))
    cell, table = verifier.first_cell(game), verifier.told(game)
    for guess in (arb(0), arb("nan"), arb(10) ** 30):
        slopes, _ = verifier.response_slopes(game, table, cell[0], cell[1:], [guess])
        assert slopes.entries()[0].is_finite()


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


def test_the_file_runs_alone_and_is_short(tmp_path):
    alone = tmp_path / "verifier.py"
    alone.write_bytes(FILE.read_bytes())
    good, bad = rate_certificate(0.5), rate_certificate(0.99999)
    files = {"good.json": good, "bad.json": bad, "none.json": {"format": "other"}}
    codes = {}
    for name, found in files.items():
        (tmp_path / name).write_text(json.dumps(found))
        done = subprocess.run([sys.executable, "-I", alone, tmp_path / name], capture_output=True, text=True)
        codes[name] = done.returncode
        assert "Traceback" not in done.stderr
    assert codes == {"good.json": 0, "bad.json": 1, "none.json": 2}
    assert len(FILE.read_text().splitlines()) < 400


def test_it_imports_the_standard_library_and_flint_alone():
    tree = ast.parse(FILE.read_text())
    imported = {each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"flint"}
