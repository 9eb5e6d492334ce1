"""Certificates against games made to break them: how many are wrong, beside how many are given.

`python -m benchmarks.adversarial_games --games 1000`, or some families by `--family kinks --family jumps`: two places,
two moves, two leader actions in one row; rewards for company that are linear, tuned to the fold where a second
equilibrium appears, sigmoid, kinked or jumping, and chains that hardly move. What is proved of each (uniqueness by
contraction, by the one-sided rate, by the index; modulus and rate by cells) is held against NumPy that shares no code
with the package: the soft best response by policy iteration on a grid of leaders and mean fields, finer where the map
is nearest to the identity. A second fixed point of one leader makes a certificate of uniqueness false; a steeper secant
makes a modulus or a rate false. Exit code 1 if any is.
"""

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions import search_settings
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.modulus_by_cells import modulus_by_cells
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of, smaller_bound
from smfg_verify.assumptions.one_sided.certified_rate import proves, rate_by_cells
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness.index import index_by_cells
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, parameter
from smfg_verify.report.tables.markdown import markdown_table

COLUMNS = ("family", "games", "several equilibria", "unique by contraction", "by rate", "by index", "none", "false")
# Shortest secants looked at, and what they may miss by: a few roundings of a share over their length.
_FINEST, _SECANT = 1e-5, 1e-9
_FIELDS, _NEAR, _LEADERS = 1601, 161, 13
_STRONGEST = 15.0


class Company(AbstractGame):
    """Two places; r_f = base + strength * taste(share at one's place, threshold), rows tilted by the shares."""

    to_second: Float[jax.Array, "n A B"] = parameter()
    tilt: float = parameter()
    base: Float[jax.Array, "n A B"] = parameter()
    strength: float = parameter()
    threshold: float = parameter()
    discount: float = parameter(default=0.7)
    temperature: float = parameter(default=0.5)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    leader_observation = (0, 0)

    def transition(self, state, follower_action, leader_action, mean_field):
        second = self.to_second[state, follower_action, leader_action] + self.tilt * (mean_field[1] - 0.5)
        return jnp.stack([1.0 - second, second])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        company = self.taste(mean_field[state])
        return self.base[state, follower_action, leader_action] + self.strength * company

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1] - 0.1 * leader_action

    def taste(self, share):
        return share


class Sigmoid(Company):
    """Company counts around the threshold."""

    def taste(self, share):
        return jnp.tanh(8.0 * (share - self.threshold))


class Kinked(Company):
    """Company counts from the threshold on."""

    def taste(self, share):
        return 2.0 * jnp.maximum(share - self.threshold, 0.0)


class Jumping(Company):
    """Company counts, all at once, beyond the threshold."""

    def taste(self, share):
        return jnp.where(share > self.threshold, 1.0, 0.0)


# The same tastes for the judge, in NumPy.
TASTES: dict[type[Company], Callable[[np.ndarray, float], np.ndarray]] = {
    Company: lambda share, _: share,
    Sigmoid: lambda share, threshold: np.tanh(8.0 * (share - threshold)),
    Kinked: lambda share, threshold: 2.0 * np.maximum(share - threshold, 0.0),
    Jumping: lambda share, threshold: (share > threshold).astype(float),
}


@dataclasses.dataclass(frozen=True)
class Numbers:
    """What a game is made of, and how company tastes."""

    kind: type[Company]
    to_second: np.ndarray
    tilt: float
    base: np.ndarray
    strength: float
    threshold: float
    discount: float
    temperature: float

    def game(self) -> AbstractGame:
        options = {name: getattr(self, name) for name in ("tilt", "strength", "threshold", "discount", "temperature")}
        return self.kind(to_second=jnp.asarray(self.to_second), base=jnp.asarray(self.base), **options)


