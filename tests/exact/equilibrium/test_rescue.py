"""Try, then rescue: the costly search sees the failed points and no others, and under tracing all of them."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.equilibrium.rescue import with_rescue, with_rescue_of_points


@pytest.mark.parametrize("failing", [[], [1], [0, 2, 3]])
def test_only_failed_points_are_tried_again(failing):
    points, asked = np.arange(4.0), []

    def attempt(numbers, *, rescue):
        asked.append((rescue, list(numbers)))
        return {"value": -numbers if rescue else numbers.copy(), "failed": np.isin(numbers, failing) & (not rescue)}

    found, again = with_rescue_of_points(attempt, lambda found: found["failed"], points)
    np.testing.assert_array_equal(again, np.isin(points, failing))
    np.testing.assert_array_equal(found["value"], np.where(again, -points, points))
    assert asked == [(False, list(points)), (True, [float(k) for k in failing])][: 2 if failing else 1]
    np.testing.assert_array_equal(points, np.arange(4.0))


def answer(converged, gap=None):
    """What the rescue looks at of an equilibrium."""
    return SimpleNamespace(converged=jnp.asarray(converged), source_gap=gap)


@pytest.mark.wrong_types  # a namespace stands for an equilibrium
@pytest.mark.parametrize("converged", [True, False, [True, True], [True, False]])
def test_failed_equilibria_are_tried_again_and_found_ones_are_not(converged):
    asked = []

    def attempt(rescue):
        asked.append(rescue)
        return answer(np.logical_or(converged, rescue))

    assert np.all(with_rescue(attempt).converged)
    assert asked == ([False] if np.all(converged) else [False, True])


@pytest.mark.wrong_types  # a namespace stands for an equilibrium
def test_a_game_that_is_not_its_source_is_not_searched_longer():
    asked = []

    def attempt(rescue):
        asked.append(rescue)
        return answer(False, SimpleNamespace(agrees=jnp.asarray(False)))

    with_rescue(attempt)
    assert asked == [False]


@pytest.mark.wrong_types  # a namespace stands for an equilibrium
def test_under_tracing_the_rescue_is_part_of_the_program():
    asked = []

    def attempt(converged, rescue):
        asked.append(rescue)
        return answer(converged)

    jax.jit(lambda flag: with_rescue(lambda rescue: attempt(flag, rescue)).converged)(True)
    assert asked == [False, True]
