"""The tables of a foreign environment at one time step, as functions of the mean field that JAX can differentiate."""

import functools
from typing import NamedTuple, SupportsInt

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import Dependence, MeanFieldSupport, sampled_table
from smfg_verify.interop.environment import Environment, enter, environment_of, number_of
from smfg_verify.interop.reading import Reading, describe_deviation, read, require_stationary, require_steady
from smfg_verify.records.portable import Portable


class SampledTable(Portable, eqx.Module):
    r"""A table read at the vertices of the simplex and affine between, $f(m) = c + \sum_j m_j d_j$.

    The slopes sum to zero over j. With vertices alone, $\sum_j m_j f(e_j)$, rows would sum to $1^T m$: off the simplex,
    where derivatives are taken too, mass would not be conserved, and the equilibrium's linear system would be singular.
    Affine is what every probe said and no proof: the table is marked so in every program.

    Attributes:
        constant: c, (n, A) or (n, A, n).
        slopes: d, (M, n, A) or (M, n, A, n).
        accepted: largest difference from the environment that counts as rounding, in units of the table.
        deviation: largest difference found at the probes, at most `accepted`.
        dependence: "none" or "affine".
    """

    constant: Float[Array, "n A *n"]
    slopes: Float[Array, "M n A *n"]
    accepted: Float[Array, ""]
    deviation: Float[Array, ""]
    dependence: Dependence = eqx.field(static=True)

    def __call__(self, mean_field: Float[Array, " M"], number: Int[Array, ""]) -> Float[Array, "n A *n"]:
        affine = self.dependence == "affine"
        table = self.constant + jnp.tensordot(mean_field, self.slopes, axes=1) if affine else self.constant
        return sampled_table(table, mean_field)


class CalledTable(Portable, eqx.Module):
    """A table that torch computes at every evaluation, with its derivatives.

    Attributes:
        name: "prob" or "reward".
        shape: of the table.
    """

    name: str = eqx.field(static=True)
    shape: tuple[int, ...] = eqx.field(static=True)
    dependence: Dependence = eqx.field(static=True, default="general")

    def __call__(self, mean_field: Float[Array, " M"], number: Int[Array, ""]) -> Float[Array, "n A *n"]:
        return _derivative(self.name, self.shape, 0, mean_field, jnp.asarray(number))


class EnvironmentTables(NamedTuple):
    """What an environment is at one time step: P(s' | s, a, m), r(s, a, m), mu0, the sizes and its number."""

    transition: SampledTable | CalledTable
    reward: SampledTable | CalledTable
    initial: Float[np.ndarray, " n"]
    num_states: int
    num_actions: int
    number: int


def read_tables(environment: object, time: int | None, support: MeanFieldSupport) -> EnvironmentTables:
    """Read an environment's tables.

    Args:
        environment: with `S`, `A`, `mu0`, `reward(t, L)` and `prob(t, L)`, in torch or NumPy.
        time: t; None for step 0 of an environment that is the same at all steps.
        support: of the mean field.

    Returns:
        The tables, affine ones as arrays.

    Raises:
        ValueError: not such an environment; tables of the wrong shape or not finite; rows that are no probabilities;
            functions that change from call to call, with the time step (where no time is given), or with the actions
            where the mean field has none; or a NumPy environment that is not affine.
    """
    source = Environment(environment, 0 if time is None else time, support)
    readings = {name: read(source, name) for name in ("prob", "reward")}
    require_steady(source)
    if time is None:
        require_stationary(source)
    return EnvironmentTables(
        transition=_table(source, "prob", readings["prob"]),
        reward=_table(source, "reward", readings["reward"]),
        initial=source.initial,
        num_states=source.num_states,
        num_actions=source.num_actions,
        number=enter(source, number_of(source, b"".join(reading.values for reading in readings.values()))),
    )


def _table(source: Environment, name: str, reading: Reading) -> SampledTable | CalledTable:
    corners = reading.corners
    if reading.is_affine:
        constant = np.mean(corners, axis=0)
        if np.all(corners == corners[0]):
            return _sampled(corners[0], np.zeros_like(corners), reading, "none")
        return _sampled(constant, corners - constant, reading, "affine")
    if source.in_torch:
        return CalledTable(name, corners.shape[1:])
    raise InputError(
        f"{describe_deviation(source, name, reading)}; expected an affine function: no derivatives of other NumPy code "
        "are known. Write it in JAX (a game of your own, AddedLeader.follower_reward, AddedLeader.transition) or in "
        "torch."
    )


def _sampled(constant: ArrayLike, slopes: ArrayLike, reading: Reading, dependence: Dependence) -> SampledTable:
    return SampledTable(
        constant=jnp.asarray(constant),
        slopes=jnp.asarray(slopes),
        accepted=jnp.asarray(reading.accepted),
        deviation=jnp.asarray(reading.deviation),
        dependence=dependence,
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _derivative(
    name: str, shape: tuple[int, ...], order: int, mean_field: Float[Array, " M"], number: Int[Array, ""]
) -> Array:
    """All derivatives of one order, a table in place of a directional derivative so that JAX can transpose it."""
    kind = jax.ShapeDtypeStruct(shape + mean_field.shape * order, mean_field.dtype)
    call = functools.partial(_call, name, order)
    result: Array = jax.pure_callback(call, kind, number, mean_field, vmap_method="sequential")
    return result


def _call(name: str, order: int, number: SupportsInt, mean_field: object) -> np.ndarray:
    return environment_of(int(number)).derivative(name, order, np.asarray(mean_field))


@_derivative.defjvp
def _derivative_jvp(
    name: str, shape: tuple[int, ...], order: int, primals: tuple[Array, Array], tangents: tuple[Array, Array]
) -> tuple[Array, Array]:
    (mean_field, number), (direction, _) = primals, tangents
    slope = _derivative(name, shape, order + 1, mean_field, number)
    return _derivative(name, shape, order, mean_field, number), slope @ direction
