"""The record of a stochastic run: every iterate at the checkpoints, for every seed."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float, Int, UInt

from smfg_verify.errors import InputError
from smfg_verify.records.codec import decode
from smfg_verify.records.documents import parsed
from smfg_verify.records.entries import Json, Record
from smfg_verify.records.portable import Portable
from smfg_verify.records.readable import Readable
from smfg_verify.stochastic.engine import storage
from smfg_verify.stochastic.iterate import Sampling

if TYPE_CHECKING:
    import xarray

_PER_STATE = ("seed", "iteration", "state")
_DIMENSIONS = {
    "leader_logits": ("seed", "iteration", "observation", "leader_action"),
    "follower_logits": (*_PER_STATE, "action"),
    "leader_critic": _PER_STATE,
    "follower_critic": _PER_STATE,
    "mean_field": (*_PER_STATE, "action"),
    "occupancy_state": ("seed", "iteration"),
    "population_state": ("seed", "iteration"),
    "diverged": ("seed",),
}
_LONG_NAMES = {
    "leader_logits": "leader's logits omega",
    "follower_logits": "follower's logits theta",
    "leader_critic": "leader's critic V_l, units of reward",
    "follower_critic": "follower's critic V_f, units of reward",
    "mean_field": "mean field estimate mu_hat",
    "occupancy_state": "state s of the chain with restarts",
    "population_state": "state s_bar of the chain without restarts",
    "diverged": "1 where an iterate at a checkpoint is not finite",
}


@dataclasses.dataclass(frozen=True)
class TraceMetadata:
    """What a run was: its game, its method and options, its length.

    Attributes:
        game: class name of the game.
        game_hash: hash of the game's class name, parameters and static structure.
        method: name of the learning method, such as "ac-smfg".
        method_options: its options as JSON, in one line with sorted keys.
        num_iterations: iterations asked for; the last of `Trace.iterations` once the run is complete.
        dtype: floating type of the run.
        package_version: version of this package.
        transitions_per_iteration: transitions of the game that one iteration samples.

    Examples:
        >>> from smfg_verify import ac_smfg, games
        >>> trace = ac_smfg(games.load("laffer-tax"), num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> trace.metadata.method, trace.metadata.game, trace.metadata.sampling
        ('ac-smfg', 'LafferTax', 'markov')
        >>> trace.metadata.step_constants["leader"], trace.metadata.transitions_per_iteration
        (0.2, 2)
    """

    game: str
    game_hash: str
    method: str
    method_options: str
    num_iterations: int
    dtype: str
    package_version: str
    transitions_per_iteration: int

    @property
    def options(self) -> Record:
        """The method's options by name."""
        options: Record = decode(parsed(self.method_options))
        return options

    @property
    def step_constants(self) -> dict[str, float]:
        """Constants of the step sizes of AC-SMFG by learner, as `Schedule.constants` gives them.

        Raises:
            ValueError: a run of another method.
        """
        result: dict[str, float] = self._of_ac_smfg("schedule")
        return result

    @property
    def sampling(self) -> Sampling:
        """How a run of AC-SMFG draws its samples, "markov" or "iid".

        Raises:
            ValueError: a run of another method.
        """
        result: Sampling = self._of_ac_smfg("sampling")
        return result

    def _of_ac_smfg(self, option: str) -> Json:
        if self.method != "ac-smfg":
            raise InputError(
                f"trace: got a run of {self.method}, expected one of ac-smfg; what is asked for is about its {option}."
            )
        return self.options[option]


class Trace(Readable, Portable, eqx.Module):
    """A run at its checkpoints; row k of an array is the iterate after `iterations[k]` updates (0 is the start).

    Attributes:
        seeds: (seeds,).
        iterations: checkpoints reached, increasing, (C,).
        leader_logits: omega, (seeds, C, O, B).
        follower_logits: theta, (seeds, C, n, A).
        leader_critic, follower_critic: V_l and V_f, (seeds, C, n), in units of reward.
        mean_field: mu_hat, (seeds, C, n) or (seeds, C, n, A).
        occupancy_state, population_state: the two chains' states s and s_bar, (seeds, C).
        diverged: whether any iterate of a seed at a checkpoint is not finite, (seeds,).
        metadata: what the run was.

    Examples:
        >>> from smfg_verify import Trace, ac_smfg, games
        >>> trace = ac_smfg(games.load("laffer-tax"), num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> trace.iterations.tolist(), trace.leader_logits.shape, trace.diverged.tolist()
        ([10, 20], (2, 2, 1, 2), [False, False])
        >>> trace.save("run.nc")
        >>> bool((Trace.load("run.nc").mean_field == trace.mean_field).all())
        True
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("game", "method", "seeds", "last_iteration", "diverged")

    seeds: UInt[np.ndarray, " seeds"]
    iterations: Int[np.ndarray, " C"]
    leader_logits: Float[np.ndarray, "seeds C O B"]
    follower_logits: Float[np.ndarray, "seeds C n A"]
    leader_critic: Float[np.ndarray, "seeds C n"]
    follower_critic: Float[np.ndarray, "seeds C n"]
    mean_field: Float[np.ndarray, "seeds C n *A"]
    occupancy_state: Int[np.ndarray, "seeds C"]
    population_state: Int[np.ndarray, "seeds C"]
    diverged: Bool[np.ndarray, " seeds"]
    metadata: TraceMetadata = eqx.field(static=True)

    @property
    def game(self) -> str:
        """Name of the game."""
        return self.metadata.game

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.metadata.method

    @property
    def last_iteration(self) -> int:
        """The last iteration that was recorded; 0 where none was."""
        return int(self.iterations[-1]) if self.iterations.size else 0

    @property
    def complete(self) -> bool:
        """Whether the run reached its last iteration (a checkpoint file of a run cut short has not)."""
        return self.iterations.size > 0 and int(self.iterations[-1]) == self.metadata.num_iterations

    def to_xarray(self) -> "xarray.Dataset":
        """The trace as a dataset.

        Returns:
            Variables named as the attributes, with dimensions (seed, iteration, observation, leader_action, state,
            action) where they apply, coordinates `seed` and `iteration`, and the metadata as attributes.
        """
        import xarray

        variables = {}
        for name, dimensions in _DIMENSIONS.items():
            values = getattr(self, name)
            values = values.astype(np.int8) if values.dtype == bool else values
            variables[name] = (dimensions[: values.ndim], values, {"long_name": _LONG_NAMES[name]})
        coordinates = {"seed": self.seeds, "iteration": self.iterations}
        attributes = {**storage.format_attributes(), **dataclasses.asdict(self.metadata)}
        return xarray.Dataset(variables, coords=coordinates, attrs=attributes)

    @classmethod
    def from_xarray(cls, dataset: "xarray.Dataset") -> "Trace":
        """The trace in a dataset made by `to_xarray`.

        Args:
            dataset: with the schema version of this package.

        Returns:
            The trace.

        Raises:
            ValueError: not such a dataset, or of another schema version.
        """
        storage.check_format(dataset.attrs, "dataset")
        names = [*_DIMENSIONS, "seed", "iteration"]
        missing = [name for name in names if name not in dataset.variables]
        missing += [field.name for field in dataclasses.fields(TraceMetadata) if field.name not in dataset.attrs]
        if missing:
            raise InputError(f"trace: {', '.join(missing)} missing; likely cause: a file that was edited or cut.")
        arrays = {name: dataset[name].values for name in _DIMENSIONS}
        arrays["diverged"] = arrays["diverged"].astype(bool)
        metadata = TraceMetadata(**{name: _plain(dataset.attrs[name]) for name in TraceMetadata.__dataclass_fields__})
        return cls(seeds=dataset["seed"].values, iterations=dataset["iteration"].values, **arrays, metadata=metadata)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace, completely or not at all: a reader sees the old file or the new one, never a part.

        Args:
            path: ending in .nc (netCDF4) or .zarr (a directory; needs the package zarr).

        Raises:
            ValueError: another ending, zarr is not installed, or the folder it is to stand in does not exist.
            OSError: the disk is full or the folder cannot be written; the old file is as it was.
        """
        if storage.is_zarr(path):
            storage.write_zarr(Path(path), self.to_xarray())
        else:
            storage.write_netcdf(path, {None: self.to_xarray()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Trace":
        """Read a trace, also out of the checkpoint file of a run (finished or not).

        Args:
            path: ending in .nc or .zarr.

        Returns:
            The trace, up to the last checkpoint in the file.

        Raises:
            ValueError: no such file, not a trace, truncated, or of another schema version; the message says which.
        """
        return cls.from_xarray(storage.read(path))


def _plain(attribute: object) -> Json:
    return attribute.item() if isinstance(attribute, np.generic) else attribute
