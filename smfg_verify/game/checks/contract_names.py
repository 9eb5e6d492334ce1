"""Names beside the contract: an attribute that nothing reads and that its author took for a part of the model."""

import difflib
import dis
import functools
import inspect
import types
import warnings
from collections.abc import Iterator

import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame
from smfg_verify.game.prepared import class_of
from smfg_verify.game.reach.libraries import libraries_for

REQUIRED = (
    "num_states",
    "num_follower_actions",
    "num_leader_actions",
    "discount",
    "temperature",
    "transition",
    "follower_reward",
    "leader_reward",
)
OPTIONAL = (
    "leader_temperature",
    "mean_field_support",
    "initial_distribution",
    "leader_observation",
    "transition_dependence",
    "follower_reward_dependence",
    "leader_reward_dependence",
    "state_labels",
    "follower_action_labels",
    "leader_action_labels",
    "successors",
    "name",
)
# What other packages and papers call them.
_OTHER_NAMES = {
    "num_states": ("n_states", "nstates", "number_of_states", "state_count", "S"),
    "num_follower_actions": ("num_actions", "n_actions", "n_follower_actions", "number_of_actions", "A"),
    "num_leader_actions": ("n_leader_actions", "B"),
    "discount": ("gamma", "discount_factor", "discount_rate", "discounting"),
    "temperature": ("tau", "temp", "entropy_weight", "regularisation", "regularization", "follower_temperature"),
    "leader_temperature": ("tau_l", "tau_leader", "leader_tau", "leader_entropy_weight", "leader_entropy"),
    "transition": ("transitions", "kernel", "transition_kernel", "transition_probabilities", "prob", "dynamics", "P"),
    "follower_reward": (
        "reward",
        "rewards",
        "reward_fn",
        "reward_function",
        "follower_rewards",
        "follower_cost",
        "r_f",
    ),
    "leader_reward": ("leader_rewards", "leader_cost", "leader_objective", "r_l"),
    "mean_field_support": ("support", "mean_field_type", "mean_field_on", "mean_field_kind"),
    "initial_distribution": ("mu0", "mu_0", "rho", "initial_law", "initial_state_distribution", "init_distribution"),
    "leader_observation": ("observation", "observations", "leader_observations", "observation_map"),
    "transition_dependence": ("kernel_dependence",),
    "follower_reward_dependence": ("reward_dependence",),
    "state_labels": ("state_names", "states_labels", "states_names", "labels", "names_of_states"),
    "follower_action_labels": ("action_labels", "action_names", "follower_action_names", "follower_labels"),
    "leader_action_labels": ("leader_action_names", "leader_labels", "leader_names"),
    "successors": ("neighbours", "neighbors", "next_states", "successor_states"),
}
_WORD_OF = {other: word for word, others in _OTHER_NAMES.items() for other in others}
_HORIZON = "time has no end here: rewards are discounted for ever, over about 1 / (1 - discount) steps"
_TYPES = "there is one population of followers: make the type a part of the state, which transitions never change"
_ENDS = "episodes never end: let the transition stay in such a state, and its rewards be 0"
_NOISE = "the mean field is deterministic, no shock is common to all followers"
_MASK = "every action can be taken in every state: give those that are not meant a large negative reward"
_PLAYERS = "followers are a continuum; simulate_population takes a number of them"
_TIME = "nothing depends on time: transitions and rewards are the same at every step"
# What this model has not, and what to do instead.
_FOREIGN = {
    **dict.fromkeys(("horizon", "T", "num_steps", "episode_length", "max_steps", "time_horizon"), _HORIZON),
    **dict.fromkeys(("num_follower_types", "num_types", "follower_types", "num_populations", "num_classes"), _TYPES),
    **dict.fromkeys(("terminal_states", "terminal_state", "terminal", "is_terminal", "terminal_reward", "done"), _ENDS),
    **dict.fromkeys(("common_noise", "aggregate_shock", "aggregate_shocks", "common_shock"), _NOISE),
    **dict.fromkeys(("action_mask", "available_actions", "legal_actions", "allowed_actions", "feasible"), _MASK),
    **dict.fromkeys(("num_players", "num_agents", "num_followers", "population_size"), _PLAYERS),
    **dict.fromkeys(("time_dependent", "time_varying"), _TIME),
    **dict.fromkeys(("num_leaders", "leaders"), "there is one leader"),
    "absorbing_states": _ENDS,
}
# Said and not refused: they do not change which game is meant.
_HARMLESS = frozenset({"num_players", "num_agents", "num_followers", "population_size"})
_CLOSE = 0.87
# An object that makes up attributes as it is asked for them has no end of them.
_MOST_DECORATORS = 50
_READS = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})
_OUTSIDE = frozenset(AbstractGame.__mro__)


