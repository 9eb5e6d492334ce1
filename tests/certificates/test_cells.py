"""Cells: balls hold the slopes of the best response, forms are positive where they are, and moduli are bounds."""

import itertools

import numpy as np
import pytest
from flint import arb, arb_mat

from smfg_verify.certificates import cells, verifier
from tests.support.certificates import arrays, game_entry


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
        found, _ = cells.response_slopes(
            read, cells.told(read), fields.tolist(), [each.tolist() for each in leaders], guess
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
    return cells.response_slopes(read, cells.told(read), fields.tolist(), leaders, guess)[0]


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


@pytest.mark.parametrize("steps", [1, 2, 60])
def test_balls_hold_the_slopes_where_values_are_guessed_by_a_few_steps(steps, monkeypatch):
    monkeypatch.setattr(cells, "STEPS", steps)
    game, known = arrays(2, (3, 2, 2), tau=2.0), 0
    read, (fields, leaders) = verifier.game_of(game_entry(game)), small_cell(np.random.default_rng(3), game, 0.0)
    rows = [each.tolist() for each in leaders]
    true = slopes_at(game, np.array([each[0] for each in leaders])[list(game.observation)], fields[0])
    found, guess = cells.response_slopes(read, cells.told(read), fields.tolist(), rows, [arb("nan")] * 2)
    # What one step misses by is known of the guess before it: a ball around the next would be another's.
    assert (guess == [0, 0]) == (steps == 1)
    for ball, value in zip(found.entries(), true.ravel(), strict=True):
        assert float(ball.lower()) - 1e-7 <= value <= float(ball.upper()) + 1e-7
        known += float(ball.rad()) < (1e-6 if steps == 60 else 1.0)
    assert known == 4


def test_a_weight_that_may_be_zero_still_counts():
    (found,) = cells.mixed([arb(0, 1), arb(0)], [[arb(3)], [arb(5)]])
    assert found.contains(3)
    assert found.contains(-3)
    assert not found.contains(4)


def test_only_positive_matrices_are_called_so():
    rng = np.random.default_rng(2)
    for size in (1, 2, 4):
        for _ in range(50):
            form = rng.normal(size=(size, size)) + size * rng.uniform(-0.5, 1.5) * np.eye(size)
            form = form + form.T
            least = np.linalg.eigvalsh(form)[0]
            if abs(least) > 1e-9:
                assert cells.positive(arb_mat(form.tolist())) == (least > 0.0)
    assert not cells.positive(arb_mat([[arb("nan")]]))
    assert not cells.positive(arb_mat([[arb(1.0, 1.0)]]))
    assert not cells.positive(arb_mat([[1, arb(0, 1)], [arb(0, 1), 1]]))


def test_a_cell_is_proved_whatever_guess_it_is_given():
    game = verifier.game_of(game_entry(arrays(0, tau=4.0)))
    cell, table = verifier.first_cell(game), cells.told(game)
    for guess in (arb(0), arb("nan"), arb(10) ** 30):
        slopes, _ = cells.response_slopes(game, table, cell[0], cell[1:], [guess])
        assert slopes.entries()[0].is_finite()


def test_moduli_are_the_largest_over_directions_of_all_matrices_in_the_balls():
    rng = np.random.default_rng(4)
    for size in (1, 2, 3):
        for _ in range(20):
            middle, radius = rng.normal(size=(size, size)), 0.1 * rng.uniform()
            bound = float(cells.modulus(arb_mat([[arb(x, radius) for x in row] for row in middle.tolist()])))
            exact = float(cells.modulus(arb_mat(middle.tolist())))
            largest = 0.0
            for i, j in itertools.combinations(range(size + 1), 2):
                way = 0.5 * (np.eye(size + 1)[i] - np.eye(size + 1)[j])[:size]
                moved = (middle + rng.uniform(-radius, radius, size=(size, size))) @ way
                assert np.abs(moved).sum() + abs(moved.sum()) <= bound
                largest = max(largest, np.abs(middle @ way).sum() + abs((middle @ way).sum()))
            assert exact == pytest.approx(largest)
    assert np.isnan(float(cells.modulus(arb_mat([[arb("nan")]]))))
