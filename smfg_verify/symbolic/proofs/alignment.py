r"""Sign and zeros of the gradient alignment of memoryless games with two actions of the leader, in closed form.

The leader's second action has probability x. Along x the total slope of Phi over the direct one is
$\langle g, p \rangle / \|p\|^2$, in logits too; it is one where the population does not answer, zero at the peak of
Phi, and negative where the direct part points away from it.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import sympy as sp

from smfg_verify.symbolic import symbols
from smfg_verify.symbolic.game import FUNCTIONS, SymbolicGame
from smfg_verify.symbolic.gradient import GradientFormula
from smfg_verify.symbolic.proofs.claims import Claim, Computed, Gap, NotDerived, claim_sign
from smfg_verify.symbolic.proofs.continuity import jump_of
from smfg_verify.symbolic.proofs.contraction import domain_of
from smfg_verify.symbolic.proofs.memoryless import Memoryless, choice, memoryless
from smfg_verify.symbolic.proofs.signs import Domain, sign_on
from smfg_verify.symbolic.proofs.stationary import stationary_points
from smfg_verify.symbolic.responses import Responses
from smfg_verify.symbolic.sheet import simplified

leader_probability = sp.Symbol("x", positive=True)
odds = sp.Symbol("y", positive=True)
_MASS = symbols.element("m", (0,), nonnegative=True)


@dataclasses.dataclass(frozen=True)
class AlignmentFormula:
    """The alignment along the probability x of the leader's second action.

    Attributes:
        zeros_put_in: entries of arrays that are zero in the game, as they are in the formulas below.
        share: mass m_0 of state 0, by the follower's choice p.
        advantage: of action 0; the equilibrium is tau log(p / (1 - p)) = advantage, in m_0, m_1 and x.
        direct: slope of the direct part along x, in p and m_0.
        objective: Phi, in p, m_0 and x.
        ratio: total over direct slope, in p and x.
        equilibrium_x: the x at which the follower's choice is p.
        peak_x: the x at which the ratio is zero where the choice is p; see `turn` for what it is.
        peak: the same with the mass m_0 as a symbol.
        peak_temperature: the temperature at which the peak has the choice p.
        calm: parameters that the slope of the best response depends on, such as congestion and inertia.
        plain_peak: the peak where those are zero, by name ("p", "x"), in closed form; empty if there is none.
        claims: signs, proved or not; none where the alignment is not one minus x over the peak's expression, as where
            both actions of the leader take something.
        computed: the stationary points at the game's numbers.

    Examples:
        >>> from smfg_verify import symbolic
        >>> laffer = symbolic.stackelberg_formula(symbolic.load("laffer-tax"))
        >>> formula = symbolic.alignment_formula(laffer)
        >>> formula.objective
        -m_0*taxes_1*wage*x/(gamma - 1)
        >>> [round(found.values["x"], 4) for found in formula.computed if found.name == "peak"]
        [0.5049]
    """

    zeros_put_in: tuple[sp.Symbol, ...]
    share: sp.Expr
    advantage: sp.Expr
    direct: sp.Expr
    objective: sp.Expr
    ratio: sp.Expr
    equilibrium_x: sp.Expr
    peak_x: sp.Expr
    peak: sp.Expr
    peak_temperature: sp.Expr | None
    calm: tuple[sp.Symbol, ...]
    plain_peak: Mapping[str, sp.Expr]
    claims: tuple[Claim, ...]
    computed: tuple[Computed, ...]

    @property
    def turn(self) -> Literal["peak", "trough", "none", "unknown"]:
        """What a zero of the ratio is proved to be, where one occurs: of Phi along x."""
        proved = {claim.name for claim in self.claims if claim.proved}
        if {"ratio", "peak-negative"} <= proved:
            return "none"
        if "one-turn" not in proved:
            return "unknown"
        return "peak" if "direct-positive" in proved else "trough" if "direct-negative" in proved else "unknown"


def alignment_formula(gradient: GradientFormula) -> AlignmentFormula | NotDerived:
    """Sign and zeros of the alignment as a function of the leader's one parameter.

    Args:
        gradient: of a game with two states, whose follower's choice does not depend on the state, and a leader of two
            actions and one observation.

    Returns:
        The formulas with their claims; what is missing for a game of another kind, or whose alignment is not affine in
        x, or whose direct part is zero everywhere.

    Examples:
        >>> from smfg_verify import symbolic
        >>> formula = symbolic.alignment_formula(symbolic.stackelberg_formula(symbolic.load("laffer-tax")))
        >>> formula.plain_peak["x"]
        tau*(LambertW(exp(-(gamma*outside - gamma*wage + tau)/tau)) + 1)/(gamma*taxes_1*wage)
    """
    game, responses = gradient.game, Responses(gradient.game)
    found = memoryless(responses)
    missing = tuple(_missing(responses, found))
    if found is None or missing:
        return NotDerived("alignment", missing)
    zeros = _zero_entries(game)
    put_in = _Reduction(responses, found, zeros)
    wanted = [_along_x(gradient.direct), _along_x(gradient.total), gradient.objective, gradient.best_response[0]]
    direct, total, objective, slope = put_in.of(gradient, wanted)
    if direct == 0:
        return NotDerived("alignment", ("no-direct",))
    ratio = sp.factor(total / direct)
    advantage = put_in.plain(found.advantage)
    tidy = _Tidy(responses.m[0], found.share)
    logit = sp.Symbol("logit", real=True)
    peak = _root(sp.numer(ratio), leader_probability)
    at = _root(advantage - symbols.temperature * logit, leader_probability)
    if peak is None or at is None or sp.denom(ratio).has(leader_probability):
        return NotDerived("alignment", ("not-linear",))
    log_odds = sp.log(choice / (1 - choice))
    calm = tuple(sorted(slope.free_symbols & set(game.names.parameter_symbols), key=str))
    formula = AlignmentFormula(
        zeros_put_in=tuple(zeros),
        share=found.share,
        advantage=sp.factor(found.advantage.xreplace(put_in.leader)),
        direct=tidy(direct),
        objective=tidy(objective),
        ratio=ratio,
        equilibrium_x=at.subs(logit, log_odds),
        peak_x=peak,
        peak=tidy(peak),
        peak_temperature=_peak_temperature(peak - at, logit, log_odds),
        calm=calm,
        plain_peak=_plain_peak(calm, peak, at, logit),
        claims=(),
        computed=(),
    )
    domain = _domain(game, responses)
    jump = jump_of(game, FUNCTIONS, domain)
    claims = tuple(claim.without(jump) for claim in _claims(formula, domain, tidy))
    computed = stationary_points({name: getattr(formula, name).subs(_MASS, found.share) for name in _EVALUATED}, game)
    return dataclasses.replace(formula, claims=claims, computed=computed)


_EVALUATED = ("peak_x", "equilibrium_x", "share", "direct", "objective", "ratio")


def _missing(responses: Responses, found: Memoryless | None) -> Iterator[str]:
    """Codes of what this derivation needs and a game has not."""
    game = responses.game
    if game.names.sizes[:2] != (2, 2):
        yield "two-states"
    if len(responses.rows) != 1:
        yield "one-observation"
    if game.names.sizes[2] != 2:
        yield "two-prices"
    if game.leader_temperature != 0.0:
        yield "no-entropy"
    if found is None:
        yield "memoryless"
    elif found.share.free_symbols & {*responses.phi.values()}:
        yield "own-moves"


def _along_x(part: sp.Matrix) -> sp.Expr:
    return part[0, 1] - part[0, 0]


def _domain(game: SymbolicGame, responses: Responses) -> Domain:
    """As for contraction, with gamma and entries of arrays of the sign that they have in the game."""
    domain = domain_of(game, responses)
    arrays = [parameter for parameter in game.names.parameters.values() if parameter.shape]
    entries = [symbol for parameter in arrays for symbol in parameter.symbols]
    domain = dataclasses.replace(
        domain,
        positive=[symbol for symbol in entries if game.substitution[symbol] > 0.0],
        negative=[symbol for symbol in entries if game.substitution[symbol] < 0.0],
    )
    if game.discount == 0.0:
        return domain
    half_open = {symbol: bounds for symbol, bounds in domain.half_open.items() if symbol != symbols.discount}
    open_ = {**domain.open, symbols.discount: domain.half_open[symbols.discount]}
    return dataclasses.replace(domain, open=open_, half_open=half_open)


def _zero_entries(game: SymbolicGame) -> dict[sp.Symbol, sp.Integer]:
    arrays = [parameter for parameter in game.names.parameters.values() if parameter.shape]
    entries = (symbol for parameter in arrays for symbol in parameter.symbols)
    return {symbol: sp.Integer(0) for symbol in entries if game.substitution[symbol] == 0.0}


class _Reduction:
    """An expression of the equilibrium's symbols in p and x alone."""

    def __init__(self, responses: Responses, found: Memoryless, zeros: Mapping[sp.Symbol, sp.Integer]):
        x, (first, second) = leader_probability, responses.leader_rows(0)
        start = responses.rho
        self.leader: dict[sp.Symbol, sp.Expr] = {**zeros, first: 1 - x, second: x}
        choices = {symbol: value for symbol, value in found.substitution.items() if symbol in responses.pi.values()}
        mass = responses.m  # of state 0 kept as a symbol as long as possible: what is factored stays short
        self.known = {**self.leader, **choices, start[1]: 1 - start[0], mass[1]: 1 - mass[0]}
        # In either state the chain moves to state 0 with the probability that is its mass.
        rows = {responses.P[s, t]: (mass[0], 1 - mass[0])[t] for s in (0, 1) for t in (0, 1)}
        self.chain = {symbol: value for symbol, value in rows.items() if symbol.is_Symbol}
        self.by_choice = {mass[0]: found.share.xreplace(zeros)}

    def plain(self, expression: sp.Expr) -> sp.Expr:
        return sp.factor(expression.xreplace(self.known).xreplace(self.by_choice))

    def of(self, gradient: GradientFormula, expressions: list[sp.Expr]) -> list[sp.Expr]:
        rest = {symbol: value for symbol, value in gradient.definitions.items() if symbol not in self.chain}
        known = {**self.known, **self.chain}
        found = simplified(expressions, rest, lambda e: e.xreplace(known))
        return [sp.factor(expression.xreplace(self.by_choice)) for expression in found]