def require_instance(game: object) -> None:
    """Refuse what is no game.

    Raises:
        ValueError: it is something else; of a class of games, that an instance is expected.
    """
    if isinstance(game, AbstractGame):
        return
    if isinstance(game, type) and issubclass(game, AbstractGame) and game is not AbstractGame:
        raise InputError(
            f"game: got the class {game.__name__}, expected an instance of it; write {game.__name__}(...)."
        )
    got = f"the class {game.__name__}" if isinstance(game, type) else type(game).__name__
    raise InputError(f"game: got {got}, expected an instance of a subclass of smfg_verify.game.AbstractGame.")


def check_names(game: AbstractGame) -> None:
    """Refuse what a game's class calls by nearly a name of the contract, or by that of something this model has not.

    Only what nothing in the class reads is looked at: the solvers would pass over it without a word. What a method, a
    property or a helper of theirs reads is a parameter of the author's, whatever it is called.

    Args:
        game: any game.

    Raises:
        ValueError: such an attribute, and what it is called here or what to do instead.
    """
    kind = class_of(game)
    ignored = sorted(own_names(kind) - set(REQUIRED) - set(OPTIONAL) - _read_names(kind))
    refused = [told for told in (_refusal(game, name) for name in ignored) if told]
    if refused:
        raise InputError(f"{'; '.join(refused)}. Rename it, leave it out, or start its name with an underscore.")
    for name in ignored:
        if name in _HARMLESS:
            warnings.warn(f"{name}: {_nobody_reads(game)}: {_FOREIGN[name]}.", UserWarning, stacklevel=2)


def _refusal(game: AbstractGame, name: str) -> str:
    """What is wrong with an attribute that nothing reads; empty where nothing is."""
    word = contract_word(name)
    if word is not None:
        return f"{name}: {_nobody_reads(game)}; expected {word!r}, as it is called here ({_now(game, word)})"
    if name in _FOREIGN and name not in _HARMLESS and not _says_none(getattr(game, name)):
        return f"{name}: {_nobody_reads(game)}, and this model has none: {_FOREIGN[name]}"
    return ""


def _nobody_reads(game: AbstractGame) -> str:
    return f"an attribute of {class_of(game).__name__} that nothing reads"


def check_labels(game: AbstractGame) -> None:
    """Refuse labels that are not one for each state or action.

    Args:
        game: any game.

    Raises:
        ValueError: labels of the wrong number or kind.
    """
    sizes = {
        "state_labels": "num_states",
        "follower_action_labels": "num_follower_actions",
        "leader_action_labels": "num_leader_actions",
    }
    for name, size in sizes.items():
        labels, expected = getattr(game, name), getattr(game, size)
        if labels is None:
            continue
        if isinstance(labels, str | dict | set) or not hasattr(labels, "__len__"):
            raise InputError(f"{name}: got {labels!r}, expected a list of {expected} names, one for each of {size}.")
        if len(labels) != expected:
            raise InputError(
                f"{name}: got {len(labels)} names ({', '.join(map(str, labels[:4]))}{', ...' * (len(labels) > 4)}), "
                f"expected {expected}, one for each of {size}."
            )


