"""What the findings of ergodicity and of coverage say."""

import math

from smfg_verify.assumptions.sentence import FindingData, Rendering, Renderings, always
from smfg_verify.numerals import at_least, at_most

_CLOSURE = "over the closure of the policies, pure ones included, and all mean fields"
# Masses below are told by their power of ten.
_TELLING = -6.0


def _dobrushin(data: FindingData) -> str:
    facts, constant = data.facts, data.constant
    if "reason" in facts:
        return f"No proof: {facts['reason']}; {_sampled_difference(constant)}."
    if data.verdict == "certified":
        return (
            f"One step shrinks the distance between any two laws to at most {at_most(constant):.4g} of it, "
            "whatever the "
            f"policies and the mean field: distances fall to half or less within {facts['half_life']} step(s)."
        )
    if facts["exact"]:
        shared = 1.0 - constant
        mass = "no mass" if shared <= 0.0 else f"{shared:.2g} of their mass, too little to tell from rounding"
        return f"Some policies send two states to places that share {mass}: one step need not mix, more may."
    return "The enclosure of the rows is too wide to show that every two of them share mass: nothing follows."


def _sampled_difference(measured: float) -> str:
    if math.isnan(measured):
        return "no mean field sampled gave numbers"
    return f"rows differ by up to {measured:.4g} in total variation where sampled"


def _how_dobrushin(data: FindingData) -> str:
    if "reason" in data.facts:
        return "sampled mean fields"
    exact = data.facts["exact"]
    where = "exact at the vertices of the simplex" if exact else "interval enclosure with branch and bound"
    return f"largest total variation between rows of different states, {where}"


def _doeblin(data: FindingData) -> str:
    if data.verdict == "certified":
        return (
            f"After {data.facts['steps']} step(s) any two laws share at least "
            f"{at_least(1.0 - data.constant):.4g} of their mass, "
            "whatever the policies, also if they and the mean field change in time."
        )
    return f"No number of steps up to {data.facts['most_steps']} is shown to mix under every policy."


def _common_state(data: FindingData) -> str:
    facts = data.facts
    if facts["case"] == "no-proof":
        return f"No proof: {facts['reason']}."
    if facts["case"] == "none-found" and not facts["tried"]:
        return "No state is both recurrent in every chain looked at and one that every choice may keep."
    if facts["case"] == "none-found":
        return f"Of {facts['tried']} state(s) tried each is avoided for ever by some policies."
    shared = facts["log10_shared"]
    amount = f"{at_least(10.0**shared):.4g}" if shared > _TELLING else f"10^{math.floor(shared)}"
    return (
        f"State {facts['state']} is possible after {data.constant:.0f} step(s) and ever after, from every state and "
        f"whatever the policies: any two laws then share at least {amount} of their mass."
    )


def _mixing(data: FindingData) -> str:
    facts = data.facts
    if facts["case"] == "looked-at":
        return _looked_at(data)
    if facts["case"] == "one-state":
        return "There is one state, so there is nothing to forget."
    if facts["case"] == "no-number":
        return "The transition gave no number at any mean field looked at."
    if facts["case"] == "never-mixing":
        kind = "pure policies" if facts["pure"] else "policies"
        return f"Not uniform {_CLOSURE}: the chain of a pair of {kind} {_failure(facts['classes'], facts['period'])}."
    supported = data.verdict == "supported"
    found = f"{facts['steps']} steps shrink distances to at most {data.constant:.4g} of them"
    return (
        f"Each of the {facts['chains']} chains looked at mixes ({facts['lost']} more gave no numbers), of pure "
        f"policies and of policies ascended to, at some mean fields: {found if supported else 'with no common rate'}."
    )


def _looked_at(data: FindingData) -> str:
    facts = data.facts
    mixes = f"Each of the {facts['chains']} chains looked at mixes ({facts['lost']} more gave no numbers)"
    shared = 1.0 - data.constant
    mass = f"{shared:.2g} of their mass" if facts["visible"] else "no mass that rounding could not make"
    return f"{mixes}: after {facts['steps']} steps two laws begun far apart share {mass}, in the slowest of them."


