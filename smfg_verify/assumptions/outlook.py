"""What could change the verdict of a property: by verdict, and of some properties in words of their own."""

from collections.abc import Mapping

from smfg_verify.assumptions.finding import Verdict

_ANY: Mapping[Verdict, str] = {
    Verdict.CERTIFIED: "nothing but other parameters of the game",
    Verdict.SUPPORTED: "a counter-example that a longer search finds, or a proof",
    Verdict.REFUTED: "nothing but other parameters of the game: the witness stands",
    Verdict.INCONCLUSIVE: "a longer search, or a tighter proof",
    Verdict.NOT_APPLICABLE: "another game: this one has nothing that the property is about",
}
_OWN: Mapping[tuple[str, Verdict], str] = {
    ("ergodicity", Verdict.REFUTED): "moves that reach a common state whatever the policies",
    ("lipschitz", Verdict.INCONCLUSIVE): "functions without jumps and infinite slopes",
    ("contraction", Verdict.SUPPORTED): "a counter-example, or a proof, easier for hot followers",
    ("contraction", Verdict.REFUTED): "a hotter follower, or less influence of the mean field",
    ("one-sided-contraction", Verdict.SUPPORTED): "a counter-example, or a proof, easier for hot followers",
    ("one-sided-contraction", Verdict.REFUTED): "a hotter follower, or less attraction of the crowd",
    ("uniqueness", Verdict.SUPPORTED): "a second equilibrium of one leader, or a proof",
    ("uniqueness", Verdict.REFUTED): "a hotter follower, or less influence of the mean field",
    ("gradient-domination", Verdict.SUPPORTED): "policies nearer to pure ones, where it falls to zero",
    ("gradient-alignment", Verdict.SUPPORTED): "a leader at which the gradients disagree, or a proof",
    ("gradient-alignment", Verdict.REFUTED): "a leader who depends less on the followers' answer",
    ("smoothness", Verdict.SUPPORTED): "a larger curvature that a longer search finds, or a proof",
    ("coverage", Verdict.REFUTED): "an initial law, or moves, that reach every state",
    ("step-sizes", Verdict.INCONCLUSIVE): "a slower leader, or a best-response map that contracts",
    ("step-sizes", Verdict.REFUTED): "other constants of the step sizes",
    ("step-sizes", Verdict.NOT_APPLICABLE): "step sizes: none were given to the check",
}


def could_change(name: str, verdict: Verdict) -> str:
    """What could change the verdict of a property, as the rest of a sentence.

    Args:
        name: of the property.
        verdict: of the property.

    Returns:
        A clause without a full stop.

    Examples:
        >>> from smfg_verify.assumptions import Verdict
        >>> from smfg_verify.assumptions.outlook import could_change
        >>> could_change("lipschitz", Verdict.CERTIFIED)
        'nothing but other parameters of the game'
    """
    return _OWN.get((name, verdict), _ANY[verdict])
