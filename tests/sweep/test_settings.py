"""The file of a sweep: what is read, and that every mistake is refused in one line before anything is computed."""

import datetime
from pathlib import Path

import pytest

from smfg_verify.sweep.settings import read_sweep, settings_of

GOOD = {"what": ["solve", "run"], "games": ["laffer-tax"], "parameters": {"discount": [0.8, 0.9]}}


def refusal(**changes):
    tables = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(ValueError, match=r".") as caught:
        settings_of(tables, Path("/games"))
    return str(caught.value)


def test_a_whole_file_is_read(tmp_path):
    file = tmp_path / "sweep.toml"
    file.write_text(
        """
        what = ["run", "check"]
        games = ["laffer-tax", { name = "mine.py:Toll", label = "mine", parameters = { kappa = [1, 3] } }]
        seeds = [3, 5]

        [parameters]
        discount = 0.9
        temperature = { low = 0.1, high = 10.0, points = 3, scale = "log" }

        [schedule]
        leader = [0.1, 0.2]

        [run]
        iterations = 50

        [check]
        properties = ["coverage"]
        budget = "quick"
        """
    )
    found = read_sweep(file)
    assert [game.name for game in found.games] == ["laffer-tax", f"{tmp_path.resolve()}/mine.py:Toll"]
    assert found.games[1].label == "mine"
    assert found.parameters == {"discount": 0.9}
    assert [(axis.label, axis.choices) for axis in found.axes] == [
        ("temperature", pytest.approx((0.1, 1.0, 10.0))),
        ("leader_step", (0.1, 0.2)),
    ]
    assert found.seeds == (3, 5)
    assert found.options["run"] == {"iterations": 50, "sampling": "markov", "checkpoints": 24}
    assert found.options["check"]["properties"] == ["coverage"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"what": "solv"}, "did you mean 'solve'?"),
        ({"what": []}, "what: got []"),
        ({"what": ["run", "run"]}, "each once"),
        ({"games": "laffer-tax"}, "expected a list"),
        ({"games": ["laffer-tax", "laffer-tax"]}, "twice"),
        ({"games": [{"name": "laffer-tax", "parametrs": {}}]}, "did you mean 'parameters'?"),
        ({"games": [{"name": "laffer-tax", "parameters": {"discount": 0.5}}]}, "in one place"),
        ({"parameter": {}}, "did you mean 'parameters'?"),
        ({"parameters": {"discount": []}}, "[parameters] discount: got an empty list"),
        ({"parameters": {"discount": [0.8, 0.8]}}, "got 0.8 twice"),
        ({"parameters": {"discount": {"low": 0.9, "high": 0.8, "points": 3}}}, "expected low < high"),
        ({"parameters": {"discount": {"low": 0.0, "high": 0.8, "points": 3, "scale": "log"}}}, "low > 0"),
        ({"parameters": {"discount": {"low": 0.1, "high": 0.8}}}, "points = None"),
        ({"parameters": {"discount": {"low": 0.1, "hihg": 0.8}}}, "did you mean 'high'?"),
        ({"parameters": {"seed": [1, 2]}}, "rename the parameter"),
        ({"parameters": {"discount": datetime.date(2026, 1, 1)}}, "expected numbers, texts"),
        ({"schedule": {"lead": [0.1]}}, "did you mean 'leader'?"),
        ({"schedule": {"leader": [0.1, -1.0]}}, "expected a finite number >= 0"),
        ({"schedule": {"leader": "fast"}}, "[schedule] leader: got 'fast'"),
        ({"what": "solve", "schedule": {"leader": [0.1]}}, "nothing of what = solve depends on them"),
        ({"what": "solve", "seeds": 3}, "nothing of what = solve depends on them"),
        ({"what": "solve", "run": {"iterations": 3}}, "[run]: got it, but nothing"),
        ({"design": "latin"}, "expected 'grid' or 'random'"),
        ({"samples": 3}, "design missing"),
        ({"design": "random"}, "samples: got None"),
        (
            {"design": "random", "samples": 3, "parameters": {"discount": {"low": 0.1, "high": 0.2, "points": 3}}},
            "none",
        ),
        ({"seeds": 0}, "seeds: got 0"),
        ({"seeds": [1, 1]}, "distinct"),
        ({"seeds": [2**32]}, "distinct integers in [0, 2**32)"),
        ({"run": {"iteration": 3}}, "did you mean 'iterations'?"),
        ({"run": {"iterations": 1.5}}, "[run] iterations: got 1.5"),
        ({"run": {"sampling": "gibbs"}}, "expected 'markov' or 'iid'"),
        ({"solve": {"leader": "worst"}}, "[solve] leader: got 'worst'"),
        ({"what": "check", "check": {"properties": ["ergodic"]}}, "ergodicity"),
        ({"what": "check", "check": {"budget": "fast"}}, "budget: got 'fast'"),
        ({"what": "check", "check": {"leaders": 0}}, "num_leaders: got 0"),
        ({"what": "compare", "compare": {"methods": ["adag"]}}, "adage"),
        ({"what": "compare", "compare": {"samples": 3}}, "samples: got 3"),
        ({"run": 3}, "expected a table [run]"),
    ],
)
def test_a_mistake_is_refused_in_one_line(changes, said):
    words = refusal(**changes)
    assert said in words
    assert "\n" not in words


@pytest.mark.parametrize(
    ("text", "said"), [("what = [", "is not TOML"), (None, "is no file"), ("what = 3", "sweep.toml")]
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    file = tmp_path / "sweep.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_sweep(file)