def response(numbers: Numbers, leaders: Float[np.ndarray, " L"], fields: Float[np.ndarray, "L F"]) -> np.ndarray:
    """Share at the second place that the soft best response leads to, (L, F), by policy iteration."""
    weights = np.stack([1.0 - leaders, leaders], axis=-1)
    second = np.einsum("lb,sab->lsa", weights, numbers.to_second)[:, None] + (
        numbers.tilt * (fields - 0.5)[..., None, None]
    )
    shares = np.stack([1.0 - fields, fields], axis=-1)
    tastes = TASTES[numbers.kind](shares, numbers.threshold)
    reward = np.einsum("lb,sab->lsa", weights, numbers.base)[:, None] + numbers.strength * tastes[..., None]
    value = np.zeros_like(shares)
    for _ in range(60):
        ahead = value[..., None, :1] + second * (value[..., None, 1:] - value[..., None, :1])
        scaled = (reward + numbers.discount * ahead) / numbers.temperature
        scaled -= scaled.max(axis=-1, keepdims=True)
        policy = np.exp(scaled) / np.exp(scaled).sum(axis=-1, keepdims=True)
        surprise = np.log(np.exp(scaled).sum(axis=-1, keepdims=True)) - scaled
        gain = np.sum(policy * (reward + numbers.temperature * surprise), axis=-1)
        going = np.sum(policy * second, axis=-1)
        last, value = value, evaluated(gain, going, numbers.discount)
        if np.max(np.abs(last - value)) < 1e-13 * np.max(np.abs(value)):
            break
    # Not one less `going`: chains that hardly move would lose their digits.
    back = np.sum(policy * (1.0 - second), axis=-1)[..., 1]
    return going[..., 0] / (going[..., 0] + back)


def evaluated(gain: np.ndarray, going: np.ndarray, discount: float) -> np.ndarray:
    """The values of a chain on two places, by Cramer's rule; `going` is the probability of the second."""
    a, b = 1.0 - discount * (1.0 - going[..., 0]), -discount * going[..., 0]
    c, d = -discount * (1.0 - going[..., 1]), 1.0 - discount * going[..., 1]
    determinant = a * d - b * c
    first = (d * gain[..., 0] - b * gain[..., 1]) / determinant
    return np.stack([first, (a * gain[..., 1] - c * gain[..., 0]) / determinant], axis=-1)


@dataclasses.dataclass(frozen=True)
class Truth:
    """What a grid finds: most equilibria of one leader, steepest secant, and largest slope of one with its sign."""

    equilibria: int
    steepest: float
    largest: float


def truth(numbers: Numbers, draw: np.random.Generator) -> Truth:
    leaders = np.concatenate([np.linspace(0.0, 1.0, _LEADERS - 4), draw.uniform(size=4)])
    fields = np.tile(np.linspace(0.0, 1.0, _FIELDS), (_LEADERS, 1))
    image = response(numbers, leaders, fields)
    # Finer where the map is nearest to the identity: that is where a pair of equilibria hides.
    centre = np.take_along_axis(fields, np.argmin(np.abs(image - fields), axis=1)[:, None], axis=1)
    near = np.clip(centre + np.linspace(-3.0, 3.0, _NEAR) / _FIELDS, 0.0, 1.0)
    every = np.sort(np.concatenate([fields, near], axis=1), axis=1)
    image = response(numbers, leaders, every)
    gaps = np.diff(every, axis=1)
    wide = gaps > _FINEST
    slopes = np.diff(image, axis=1)[wide] / gaps[wide]
    return Truth(crossings(image - every), float(np.max(np.abs(slopes))), float(np.max(slopes)))


def crossings(ahead: Float[np.ndarray, "L F"]) -> int:
    """Most changes of sign of one row, values within rounding of zero aside."""
    most = 0
    for row in ahead:
        signs = np.sign(row[np.abs(row) > 1e-12])
        most = max(most, int(np.sum(signs[1:] != signs[:-1])))
    return most


def drawn(draw: np.random.Generator, kind: type[Company], *, slow: bool = False) -> Numbers:
    """A game at random: moves matter, and rows are probabilities for every mean field."""
    tilt = float(draw.choice([0.0, 0.05]))
    # Of leaving one's place by a move that keeps, or leaves; of going to the second place by the first or second move.
    little, much = draw.uniform(0.05, 0.4, (2, 1, 2)), draw.uniform(0.6, 0.95, (2, 1, 2))
    rate = 10.0 ** draw.uniform(-5.0, -1.0)
    if slow:
        tilt *= rate
        leaving = rate * np.concatenate([0.2 * little, much], axis=1)
        to_second = np.abs(np.array([0.0, 1.0])[:, None, None] - leaving)
    else:
        to_second = np.concatenate([little, much], axis=1)
    # Followers of a slow chain who look as far ahead as it moves have something to choose.
    patient = slow and draw.uniform() < 0.5
    discount = 1.0 - rate * float(draw.uniform(0.3, 3.0)) if patient else float(draw.uniform(0.3, 0.9))
    temperature = float(np.exp(draw.uniform(np.log(0.1), np.log(1.5))))
    return Numbers(
        kind=kind,
        to_second=np.clip(to_second, 0.5 * abs(tilt), 1.0 - 0.5 * abs(tilt)),
        tilt=tilt,
        base=draw.uniform(-1.0, 1.0, (2, 2, 2)) * draw.choice([0.02, 0.3]),
        strength=float(draw.uniform(-0.25, 1.0) * _STRONGEST * temperature),
        threshold=float(draw.uniform(0.2, 0.8)),
        discount=discount,
        temperature=temperature,
    )


