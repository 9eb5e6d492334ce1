"""Who takes part in a comparison: each method with its defaults, and what of it a tuner may change."""

import dataclasses
from collections.abc import Mapping
from typing import cast

import numpy as np

from smfg_verify.records.entries import Entries, Record
from smfg_verify.records.registry import Registry
from smfg_verify.stochastic.ac_smfg import AcSmfg
from smfg_verify.stochastic.baselines import (
    Adage,
    ExactAscent,
    FictitiousPlay,
    NestedLoop,
    TotalDerivative,
    UnrolledAdjoint,
)
from smfg_verify.stochastic.method import Method
from smfg_verify.stochastic.schedules import Schedule

REFERENCE = "ac-smfg"
# A tuner multiplies each constant by ten to a power drawn evenly from this range.
_DECADES = 1.0

# As the class has them: a schedule would hold arrays, and the first array fixes how many threads JAX has.
_SCHEDULE = {field.name: cast(float, field.default) for field in dataclasses.fields(Schedule)}
_STEPS = tuple(f"schedule.{name}" for name in _SCHEDULE)


@dataclasses.dataclass(frozen=True)
class Contender:
    """A method that takes part.

    Attributes:
        name: of the method.
        method: class of the method.
        options: its defaults, as `Method.options` gives them.
        scaled: options that a tuner multiplies by a random factor, "schedule.leader" for an entry of a mapping.
        chosen: options that a tuner draws from a few values.
    """

    name: str
    method: type[Method]
    options: Entries
    scaled: tuple[str, ...]
    chosen: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    def default(self) -> Method:
        """The method with its defaults."""
        return self.method.from_options(self.options)

    def largest(self) -> Method:
        """The method with the largest of every option that is drawn from a few: what may draw most an iteration."""
        return self.method.from_options({**self.options, **{name: max(values) for name, values in self.chosen.items()}})

    def drawn(self, random: np.random.Generator) -> Method:
        """The method with random options."""
        options: Record = {
            name: dict(value) if isinstance(value, Mapping) else value for name, value in self.options.items()
        }
        for path in self.scaled:
            holder, name = _holder(options, path)
            holder[name] *= float(10.0 ** random.uniform(-_DECADES, _DECADES))
        for name, values in self.chosen.items():
            options[name] = int(random.choice(values))
        return self.method.from_options(options)


def _holder(options: Record, path: str) -> tuple[Record, str]:
    outer, _, inner = path.partition(".")
    return (options[outer], inner) if inner else (options, outer)


_CONTENDERS = (
    Contender(REFERENCE, AcSmfg, {"schedule": _SCHEDULE, "sampling": "markov"}, _STEPS),
    Contender(
        "nested-loop",
        NestedLoop,
        {"schedule": _SCHEDULE, "inner_iterations": 20, "leader_samples": 1},
        _STEPS,
        {"inner_iterations": (5, 20, 80)},
    ),
    Contender(
        "fictitious-play",
        FictitiousPlay,
        {
            "inner_iterations": 50,
            "resolution": 10,
            "leader_weight": 1.0,
            "follower_weight": 1.0,
            "mean_field_weight": 1.0,
            "critic_step": 2.0,
        },
        ("leader_weight", "follower_weight", "mean_field_weight", "critic_step"),
        {"inner_iterations": (20, 50, 200)},
    ),
    Contender("adage", Adage, {"schedule": _SCHEDULE, "horizon": 20, "num_episodes": 4}, _STEPS),
    Contender(
        "total-derivative",
        TotalDerivative,
        {"schedule": _SCHEDULE, "model_rounds": 1, "model_step": 1.0, "spacing": 0.5},
        (*_STEPS, "model_step"),
    ),
    Contender("exact-ascent", ExactAscent, {"leader_step": 1.0}, ("leader_step",)),
    Contender("unrolled-adjoint", UnrolledAdjoint, {"num_sweeps": 100, "leader_step": 1.0}, ("leader_step",)),
)


_KNOWN: Registry[Contender] = Registry("method")
for _contender in _CONTENDERS:
    _KNOWN.add(_contender.name, _contender, maker=__name__)


def contender_names() -> tuple[str, ...]:
    """Names of all contenders, AC-SMFG first.

    Returns:
        The names.

    Examples:
        >>> from smfg_verify.comparison import contender_names
        >>> contender_names()
        ('ac-smfg', 'nested-loop', 'fictitious-play', 'adage', 'total-derivative', 'exact-ascent', 'unrolled-adjoint')
    """
    return tuple(_KNOWN)


def find_contender(name: str) -> Contender:
    """The contender of a name.

    Args:
        name: out of `contender_names()`.

    Returns:
        The contender: its method and the options that tuning tries.

    Raises:
        ValueError: there is none; the nearest is named.

    Examples:
        >>> from smfg_verify.comparison import find_contender
        >>> find_contender("nested-loop").name
        'nested-loop'
    """
    return _KNOWN.find(name)