def _failure(classes: int, period: int) -> str:
    if classes > 1:
        return f"has {classes} sets of states that are never left, so where it ends depends on the start"
    return f"returns in cycles of period {period}, so the law never settles"


def _how_mixing(data: FindingData) -> str:
    if data.facts.get("sparse"):
        return "pure policies on the graph of their moves, and walks of two laws"
    if data.facts["case"] == "one-state":
        return "number of states"
    return "pure policies on the graph of their moves, and gradient ascent over policies and mean field"


def _spectral_gap(data: FindingData) -> str:
    if not data.facts["chains"]:
        return "The transition gave no number at any mean field looked at."
    return f"In the long run the slowest chain found keeps {data.constant:.4g} of its distance to stationarity a step."


def _initial(data: FindingData) -> str:
    if data.verdict == "certified":
        return f"The first state is each state with probability at least {at_least(data.constant):.4g}."
    return f"The first state is never state {data.facts['state']}."


def _occupancy(data: FindingData) -> str:
    if data.verdict == "certified":
        return f"Every policy spends at least {at_least(data.constant):.4g} of its discounted time in each state."
    if "policies" in data.facts:
        return _sampled(data, "spends", "its discounted time")
    return (
        f"No positive lower bound of the discounted time in state {data.facts['state']} was proved: some policy may "
        "avoid it."
    )


def _sampled(data: FindingData, spends: str, of: str) -> str:
    """What policies that were looked at visit, and of how many leaders no equilibrium was found."""
    facts, unbounded = data.facts, "no bound for all policies was sought"
    lost = f"{facts['unconverged']} of {facts['leaders']} leaders drawn have no equilibrium that was found"
    looked = f"Of {facts['policies']} policies looked at" + (f" ({lost})" if facts["unconverged"] else "")
    if math.isnan(data.constant):
        return f"{looked} none gave a number."
    if data.verdict == "supported":
        return f"{looked} each {spends} at least {at_least(data.constant):.4g} of {of} in each state; {unbounded}."
    return (
        f"{looked} one {spends} {data.constant:.4g} of {of} in state {facts['state']}; {unbounded}, and this supports "
        f"none: {_why_unsupported(facts['cause'], of)}."
    )


def _why_unsupported(cause: str, of: str) -> str:
    return {
        "few": "too few leaders were looked at",
        "unknown": f"of some policies it is not known how {of} is spent",
        "none": "that is nothing, or may be rounding",
    }[cause]


def _stationary(data: FindingData) -> str:
    if data.verdict == "certified":
        return f"Every stationary law gives each state at least {at_least(data.constant):.4g}, whatever the policies."
    if "policies" in data.facts:
        return _sampled(data, "spends in the long run", "its time")
    return "No positive lower bound of every stationary law was proved: some policy may avoid a state for ever."


def _unless_sampled(method: str) -> Rendering:
    """Of games whose transition fits as a table; of larger ones policies are looked at one by one."""
    sampled = "sparse factors at each action for ever and at equilibria of random leaders"
    restart = "(1 - gamma) rho, of moves that are proved to be probabilities"
    return lambda data: sampled if "policies" in data.facts else restart if "restart" in data.facts else method


ERGODICITY = {
    "dobrushin": Renderings(meaning=_dobrushin, method=_how_dobrushin),
    "doeblin": Renderings(
        meaning=_doeblin,
        method=always(
            "least overlap of m-step laws by dynamic programming on the bounds of each entry of the transition"
        ),
    ),
    "common-state": Renderings(
        meaning=_common_state, method=always("graph of the moves that are proved possible at every mean field")
    ),
    "mixing": Renderings(meaning=_mixing, method=_how_mixing),
    "spectral-gap": Renderings(meaning=_spectral_gap, method=always("eigenvalues of every chain looked at")),
}

COVERAGE = {
    "initial": Renderings(meaning=_initial, method=always("initial distribution")),
    "occupancy": Renderings(
        meaning=_occupancy,
        method=_unless_sampled(
            "dynamic programming on the bounds of each entry of the transition, from (1 - gamma) rho"
        ),
    ),
    "stationary": Renderings(
        meaning=_stationary, method=_unless_sampled("Doeblin minorant of several steps, by dynamic programming")
    ),
}
