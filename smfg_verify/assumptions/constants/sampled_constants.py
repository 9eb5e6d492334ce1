"""Lower bounds of a game's constants from sampled mean fields, to hold the certified upper bounds against."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.constants.row_distances import largest_total_variation, variation_work
from smfg_verify.assumptions.constants.suprema import field_witness, row_index
from smfg_verify.assumptions.constants.variations import PAIRS
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.tables_at_fields import FUNCTIONS, field_size, random_fields, tables_at
from smfg_verify.game import AbstractGame, mean_field_shape

LIPSCHITZ = {
    "transition": "transition_lipschitz",
    "follower_reward": "follower_lipschitz",
    "leader_reward": "leader_lipschitz",
}
_MAX_FIELDS = 120
_MAX_VERTICES = 64
# Entries compared for the sampled variations (about 1 s).
_MAX_WORK = 2**28
# Roundings of a table's entries, as a share of the largest: what an enclosure of slopes lets pass.
_ROUNDING = 1e-9
# Mass moved between the two mean fields of a near pair: their ratio is nearly the slope, free of rounding.
_NEAR = 1e-4


class Sampled(NamedTuple):
    """Constants measured at sampled mean fields.

    Attributes:
        values: by the names of `GameConstants`, a lower bound of each; NaN where no sample has a number.
        witnesses: where each is.
        errors: what roundings of the tables may add to each Lipschitz ratio.
        searched: what was sampled, and what of it was not a number.
    """

    values: dict[str, float]
    witnesses: dict[str, dict[str, np.ndarray]]
    errors: dict[str, float]
    searched: dict[str, int]


class _Samples(NamedTuple):
    """Pairs of mean fields (P, 2, M), the tables at both (P, ...) each, and which pairs are numbers."""

    fields: Float[np.ndarray, "P 2 M"]
    first: dict[str, np.ndarray]
    second: dict[str, np.ndarray]
    usable: Bool[np.ndarray, " P"]


def sampled_constants(game: AbstractGame, settings: SearchSettings) -> Sampled:
    """Largest Lipschitz ratios and total variations at vertices, random mean fields and random near pairs.

    Args:
        game: the game, traced.
        settings: number of draws (at most 120) and seed.

    Returns:
        What was measured.
    """
    samples = _sampled(game, settings)
    searched = {
        "sampled_pairs": len(samples.fields),
        "sampled_nan": int(np.sum(~samples.usable)),
        "seed": settings.seed,
    }
    if not samples.usable.any():
        names = (*LIPSCHITZ.values(), *PAIRS, "follower_reward_low", "follower_reward_high")
        return Sampled(dict.fromkeys(names, float("nan")), {}, {}, searched)
    found = {constant: _largest_ratio(game, name, samples) for name, constant in LIPSCHITZ.items()}
    found |= {name: _largest_variation(game, pairs_of(game), samples) for name, pairs_of in PAIRS.items()}
    values = {name: value for name, (value, _) in found.items()}
    rewards = samples.first["follower_reward"][samples.usable]
    values |= {"follower_reward_low": float(np.min(rewards)), "follower_reward_high": float(np.max(rewards))}
    witnesses = {name: witness for name, (_, witness) in found.items()}
    errors = {constant: _ratio_error(samples, name, witnesses[constant]) for name, constant in LIPSCHITZ.items()}
    return Sampled(values, witnesses, errors, searched)


def _sampled(game: AbstractGame, settings: SearchSettings) -> _Samples:
    """Each mean field paired with a near one, then with the next."""
    fields, near = _sampled_fields(game, settings)
    there, nearby = tables_at(game, fields), tables_at(game, near)
    first = {name: np.concatenate([there[name], there[name][:-1]]) for name in FUNCTIONS}
    second = {name: np.concatenate([nearby[name], there[name][1:]]) for name in FUNCTIONS}
    pairs = np.concatenate([np.stack([fields, near], axis=1), np.stack([fields[:-1], fields[1:]], axis=1)])
    usable = np.all([_finite(tables[name]) for tables in (first, second) for name in FUNCTIONS], axis=0)
    return _Samples(pairs, first, second, usable)


def _sampled_fields(game: AbstractGame, settings: SearchSettings) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and random mean fields, and for each a neighbour with a little mass moved between two entries."""
    size = field_size(game)
    random = random_fields(size, min(settings.num_leaders, _MAX_FIELDS), settings.seed)
    fields = np.concatenate([np.eye(size)[:_MAX_VERTICES], random])
    source = np.argmax(fields, axis=1)
    offset = np.random.default_rng(settings.seed).integers(1, max(size, 2), len(fields))
    near, rows = fields.copy(), np.arange(len(fields))
    near[rows, source] -= _NEAR
    near[rows, (source + offset) % size] += _NEAR
    return fields, near


def _finite(table: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.all(np.isfinite(table.reshape(len(table), -1)), axis=1)
    return result


def _largest_ratio(game: AbstractGame, name: str, samples: _Samples) -> tuple[float, dict[str, np.ndarray]]:
    width = game.num_states if name == "transition" else 1
    change = np.abs(samples.first[name] - samples.second[name]).reshape(len(samples.fields), -1, width)
    distance = np.sum(np.abs(samples.fields[:, 0] - samples.fields[:, 1]), axis=1)
    ratios = np.sum(change, axis=-1) / np.where(distance > 0.0, distance, np.inf)[:, None]
    ratios[~samples.usable] = -np.inf
    pair, row = np.unravel_index(np.argmax(ratios), ratios.shape)
    fields = samples.fields[pair].reshape(2, *mean_field_shape(game))
    return float(ratios[pair, row]), {"mean_fields": fields, "row": row_index(game, int(row))}


def _ratio_error(samples: _Samples, name: str, witness: dict[str, np.ndarray]) -> float:
    distance = np.sum(np.abs(witness["mean_fields"][0] - witness["mean_fields"][1]))
    width = samples.first[name].shape[-1] if name == "transition" else 1
    largest = np.max(np.abs(samples.first[name][samples.usable]))
    return float(2.0 * _ROUNDING * width * largest / distance) if distance > 0.0 else float("inf")


def _largest_variation(
    game: AbstractGame, pairs: Bool[np.ndarray, "N N"], samples: _Samples
) -> tuple[float, dict[str, np.ndarray]]:
    allowed = max(_MAX_WORK // max(variation_work(pairs, game.num_states), 1), 1)
    chosen = np.flatnonzero(samples.usable)[:allowed]
    rows = samples.first["transition"][chosen].reshape(len(chosen), -1, game.num_states)
    found = largest_total_variation(rows, rows, pairs)
    worst = int(np.argmax(found.values))
    field = samples.fields[chosen[worst], 0].reshape(mean_field_shape(game))
    return float(found.values[worst]), field_witness(game, field, found.pairs[worst])