def at_fold(draw: np.random.Generator) -> Numbers:
    """One whose company is within a millionth to a tenth of where a second equilibrium appears, on either side."""
    numbers = drawn(draw, draw.choice([Company, Sigmoid]))  # type: ignore[arg-type]
    low, high = 0.0, 2.0 * _STRONGEST * numbers.temperature
    for _ in range(20):
        middle = 0.5 * (low + high)
        found = truth(dataclasses.replace(numbers, strength=middle), np.random.default_rng(0)).equilibria
        low, high = (low, middle) if found > 1 else (middle, high)
    beside = 1.0 + float(draw.choice([-1.0, 1.0])) * 10.0 ** draw.uniform(-6.0, -1.0)
    return dataclasses.replace(numbers, strength=high * beside)


FAMILIES: dict[str, Callable[[np.random.Generator], Numbers]] = {
    "coordination": lambda draw: drawn(draw, Company),
    "near a fold": at_fold,
    "slow chains": lambda draw: drawn(draw, Company, slow=True),
    "sigmoids": lambda draw: drawn(draw, Sigmoid),
    "kinks": lambda draw: drawn(draw, Kinked),
    "jumps": lambda draw: drawn(draw, Jumping),
}


@dataclasses.dataclass(frozen=True)
class Proved:
    """What is proved of a game: how it has one equilibrium only, its modulus and its rate by cells."""

    unique: dict[str, bool]
    modulus: float
    rate: float


def proved(game: AbstractGame, settings: SearchSettings) -> Proved:
    game = checked(game)
    inputs = inputs_of(game, game_constants(game, settings))
    modulus = modulus_by_cells(game, inputs, settings.num_boxes)
    rate = rate_by_cells(game, inputs, np.eye(1), num_boxes=settings.num_boxes)
    formula = smaller_bound(inputs, float(game.temperature))
    return Proved(
        unique={
            "contraction": modulus.contracts or formula < 1.0 - CLEARLY_BELOW_ONE,
            "rate": proves(rate),
            "index": index_by_cells(game, inputs, settings.num_boxes).proves,
        },
        modulus=min(modulus.modulus, formula),
        rate=rate.rate,
    )


def wrong(claims: Proved, found: Truth) -> list[str]:
    """What is claimed and is not so."""
    faults = [f"unique by {name}" for name, claimed in claims.unique.items() if claimed and found.equilibria > 1]
    if found.steepest > claims.modulus + _SECANT:
        faults.append(f"modulus {claims.modulus:.9g}, secant {found.steepest:.9g}")
    if found.largest > 1.0 - claims.rate + _SECANT:
        faults.append(f"rate {claims.rate:.9g}, slope {found.largest:.9g}")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--boxes", type=int, default=60, help="of each proof, as `check --budget` counts them")
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="only these; repeatable")
    arguments = parser.parse_args()
    chosen = arguments.family or list(FAMILIES)
    jax.config.update("jax_enable_x64", True)
    settings, rows, false = search_settings("quick", num_boxes=arguments.boxes), [], 0
    spent = time.process_time()
    each = math.ceil(arguments.games / len(FAMILIES))
    for place, (name, family) in enumerate(FAMILIES.items()):
        if name not in chosen:
            continue
        counts = dict.fromkeys(COLUMNS[1:], 0)
        for number in range(each):
            draw = np.random.default_rng([arguments.seed, place, number])
            numbers = family(draw)
            claims, found = proved(numbers.game(), settings), truth(numbers, draw)
            faults = wrong(claims, found)
            for fault in faults:
                print(f"FALSE: {name}, game {number}: {fault}: {numbers}", flush=True)
            by = [claims.unique["contraction"], claims.unique["rate"], claims.unique["index"]]
            told = [True, found.equilibria > 1, *by, not any(by), bool(faults)]
            counts = {key: counts[key] + int(one) for key, one in zip(counts, told, strict=True)}
        rows.append([name, *(str(value) for value in counts.values())])
        false += counts["false"]
        print(f"{name}: {counts}", file=sys.stderr, flush=True)
    print(markdown_table(list(COLUMNS), rows))
    print(f"\n{false} false of {each * len(rows)} games, {time.process_time() - spent:.0f} s of the processor.")
    raise SystemExit(1 if false else 0)


if __name__ == "__main__":
    main()
