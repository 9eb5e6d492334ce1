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


def test_warm_starts_are_tried_before_the_costly_search_and_on_failed_points_alone():
    points, asked = np.arange(6.0), []

    def attempt(numbers, *, rescue):
        asked.append((rescue, list(numbers)))
        return {"value": numbers.copy(), "failed": (numbers % 2 == 1) & (not rescue)}

    # A warm start helps the third, which comes back as an even number, and not the others.
    found, again = with_rescue_of_points(
        attempt, lambda found: found["failed"], points, warm=lambda numbers: (np.where(numbers == 3, 30.0, numbers),)
    )
    assert asked == [(False, list(points)), (False, [1.0, 30.0, 5.0]), (True, [1.0, 5.0])]
    np.testing.assert_array_equal(again, points % 2 == 1)
    np.testing.assert_array_equal(found["value"], [0.0, 1.0, 2.0, 30.0, 4.0, 5.0])


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
@pytest.mark.parametrize("warm", [None, False, True])
def test_a_warm_start_is_asked_once_and_spares_the_costly_search_where_it_converges(warm):
    asked = []

    def attempt(rescue):
        asked.append(rescue)
        return answer(rescue)

    def start():
        asked.append("warm")
        return None if warm is None else answer(warm)

    assert np.all(with_rescue(attempt, start).converged)
    assert asked == ([False, "warm"] if warm else [False, "warm", True])


@pytest.mark.wrong_types  # a namespace stands for an equilibrium
def test_under_tracing_the_rescue_is_part_of_the_program():
    asked = []

    def attempt(converged, rescue):
        asked.append(rescue)
        return answer(converged)

    jax.jit(lambda flag: with_rescue(lambda rescue: attempt(flag, rescue)).converged)(True)
    assert asked == [False, True]
