"""The points of a design: all combinations, each once."""

import itertools
from pathlib import Path

from smfg_verify.sweep.points import design_points
from smfg_verify.sweep.settings import settings_of

TABLES = {
    "what": "run",
    "games": ["laffer-tax"],
    "parameters": {"discount": [0.8, 0.9], "temperature": 1.0},
    "schedule": {"leader": [0.1, 0.2, 0.3]},
}


def test_a_grid_is_the_product_of_its_axes():
    points = design_points(settings_of(TABLES, Path()))
    assert [point.place for point in points] == list(itertools.product(range(2), range(3)))
    pairs = [(point.parameters["discount"], point.schedule["leader"]) for point in points]
    assert pairs == list(itertools.product([0.8, 0.9], [0.1, 0.2, 0.3]))
    assert all(point.parameters["temperature"] == 1.0 for point in points)


def test_nothing_varied_is_one_point():
    assert [
        point.place for point in design_points(settings_of({"what": "solve", "games": ["laffer-tax"]}, Path()))
    ] == [()]


def test_a_random_design_takes_its_values_from_the_axes():
    settings = settings_of({**TABLES, "design": "random", "samples": 40}, Path())
    points = design_points(settings)
    assert [point.place for point in points] == [(k,) for k in range(40)]
    assert {point.parameters["discount"] for point in points} == {0.8, 0.9}
    assert {point.schedule["leader"] for point in points} == {0.1, 0.2, 0.3}
