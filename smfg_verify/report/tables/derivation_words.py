"""The words that a derivation is told in, by the codes of what was derived."""

HEADINGS = {
    "formulas": "The game as formulas, and its Stackelberg gradient",
    "contraction": "The best response",
    "alignment": "Gradient alignment along the leader's one parameter",
    "constants": "Certified constants",
    "rates": "Rates of learning",
}
FUNCTION_NAMES = {
    "transition": ("P(s_next | s, a, b, m)", r"P(s' \mid s, a, b, m)"),
    "follower_reward": ("r_f(s, a, b, m)", "r_f(s, a, b, m)"),
    "leader_reward": ("r_l(s, a, b, m)", "r_l(s, a, b, m)"),
}
PART_NAMES = {
    "direct": "direct part",
    "policy_response": "policy response",
    "mean_field_response": "mean field response",
}
STEPS = {
    "Pbar": "Moves under the leader's policy, Pbar_s_a_t:",
    "P": "The chain of the follower's policy, P_s_t:",
    "N": "Discounted visits, N = (I - gamma P)^-1 by cofactors:",
    "A": "A is I - P^T on moves of mass from the last state, C the slopes g of the flow; A^-1 and S = (A - C)^-1:",
    "leader": "The leader: mean reward lbar, visits D from rho, value W, worth L of an action, slope dJ as mass moves:",
}
BETWEEN = (
    "The formulas have cases: where one jumps or its slope does, there is no gradient, and this is the one beside it."
)

CLAIMS = {
    "one-sided": "the slope of the best response is never positive, for every leader, mean field and policy: "
    "one-sided contraction holds with c >= 1 at every temperature, so there is one "
    "equilibrium and congestion never loses it.",
    "steepest": "the size of the slope is at most the critical temperature over tau: above the critical temperature "
    "the best response contracts under every leader.",
    "attained": "the size of the slope is the critical temperature over tau where both actions are chosen alike "
    "(p = 1/2): at or below the critical temperature contraction is lost if that occurs.",
    "ratio": "the alignment <g, p> / ||p||^2 along x, the probability of the leader's second action, is one minus x "
    "over X.",
    "direct-positive": "the direct part always asks for a larger x.",
    "direct-negative": "the direct part always asks for a smaller x.",
    "peak-positive": "X is positive: the alignment is positive where x is below X, negative where x exceeds it.",
    "peak-negative": "X is negative: the alignment is positive at every x, and where the direct part does not vanish "
    "the gradient does not either.",
    "choice-falls": "the equilibrium's x falls as p grows: a larger x drives p down.",
    "choice-rises": "the equilibrium's x rises as p grows: a larger x drives p up.",
    "one-turn": "X less the equilibrium's x falls as x grows: over this range of p the alignment changes its sign at "
    "most once, from positive to negative as x grows.",
}

GAPS = {
    "jump": "{where} is not proved to be continuous in the mean field, and a derivative does not see a jump",
    "laws": "the chain of the {where} is not proved to have one stationary law, which needs this to be positive",
    "rests": "it rests on the claim {where}, which is not proved",
}


NEEDS = {
    "two-states": "two states and two actions of the follower",
    "one-observation": "a leader of one observation",
    "two-prices": "a leader of two actions, so that its policy is one parameter x",
    "no-entropy": "a leader without entropy weight",
    "memoryless": "a follower whose choice is the same in both states, whatever the mean field",
    "own-moves": "moves that do not depend on the leader's action",
    "no-direct": "a direct part that does not vanish everywhere",
    "not-linear": "an alignment and an equilibrium equation that are linear in x",
}
TURNS = {
    "peak": "So wherever this occurs in that range of p, Phi rises up to it and falls beyond: it is a peak.",
    "trough": "So wherever this occurs in that range of p, Phi falls up to it and rises beyond: it is a trough, no "
    "peak.",
    "none": "So it never occurs.",
    "unknown": "Whether it is a peak of Phi, a trough or neither is not derived.",
}
