"""Which game a file of results is about."""

import dataclasses

from smfg_verify.game import AbstractGame, game_hash, leader_logits_shape, mean_field_shape
from smfg_verify.records.codec import plain
from smfg_verify.records.entries import Record
from smfg_verify.report.labels import labels_of


def parameters_of(game: AbstractGame) -> Record:
    """Every parameter of a game with its value: the fields of its class."""
    return {field.name: plain(getattr(game, field.name)) for field in dataclasses.fields(game)}


def game_record(game: AbstractGame, name: str) -> Record:
    """Which game: name, class, parameters, sizes, labels, and a digest of all of it."""
    return {
        "name": name,
        "class": type(game).__name__,
        "identity": game_hash(game),
        "parameters": parameters_of(game),
        "num_states": game.num_states,
        "num_follower_actions": game.num_follower_actions,
        "num_leader_actions": game.num_leader_actions,
        "leader_logits_shape": list(leader_logits_shape(game)),
        "mean_field_shape": list(mean_field_shape(game)),
        "discount": float(game.discount),
        "temperature": float(game.temperature),
        "leader_temperature": float(game.leader_temperature),
        "labels": plain(labels_of(game)._asdict()),
    }