class _Tidy:
    """Products as they are read: the mass of state 0 by its symbol, sums ordered by powers of the temperature."""

    def __init__(self, mass: sp.Symbol, share: sp.Expr):
        self.mass, self.share = mass, share

    def __call__(self, product: sp.Expr) -> sp.Expr:
        return sp.Mul(*(self._factor(factor) for factor in sp.Mul.make_args(sp.factor(product))))

    def _factor(self, factor: sp.Expr) -> sp.Expr:
        base, exponent = factor.as_base_exp()
        scale = sp.cancel(base / self.share)
        if scale.is_number:
            return (scale * self.mass) ** exponent
        return sp.collect(sp.expand(base), symbols.temperature, sp.factor) ** exponent if base.is_Add else factor


def _root(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr | None:
    """Where an expression that is linear in a symbol is zero; None where it is not."""
    numerator = sp.numer(sp.together(expression))
    if not numerator.is_polynomial(symbol) or sp.Poly(numerator, symbol).degree() != 1:
        return None
    slope, constant = sp.Poly(numerator, symbol).all_coeffs()
    return -sp.factor(constant) / sp.factor(slope)


def _peak_temperature(gap: sp.Expr, logit: sp.Symbol, log_odds: sp.Expr) -> sp.Expr | None:
    """Where peak and equilibrium meet, solved for the temperature; None where it enters otherwise than linearly."""
    root = _root(gap, symbols.temperature)
    return None if root is None else root.subs(logit, log_odds)


def _plain_peak(calm: tuple[sp.Symbol, ...], peak: sp.Expr, at: sp.Expr, logit: sp.Symbol) -> dict[str, sp.Expr]:
    """The peak in closed form: where the odds y = p / (1 - p) solve A + B y + C log y = 0 with B and C of one sign."""
    plain = dict.fromkeys(calm, sp.Integer(0))
    by_odds = {choice: odds / (1 + odds)}
    equation = sp.numer(sp.factor((peak - at).subs(plain).subs(by_odds)))
    if not equation.is_polynomial(odds, logit):
        return {}
    terms = sp.Poly(equation, odds, logit).as_dict()
    if not terms.keys() <= {(0, 0), (1, 0), (0, 1)} or not {(1, 0), (0, 1)} <= terms.keys():
        return {}
    steep = sp.factor(terms[1, 0] / terms[0, 1])
    if sign_on(steep, Domain()) != "positive":
        return {}
    # y + log(y) / steep grows from minus to plus infinity: there is one solution, Lambert's.
    y = sp.LambertW(steep * sp.exp(-sp.factor(terms.get((0, 0), sp.Integer(0)) / terms[0, 1]))) / steep
    x = sp.factor(peak.subs(plain).subs(by_odds)).subs(odds, y)
    return {"p": y / (1 + y), "x": x}


def _claims(formula: AlignmentFormula, domain: Domain, tidy: Callable[[sp.Expr], sp.Expr]) -> tuple[Claim, ...]:
    """That the ratio is 1 - x / peak_x, the signs of the direct part, of peak_x, and of how x and p move together."""
    form = 1 - leader_probability / formula.peak_x
    claim = claim_sign("ratio", formula.ratio - form, "zero", domain)
    if not claim.proved:
        return ()  # the leader takes something by its first action too: the others would say nothing of the sign
    form_shown = sp.Eq(sp.Symbol("ratio"), 1 - leader_probability / formula.peak, evaluate=False)
    moves = sp.factor(sp.diff(formula.equilibrium_x, choice))
    claims = [
        dataclasses.replace(claim, relation=form_shown),
        _either("direct", formula.direct.subs(_MASS, formula.share), domain, formula.direct),
        _either("peak", formula.peak_x, domain, formula.peak),
        _either("choice", moves, domain, tidy(moves), words=("rises", "falls")),
    ]
    if claims[2].name == "peak-positive":
        claims.append(_one_turn(formula, domain, tidy, claims))
    return tuple(claims)


def _either(
    what: str, expression: sp.Expr, domain: Domain, shown: sp.Expr, words: tuple[str, str] = ("positive", "negative")
) -> Claim:
    """The claim of the sign that is proved; of the first one, not proved, where none is."""
    if sign_on(expression, domain) == "negative":
        return claim_sign(f"{what}-{words[1]}", expression, "negative", domain, shown=shown)
    return claim_sign(f"{what}-{words[0]}", expression, "positive", domain, shown=shown)


def _one_turn(
    formula: AlignmentFormula, domain: Domain, tidy: Callable[[sp.Expr], sp.Expr], before: list[Claim]
) -> Claim:
    """That the ratio turns at most once, from positive to negative as x grows: peak_x - x falls as x grows."""
    falls = before[-1].name == "choice-falls"
    widens = sp.factor(sp.diff(formula.peak_x - formula.equilibrium_x, choice))
    sign: Literal["positive", "negative"] = "positive" if falls else "negative"
    # Where inertia puts mass into a state that nobody chooses the peak need be the only zero beside that mass alone.
    inner = (formula.share.subs(choice, 0), sp.Integer(1)) if falls else (sp.Integer(0), formula.share.subs(choice, 1))
    if sign_on(widens, domain) != sign:
        domain = dataclasses.replace(domain, open={**domain.open, choice: inner})
    rests = next((Gap("rests", claim.name, claim.relation) for claim in before[2:] if not claim.proved), None)
    return claim_sign("one-turn", widens, sign, domain, shown=tidy(widens)).without(rests)
