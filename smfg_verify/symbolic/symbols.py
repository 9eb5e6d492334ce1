"""The symbols that formulas of games are written in, and the names that are taken."""

import re

import sympy as sp

# The place a formula speaks of: state, action of the follower, action of the leader, next state.
state = sp.Symbol("s", integer=True, nonnegative=True)
follower_action = sp.Symbol("a", integer=True, nonnegative=True)
leader_action = sp.Symbol("b", integer=True, nonnegative=True)
next_state = sp.Symbol("s_next", integer=True, nonnegative=True)
INDICES = (state, follower_action, leader_action, next_state)

# The mean field: m[s], or m[s, a] on state-action pairs.
mean_field = sp.IndexedBase("m", nonnegative=True)

discount = sp.Symbol("gamma", nonnegative=True)
temperature = sp.Symbol("tau", positive=True)
leader_temperature = sp.Symbol("tau_l", nonnegative=True)

# Names of equilibrium values in derived formulas: a parameter of the same name would be read for one of them.
_DERIVED = (
    *("phi", "pi", "V", "nu", "rho", "omega", "Phi", "P", "r_f", "r_l", "p", "x", "y", "logit", "tau_c"),
    *("Pbar", "lbar", "N", "detN", "Ainv", "detAinv", "S", "detS", "W", "D", "L", "dJ"),
)
# The same along a direction: dVm0_1, qphi01_0_0.
DIRECTED = re.compile(r"(q|dV|dQ|dpi|g|dm)(m\d|phi\d\d+)(_\d+)*")
TAKEN = {
    **{str(symbol): "an index of a formula" for symbol in INDICES},
    "m": "the mean field",
    "gamma": "the discount",
    "tau": "the follower's temperature",
    "tau_l": "the leader's temperature",
    **dict.fromkeys(_DERIVED, "a symbol of derived formulas"),
}


def element(name: str, index: tuple[int, ...], **assumptions: bool | None) -> sp.Symbol:
    """The symbol of one entry of an array: kappa_0 of kappa[0], tolls_0_1 of tolls[0, 1]."""
    return sp.Symbol("_".join((name, *map(str, index))), **assumptions)


# What is assumed of the equilibrium's values: policies are softmax, so positive.
ASSUMED: dict[str, dict[str, bool | None]] = {
    "m": {"nonnegative": True},
    "V": {"real": True},
    "pi": {"positive": True},
    "phi": {"positive": True},
    "rho": {"positive": True},
}