def missing_names(kind: type[AbstractGame]) -> str:
    """In words, which parts of the contract a class has not, with what it has that may be meant; empty if none."""
    missing = sorted(
        {*getattr(kind, "__abstractmethods__", ()), *getattr(kind, "__abstractvars__", ())}
        | set(getattr(kind, "__abstractclassvars__", ()))
    )
    # Words are looked for where one is missing: that takes longer than all else that a new game needs.
    meant = {contract_word(name): name for name in sorted(own_names(kind))} if missing else {}
    return ", ".join(word + (f" (is {meant[word]!r} meant?)" if word in meant else "") for word in missing)


def contract_word(name: str) -> str | None:
    """The name of the contract that a name stands for or nearly is; None where there is none."""
    near = difflib.get_close_matches(name, (*REQUIRED, *OPTIONAL), n=1, cutoff=_CLOSE)
    return _WORD_OF.get(name, near[0] if near else None)


def own_names(kind: type[AbstractGame]) -> set[str]:
    """Attributes, fields and methods that a class and its bases define themselves, private ones left out."""
    bases = [base for base in kind.__mro__ if base not in _OUTSIDE]
    names = {name for base in bases for name in (*vars(base), *inspect.get_annotations(base))}
    known = {name for base in _OUTSIDE for name in vars(base)}
    return {name for name in names - known if not name.startswith("_")}


def _read_names(kind: type[AbstractGame]) -> set[str]:
    """Attributes that some code of a class reads, of whatever object, and what its helpers read."""
    names: set[str] = set()
    seen: set[int] = set()
    libraries = libraries_for(kind, AbstractGame)
    waiting = [value for base in kind.__mro__ if base not in _OUTSIDE for value in vars(base).values()]
    while waiting:
        for function in _functions_of(waiting.pop()):
            if (
                id(function) not in seen
                and not _is_generated(function)
                and not libraries.made(function.__code__.co_filename)
            ):
                seen.add(id(function))
                names |= _read_by(function.__code__, function, waiting)
    return names


def _functions_of(value: object) -> Iterator[types.FunctionType]:
    """The functions that a value is or is made of, through all its decorators, a library's too."""
    seen: dict[int, object] = {}  # which keeps them alive, so that no two have one number
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if callable(part) or isinstance(part, property | classmethod | functools.cached_property):
            if id(part) in seen or len(seen) > _MOST_DECORATORS:
                continue
            seen[id(part)] = part
            if isinstance(part, types.FunctionType):
                yield part
            waiting += [getattr(part, name, None) for name in ("fget", "__func__", "__wrapped__", "func")]


def _read_by(code: types.CodeType, function: types.FunctionType, waiting: list[object]) -> set[str]:
    names: set[str] = set()
    for step in dis.get_instructions(code):
        if step.opname in _READS:
            names.add(step.argval)
        elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            waiting.append(function.__globals__.get(step.argval))
        elif step.opname == "LOAD_CONST" and isinstance(step.argval, str) and "getattr" in code.co_names:
            names.add(step.argval)
    for cell in function.__closure__ or ():
        try:
            waiting.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            names |= _read_by(inner, function, waiting)
    return names


def _is_generated(function: types.FunctionType) -> bool:
    """Whether a dataclass wrote the function, as it does one that prints every field; code for python -c is no such."""
    return function.__code__.co_filename == "<string>" and function.__name__.startswith("__")


def _says_none(value: object) -> bool:
    """Whether a value says that there is none of it, or one where there is one anyhow."""
    if value is None or value is False:
        return True
    array = np.asarray(value) if isinstance(value, int | float | list | tuple | np.ndarray) else None
    return array is not None and (array.size == 0 or (array.ndim == 0 and array.item() in (0, 1)))


def _now(game: AbstractGame, word: str) -> str:
    value = getattr(game, word, None)
    if callable(value) or value is None:
        return "a method" if callable(value) else "not given"
    return (
        f"now {np.array2string(np.asarray(value), threshold=6, precision=4)}" if not isinstance(value, str) else value
    )
