"""The cases by name, and how they are run."""

import dataclasses
import functools
import inspect
import re
import time
from collections.abc import Callable, Iterable

import jax.numpy as jnp

from smfg_verify.cases.record import CaseRecord, CaseVerdict, Version
from smfg_verify.errors import InputError
from smfg_verify.records.parts import Keep, made_anew
from smfg_verify.records.registry import Registry
from smfg_verify.suggestions import closest

CaseFunction = Callable[..., CaseRecord]


@dataclasses.dataclass(frozen=True)
class Case:
    """A claim that can be run.

    Attributes:
        name: words joined by hyphens.
        function: from a `Version` to the record; its further arguments are ingredients, to be broken by tests.
        source: where the claim comes from.

    Examples:
        >>> from smfg_verify.cases import find_case
        >>> find_case("soft-bellman-contraction").statement
        'The soft Bellman operator has the Lipschitz constant gamma in the sup norm, attained by constant shifts.'
    """

    name: str
    function: CaseFunction
    source: str

    @property
    def statement(self) -> str:
        """The claim in one sentence, the first line of the function's docstring."""
        return self._documentation.splitlines()[0]

    @property
    def formula(self) -> str:
        """The claim in formulas, the displayed ones of the docstring."""
        return "; ".join(" ".join(part.split()) for part in re.findall(r"\$\$(.*?)\$\$", self._documentation, re.S))

    @property
    def _documentation(self) -> str:
        return inspect.getdoc(self.function) or self.name


@dataclasses.dataclass(frozen=True)
class CaseOutcome:
    """A case that was run.

    Attributes:
        case: which.
        version: how much of it.
        record: what it gave.
        seconds: how long it took, compilation included.

    Examples:
        >>> from smfg_verify.cases import CaseOutcome, CaseRecord, Kind, Version, find_case
        >>> record = CaseRecord(
        ...     measured=0.5, predicted=1.0, kind=Kind.UPPER_BOUND, error=0.0, error_source="none", looked_at="one"
        ... )
        >>> CaseOutcome(find_case("policy-lipschitz"), Version.QUICK, record, seconds=0.1).verdict.value
        'holds'
    """

    case: Case
    version: Version
    record: CaseRecord
    seconds: float

    @property
    def verdict(self) -> CaseVerdict:
        """The record's verdict."""
        return self.record.verdict


_CASES: Registry[Case] = Registry("case")


def register_case(name: str, *, source: str) -> Callable[[CaseFunction], CaseFunction]:
    """Function decorator: make `function(version, **ingredients) -> CaseRecord` a case.

    Args:
        name: words joined by hyphens.
        source: where the claim comes from.

    Returns:
        The decorator, which returns the function unchanged.

    Raises:
        ValueError: the name belongs to another function, or the docstring has no displayed formula.

    Examples:
        >>> from smfg_verify.cases import register_case
        >>> def without_formula(version):
        ...     "A claim without a displayed formula."
        >>> try:
        ...     register_case("mine", source="Ours.")(without_formula)
        ... except ValueError as error:
        ...     print("formula" in str(error))
        True
    """

    def decorate(function: CaseFunction) -> CaseFunction:
        case = Case(name, function, source)
        if not case.formula:
            raise InputError(f"case {name!r}: got a docstring without $$ formula $$, expected the claim in formulas.")
        _CASES.add(name, case, maker=function.__module__)
        return function

    return decorate


def case_names() -> tuple[str, ...]:
    """Names of all cases, in the order they are run.

    Returns:
        The names.

    Examples:
        >>> from smfg_verify.cases import case_names
        >>> case_names()[:3]
        ('gradient-identity', 'gradient-domination', 'gap-identity')
    """
    return tuple(_CASES)


def find_case(name: str) -> Case:
    """The case of that name.

    Args:
        name: out of `case_names()`.

    Returns:
        The case.

    Raises:
        ValueError: unknown; the closest known name is named.

    Examples:
        >>> from smfg_verify.cases import find_case
        >>> find_case("gap-identity").source
        'Mei, Xiao, Szepesvari, Schuurmans (2020), Lemma 26.'
    """
    return _CASES.find(name)


def run_case(name: str, version: Version | str = Version.QUICK) -> CaseOutcome:
    """Run one case and time it.

    Args:
        name: of the case.
        version: "quick" or "full".

    Returns:
        What it gave, and how long it took.

    Raises:
        ValueError: an unknown name or version, or float64 is off.

    Examples:
        >>> from smfg_verify.cases import run_case
        >>> outcome = run_case("critic-lower-bound")
        >>> outcome.record.kind.value, outcome.verdict.value
        ('lower-bound', 'holds')
    """
    case, version = find_case(name), _version(version)
    _require_float64()
    begun = time.monotonic()
    record = case.function(version)
    return CaseOutcome(case, version, record, round(time.monotonic() - begun, 3))


def run_cases(
    names: Iterable[str] | None = None,
    version: Version | str = Version.QUICK,
    *,
    progress: Callable[[str], object] | None = None,
    keep: Keep = made_anew,
) -> tuple[CaseOutcome, ...]:
    """Run several cases; every name is looked up before the first is run.

    Args:
        names: of the cases; all of them if None.
        version: "quick" or "full".
        progress: called with each name before it is run.
        keep: called with each name and what makes the record and its seconds, to keep them or take back kept ones.

    Returns:
        The outcomes, in the order of the names.

    Raises:
        ValueError: as `run_case`.

    Examples:
        >>> from smfg_verify.cases import run_cases
        >>> [(outcome.case.name, outcome.verdict.value) for outcome in run_cases(["critic-lower-bound"])]
        [('critic-lower-bound', 'holds')]
    """
    chosen = [find_case(name).name for name in (case_names() if names is None else dict.fromkeys(names))]
    version = _version(version)

    def made(name: str) -> tuple[CaseRecord, float]:
        if progress is not None:
            progress(name)
        outcome = run_case(name, version)
        return outcome.record, outcome.seconds

    return tuple(CaseOutcome(find_case(name), version, *keep(name, functools.partial(made, name))) for name in chosen)


def _version(version: Version | str) -> Version:
    try:
        return Version(version)
    except ValueError as error:
        options = ", ".join(Version)
        raise InputError(
            f"version: got {version!r}{closest(version, map(str, Version))}; expected one of: {options}."
        ) from error


def _require_float64() -> None:
    if jnp.result_type(float) != jnp.float64:
        raise InputError(
            "precision: JAX is in float32, cases need float64; add `jax.config.update('jax_enable_x64', True)` right "
            "after `import jax`."
        )
