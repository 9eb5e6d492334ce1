r"""The slope of the best response of two-state games: when it contracts, and that congestion bends it one way.

With two states moves of mass have one dimension, and $D\Gamma_\phi(m)$ is one number, the slope. Contraction asks that
it lies strictly between -1 and 1; one-sided contraction with constant c asks that it is at most 1 - c.
"""

import dataclasses

import numpy as np
import sympy as sp

from smfg_verify.symbolic import symbols
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.proofs.claims import Claim, Computed, Gap, NotDerived, claim_sign
from smfg_verify.symbolic.proofs.continuity import jump_of, signs_on_edge
from smfg_verify.symbolic.proofs.memoryless import choice, memoryless
from smfg_verify.symbolic.proofs.signs import Domain, ranges_of, sign_on, vanishes
from smfg_verify.symbolic.responses import Responses
from smfg_verify.symbolic.sheet import simplified

# What the best response is made of.
_FOLLOWERS = ("transition", "follower_reward")


@dataclasses.dataclass(frozen=True)
class ContractionFormula:
    """The best response's slope of a two-state game.

    Attributes:
        slope: of a memoryless game in the follower's choice p, else in the symbols of the derivation.
        temperature: below which, or at which, contraction is lost; None where it is not derived.
        claims: signs, proved or not.
        computed: whether the temperature is attained at the game's numbers.

    Examples:
        >>> from smfg_verify import symbolic
        >>> formula = symbolic.contraction_formula(symbolic.load("laffer-tax"))
        >>> formula.slope, formula.temperature
        (gamma*kappa*p*(inertia - 1)**2*(p - 1)/tau, gamma*kappa*(inertia - 1)**2/4)
    """

    slope: sp.Expr
    temperature: sp.Expr | None
    claims: tuple[Claim, ...]
    computed: tuple[Computed, ...]


def contraction_formula(game: SymbolicGame) -> ContractionFormula | NotDerived:
    """When the best response of a two-state game contracts, and whether it does so one-sidedly.

    The slope is taken at every mean field, follower's policy and stationary law, not at the equilibrium alone.

    Args:
        game: with two states.

    Returns:
        The formula with its claims; what is missing for three states, where the slope is a matrix.

    Raises:
        ValueError: as `stackelberg_formula`.

    Examples:
        >>> from smfg_verify import symbolic
        >>> formula = symbolic.contraction_formula(symbolic.load("two-road-toll"))
        >>> formula.temperature
        -(inertia - 1)*(kappa_0 + kappa_1)/4
        >>> [(claim.name, claim.proved) for claim in formula.claims][0]
        ('one-sided', True)
    """
    responses = Responses(game, at_equilibrium=False)
    if game.num_states != 2:
        return NotDerived("contraction", ("two-states",))
    found = memoryless(responses)
    if found is None:
        return _general(responses)
    # The chain's law is the share that the choice brings about, whatever the mean field.
    law = dict(zip(responses.mass, (found.share, 1 - found.share), strict=True))
    by_choice = {symbol: value for symbol, value in found.substitution.items() if symbol in responses.pi.values()}
    (slope,) = simplified(
        [responses.C[0] / responses.A[0]], responses.sheet.definitions, lambda e: e.xreplace({**by_choice, **law})
    )
    domain = domain_of(game, responses)
    jump = jump_of(game, _FOLLOWERS, domain)
    one_sided = claim_sign("one-sided", slope, "nonpositive", domain).without(jump)
    # Herding bends the best response the other way.
    size = -slope if sign_on(slope, domain) in ("negative", "nonpositive", "zero") else slope
    steepness = sp.factor(size * symbols.temperature / (choice * (1 - choice)))
    signed = sign_on(size, domain) in ("positive", "nonnegative", "zero")
    if not signed or steepness.free_symbols & {choice, symbols.temperature, *responses.m}:
        return ContractionFormula(slope, None, (one_sided,), ())
    temperature = sp.factor(steepness / 4)
    excess = temperature / symbols.temperature - size
    steepest = claim_sign("steepest", excess, "nonnegative", domain).without(jump)
    about_size = (steepest, _attained(excess).without(jump))
    # What follows of the temperature rests on all of these.
    known = all(claim.proved for claim in about_size)
    computed = (_reach(game, responses, found.advantage, temperature),) if known else ()
    return ContractionFormula(slope, temperature if known else None, (one_sided, *about_size), computed)


