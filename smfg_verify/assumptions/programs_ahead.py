"""The large programs of a check, made ahead of it: how each is asked for, in the order in which it will be."""

import contextlib
import functools
import importlib
from collections.abc import Callable, Collection, Iterator

import numpy as np

from smfg_verify.assumptions.contraction.measured_modulus import moduli, negative_size, search_size
from smfg_verify.assumptions.contraction.secants import images_at
from smfg_verify.assumptions.gradient_domination.measures import log_ratio
from smfg_verify.assumptions.search import slopes_of
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.step_sizes.mean_field_tracking import pieces_at
from smfg_verify.assumptions.uniqueness.several_equilibria import follow_down
from smfg_verify.exact.compiling import table_entries
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, evaluate_leaders
from smfg_verify.exact.gradient.slopes_at_leaders import gradient_slopes, held_field_slopes
from smfg_verify.exact.response_jacobian import at_mean_fields, field_size, uniform_field
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape, traced
from smfg_verify.game.programs.kept_programs import is_keeping
from smfg_verify.game.programs.making_ahead import making_ahead
from smfg_verify.records.entries import Arguments

# Entries of the transition as a dense table, beyond which computing takes far longer than compiling.
_MOST_ENTRIES = 1e7

Call = Callable[[AbstractGame, SearchSettings], object]


@contextlib.contextmanager
def programs_ahead(game: AbstractGame, properties: Collection[str], settings: SearchSettings) -> Iterator[None]:
    """While the block goes on, make programs that a check will most likely ask for; where none are kept, none.

    What is found in the block is the same in every bit without them.

    Args:
        game: the game.
        properties: names of those that are checked.
        settings: how hard the check searches.
    """
    ready = traced(game)
    wanted = [call for call, users in _CALLS.items() if not users.isdisjoint(properties)]
    calls = [functools.partial(call, ready, settings) for call in wanted]
    with making_ahead(calls if is_keeping() and table_entries(ready) <= _MOST_ENTRIES else ()):
        yield


def _uniform(game: AbstractGame) -> tuple[np.ndarray, np.ndarray]:
    """One leader and one mean field, the points of a batch."""
    return np.zeros((1, *leader_logits_shape(game))), uniform_field(game)[None]


def _responses(game: AbstractGame, settings: SearchSettings) -> object:
    return at_mean_fields(game, *_uniform(game))


def _modulus(game: AbstractGame, settings: SearchSettings) -> object:
    starts = search_size(settings)
    taus, size = np.full(starts, float(game.temperature)), int(np.prod(leader_logits_shape(game))) + field_size(game)
    return slopes_of(negative_size, game, moduli(game, taus), batch=starts)(np.zeros((starts, size)))


def _conic_programs(game: AbstractGame, settings: SearchSettings) -> object:
    """No program, but a library that takes as long to load, and that the search for a weighted norm begins with."""
    return importlib.import_module("cvxpy")


def _secants(game: AbstractGame, settings: SearchSettings) -> object:
    logits, fields = _uniform(game)
    return images_at(game, logits, fields, fields, np.full(1, float(game.temperature)))


def _walk(game: AbstractGame, settings: SearchSettings) -> object:
    return follow_down(game, _uniform(game)[0][0], max_steps=0)


def _domination(game: AbstractGame, settings: SearchSettings) -> object:
    starts = 2 * ((settings.num_starts + 1) // 2)
    size = game.num_states * game.num_follower_actions + int(np.prod(leader_logits_shape(game))) + field_size(game)
    return slopes_of(log_ratio, game, np.zeros(starts))(np.zeros((starts, size)))


def _leaders(game: AbstractGame, settings: SearchSettings) -> object:
    return evaluate_leaders(game, _uniform(game)[0], rescue=False)


def _slopes(game: AbstractGame, settings: SearchSettings) -> object:
    return gradient_slopes(game, _points(game), _uniform(game)[0])


def _held_slopes(game: AbstractGame, settings: SearchSettings) -> object:
    return held_field_slopes(game, _points(game), _uniform(game)[0])


def _points(game: AbstractGame) -> LeaderPoints:
    logits, fields = _uniform(game)
    unknown: Arguments = dict.fromkeys(LeaderPoints._fields, np.zeros(1))
    known = {"mean_field": fields.reshape(1, *mean_field_shape(game)), "follower_value": np.zeros((1, game.num_states))}
    return LeaderPoints(**unknown)._replace(logits=logits, **known)


def _tracking(game: AbstractGame, settings: SearchSettings) -> object:
    logits, fields = _uniform(game)
    return pieces_at(game, logits, fields.reshape(1, *mean_field_shape(game)))


# Each with the properties that ask for it.
_CALLS: dict[Call, frozenset[str]] = {
    _responses: frozenset({"contraction", "one-sided-contraction", "uniqueness"}),
    _leaders: frozenset({"gradient-domination", "gradient-alignment", "smoothness", "step-sizes"}),
    _modulus: frozenset({"contraction", "one-sided-contraction"}),
    _secants: frozenset({"contraction", "one-sided-contraction"}),
    _conic_programs: frozenset({"contraction"}),
    _walk: frozenset({"uniqueness"}),
    _domination: frozenset({"gradient-domination"}),
    _slopes: frozenset({"gradient-alignment", "smoothness"}),
    _held_slopes: frozenset({"gradient-alignment"}),
    _tracking: frozenset({"step-sizes"}),
}
