"""What a figure is drawn of: any two axes, everything else held at a value that is said, and never a number made up."""

import numpy as np
import pytest
import xarray

from smfg_verify.sweep.slices import slice_of

DISCOUNTS, TEMPERATURES, SEEDS, ITERATIONS = [0.8, 0.9, 0.95], [0.1, 1.0], [0, 1, 5], [0, 10]
RNG = np.random.default_rng(0)


def grid():
    dims = ("game", "discount", "temperature", "seed", "iteration")
    values = RNG.uniform(1.0, 2.0, (2, 3, 2, 3, 2))
    values[0, 1, 1, 2, 1] = np.nan  # one seed of one cell has no number
    flags = {"flag_values": np.arange(-1, 2, dtype=np.int8), "flag_meanings": "none certified not-applicable"}
    verdicts = np.array([[[0, -1]] * 3, [[1, 0]] * 3], np.int8)
    return xarray.Dataset(
        {
            "run_e_mu": (dims, values, {"long_name": "words", "units": "1"}),
            "check_verdict": (("game", "discount", "statement"), verdicts, flags),
        },
        coords={
            "game": ["toll", "tax"],
            "discount": DISCOUNTS,
            "temperature": TEMPERATURES,
            "seed": SEEDS,
            "iteration": ITERATIONS,
            "statement": ["p/a", "p/b"],
        },
    )


def test_the_rest_is_held_and_said():
    data = grid()
    found = slice_of(data, "run_e_mu", "discount", "temperature", {"game": "tax"})
    expected = data["run_e_mu"].values[1, :, :, :, -1].mean(axis=-1).T
    np.testing.assert_allclose(found.values, expected, rtol=1e-15)
    assert found.x_values.tolist() == DISCOUNTS
    assert found.y_values.tolist() == TEMPERATURES
    assert found.held == {"game": "tax", "seed": "mean of 3", "iteration": "10"}


def test_any_two_axes_in_either_order():
    data = grid()
    axes = ("game", "discount", "temperature", "seed", "iteration")
    for x in axes:
        for y in axes:
            if x == y:
                continue
            rest = {axis: str(data[axis].values[1]) for axis in axes if axis not in (x, y)}
            found = slice_of(data, "run_e_mu", x, y, rest)
            picked = data["run_e_mu"].isel({axis: 1 for axis in rest}).transpose(y, x)
            np.testing.assert_array_equal(found.values, picked.values)


def test_a_mean_over_seeds_of_which_one_has_no_number_is_none():
    found = slice_of(grid(), "run_e_mu", "discount", "temperature", {"game": "toll"})
    assert np.isnan(found.values).tolist() == [[False] * 3, [False, True, False]]


def test_axes_are_chosen_where_none_are_named():
    found = slice_of(grid(), at={"game": "toll"})
    assert (found.name, found.x, found.y) == ("run_e_mu", "discount", "temperature")


def test_a_flag_has_its_labels_and_no_number_where_there_is_none():
    found = slice_of(grid(), "check_verdict", "discount", "game", {"statement": "p/b"})
    assert found.flags == ("certified", "not-applicable")
    np.testing.assert_array_equal(found.values, [[np.nan] * 3, [0.0] * 3])


def test_points_of_a_random_design_have_two_places_each():
    data = xarray.Dataset(
        {"solve_objective": (("game", "sample"), np.arange(8.0).reshape(2, 4))},
        coords={"game": ["a", "b"], "sample": range(4), "discount": ("sample", [4.0, 3.0, 2.0, 1.0])},
    )
    data = data.assign_coords(temperature=("sample", [1.0, 1.0, 2.0, 2.0]))
    found = slice_of(data, at={"game": "b"})
    assert (found.x, found.y, found.scattered) == ("discount", "temperature", True)
    assert found.values.tolist() == [4.0, 5.0, 6.0, 7.0]
    assert found.x_values.tolist() == [4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"value": "run_e_m"}, "did you mean 'run_e_mu'?"),
        ({"value": "run_e_mu", "x": "discont"}, "did you mean 'discount'?"),
        ({"value": "run_e_mu", "x": "discount", "y": "discount"}, "for both axes"),
        ({"value": "run_e_mu", "x": "discount", "y": "temperature"}, "--at game=... with one of: toll, tax"),
        ({"value": "run_e_mu", "at": {"discount": "0.7"}}, "expected one of: 0.8, 0.9, 0.95"),
        ({"value": "run_e_mu", "at": {"discunt": "0.8"}}, "did you mean 'discount'?"),
        ({"value": "check_verdict", "x": "discount", "y": "game"}, "--at statement=..."),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(arguments, said):
    with pytest.raises(ValueError, match=r".") as caught:
        slice_of(grid(), **arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
