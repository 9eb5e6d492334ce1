"""Which game a file is about: its parameters and sizes, and a digest that moves when any of them does."""

import dataclasses
import json

import pytest

from smfg_verify.game import game_hash, leader_logits_shape, mean_field_shape
from smfg_verify.games import load, names
from smfg_verify.records.documents import document
from smfg_verify.report.files.game import game_record, parameters_of
from smfg_verify.report.labels import labels_of


@pytest.mark.parametrize("name", names())
def test_the_record_holds_the_sizes_labels_and_parameters_of_the_game(name):
    game = load(name)
    record = json.loads(document(game_record(game, "as asked for")), parse_constant=pytest.fail)
    assert (record["name"], record["class"], record["identity"]) == (
        "as asked for", type(game).__name__, game_hash(game)
    )  # fmt: skip
    assert record["leader_logits_shape"] == list(leader_logits_shape(game))
    assert record["mean_field_shape"] == list(mean_field_shape(game))
    assert set(record["parameters"]) == {field.name for field in dataclasses.fields(game)} == set(parameters_of(game))
    for kind, labels in labels_of(game)._asdict().items():
        assert record["labels"][kind] == list(labels)
    for name in ("discount", "temperature", "leader_temperature"):
        assert record[name] == float(getattr(game, name))