def _general(responses: Responses) -> ContractionFormula:
    """The slope's sign for a chain of any policy: its matrix enters by rows that are positive and sum to one."""
    slope = responses.C[0] / responses.A[0]
    game = responses.game
    domain, definitions = domain_of(game, responses), dict(responses.sheet.definitions)
    (det,) = simplified([responses.A[0]], definitions, lambda e: e)
    rows = [list(responses.P.row(s)) for s in responses.states]
    if _is_stochastic(responses, rows, domain):
        domain = dataclasses.replace(domain, simplices=(*domain.simplices, *rows))
        for symbol in (entry for row in rows for entry in row):
            del definitions[symbol]
    (free,) = simplified([slope], definitions, domain.without_bounds)
    met = {str(symbol) for symbol in free.free_symbols | det.free_symbols}  # without bounds they keep their names
    known = {*game.names.parameter_symbols, symbols.discount, symbols.temperature}
    conditions = ranges_of(domain, [symbol for symbol in known if str(symbol) in met])
    claim = dataclasses.replace(
        claim_sign("one-sided", free, "nonpositive", domain, shown=slope), conditions=conditions
    )
    # Where the determinant vanishes every law may be stationary, and its factor may have cancelled from the slope.
    laws = None if signs_on_edge(det, responses.m, domain) == {"positive"} else Gap("laws", "transition", det)
    return ContractionFormula(slope, None, (claim.without(jump_of(game, _FOLLOWERS, domain) or laws),), ())


def _attained(excess: sp.Expr) -> Claim:
    """That the steepest slope is that at even odds."""
    even = sp.Rational(1, 2)
    proved = vanishes(excess.subs(choice, even))
    return Claim("attained", sp.Eq(excess, 0, evaluate=False), proved, (sp.Eq(choice, even),))


def _is_stochastic(responses: Responses, rows: list[list[sp.Expr]], domain: Domain) -> bool:
    if not all(entry.is_Symbol for row in rows for entry in row):
        return False
    entries = {
        symbol: simplified([symbol], responses.sheet.definitions, lambda e: e)[0] for row in rows for symbol in row
    }
    positive = all(signs_on_edge(entry, responses.m, domain) == {"positive"} for entry in entries.values())
    return positive and all(vanishes(sum(entries[symbol] for symbol in row) - 1, domain) for row in rows)


def domain_of(game: SymbolicGame, responses: Responses) -> Domain:
    """Every policy, mean field and law, gamma in [0, 1); an inertia too, where it is such a number in the game.

    Args:
        game: the game.
        responses: its symbols.

    Returns:
        The domain of claims about the game.
    """
    unit = (sp.Integer(0), sp.Integer(1))
    half_open = {symbols.discount: unit}
    inertia = [symbol for symbol in game.names.parameter_symbols if str(symbol) == "inertia"]
    half_open |= {symbol: unit for symbol in inertia if 0.0 <= game.substitution[symbol] < 1.0}
    policies = [[responses.pi[s, a] for a in responses.actions] for s in responses.states]
    leaders = [[responses.phi[o, b] for b in responses.leader_actions] for o in responses.rows]
    laws = [list(responses.m), list(responses.mass)] if responses.mass != responses.m else [list(responses.m)]
    return Domain(open={choice: unit}, half_open=half_open, simplices=(*policies, *leaders, *laws))


def _reach(game: SymbolicGame, responses: Responses, advantage: sp.Expr, temperature: sp.Expr) -> Computed:
    """The range of the advantage over mean fields and leaders: the steepest slope is attained where it contains 0."""
    numbers = {**game.substitution, symbols.discount: game.discount, symbols.temperature: game.temperature}
    corners = [
        advantage.subs(numbers).subs(dict(zip(responses.m, corner, strict=True))).subs(pure)
        for corner in np.eye(2)
        for b in responses.leader_actions
        for pure in [{responses.phi[0, c]: int(c == b) for c in responses.leader_actions}]
    ]
    return Computed(
        "contraction-lost",
        {
            "critical temperature": float(temperature.subs(numbers)),
            "temperature": float(game.temperature),
            "least advantage": float(min(corners)),
            "largest advantage": float(max(corners)),
        },
    )
