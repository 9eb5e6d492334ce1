r"""The drift recursion of a scheme of several learners: which errors enter whose update, and who moves whose target.

With $\epsilon_i$ the step of learner i and $e_i$ its residual, the line of a tracking residual is
$$ E\,e_i^{k+1} \le (1 - a\,\epsilon_i)\, e_i + \epsilon_i \sum_{j\ \mathrm{enters}\ i} b_j e_j
   + \sum_{j\ \mathrm{moves}\ i} \mathrm{lag}_{ij} + n_i \epsilon_i^2 + \sum_{j\ \mathrm{moves}\ i} n_j \epsilon_j^2, $$
and the leader's is that of ascent, $\Phi_k - E\,\Phi_{k+1} \le -a\,\zeta_k e_\omega + \zeta_k \sum_j b_j e_j
+ n\,\zeta_k^2$. These are the inequalities of `smfg_verify.bounds.drift`, each with the terms that the definitions of
the residuals leave. What is known of the targets decides the lag, see `Motion`.
"""

import dataclasses
import enum
from collections.abc import Mapping

from smfg_verify.errors import InputError
from smfg_verify.suggestions import closest


class Motion(enum.StrEnum):
    r"""How the steps of learner j move the targets of others, which decides $\mathrm{lag}_{ij}$.

    LIPSCHITZ: targets are Lipschitz in $x_j$ and its steps have bounded second moments; Young's inequality against the
    contraction leaves $\epsilon_j^2 / \epsilon_i$. SMOOTH: targets have Lipschitz derivatives besides, the noise of the
    steps has mean zero given the past, and their mean is of the size of the errors: $E[\mathrm{step}]^2 \le
    C (e_j + \sum_{l\ \mathrm{enters}\ j} e_l)$. The noise then enters at second order, $\epsilon_j^2$, and the lag is
    $\frac{\epsilon_j^2}{\epsilon_i} (e_j + \sum_l e_l)$.

    Examples:
        >>> from smfg_verify.symbolic.rates import Motion
        >>> [motion.value for motion in Motion]
        ['lipschitz', 'smooth']
    """

    LIPSCHITZ = "lipschitz"
    SMOOTH = "smooth"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One learner and the line of its residual.

    Attributes:
        learner: name.
        residual: name of its error.
        step: name of its step size, such as "zeta".
        exponent: symbol of the step's exponent.
        enters: learners whose errors enter its update.
        moved_by: learners whose steps move its target.
        motion: how its own steps move the targets of others.
        drives_chain: whether a Markov chain that is sampled depends on its iterate.

    Examples:
        >>> from smfg_verify.symbolic.rates import AC_SMFG
        >>> AC_SMFG["mean_field"].enters, AC_SMFG["mean_field"].moved_by
        (('follower',), ('leader',))
    """

    learner: str
    residual: str
    step: str
    exponent: str
    enters: tuple[str, ...] = ()
    moved_by: tuple[str, ...] = ()
    motion: Motion = Motion.SMOOTH
    drives_chain: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recursion:
    """A scheme: its lines, the leader's first.

    Attributes:
        name: of the scheme.
        lines: one a learner, from the slowest that is meant to the fastest.
        leader_contracts: whether the leader's objective dominates too (gradient domination, strong concavity), so
            that the leader's line is a contraction of its gap; otherwise only its mean squared gradient is bounded.

    Raises:
        ValueError: a learner twice, or one named that has no line.

    Examples:
        >>> from smfg_verify.symbolic.rates import AC_SMFG
        >>> AC_SMFG.learners
        ('leader', 'mean_field', 'follower', 'critic')
        >>> AC_SMFG.with_motion("lipschitz", "leader")["leader"].motion.value
        'lipschitz'
    """

    name: str
    lines: tuple[Line, ...]
    leader_contracts: bool = False

    def __post_init__(self) -> None:
        if not self.lines or len(set(self.learners)) < len(self.lines):
            raise InputError(f"recursion {self.name}: got the learners {self.learners}, expected each name once.")
        for line in self.lines:
            for other in (*line.enters, *line.moved_by):
                if other not in self.learners or other == line.learner:
                    raise InputError(
                        f"recursion {self.name}: the line of {line.learner} names {other!r}, expected another of its "
                        f"learners{closest(other, self.learners)}; they are {', '.join(self.learners)}."
                    )

    def __getitem__(self, learner: str) -> Line:
        for line in self.lines:
            if line.learner == learner:
                return line
        raise KeyError(f"{learner!r}{closest(learner, self.learners)}; the learners are {', '.join(self.learners)}")

    @property
    def learners(self) -> tuple[str, ...]:
        """Names of the learners, the leader's first."""
        return tuple(line.learner for line in self.lines)

    @property
    def leader(self) -> Line:
        """The leader's line."""
        return self.lines[0]

    @property
    def contracting(self) -> tuple[Line, ...]:
        """The lines that contract their own residual."""
        return self.lines if self.leader_contracts else self.lines[1:]

    def with_motion(self, motion: str | Mapping[str, str], *learners: str) -> "Recursion":
        """The same with another hypothesis on how steps move targets.

        Args:
            motion: a `Motion` or its value for `learners` (all where none is named); or learner -> one.
            learners: whose.

        Returns:
            The recursion.

        Raises:
            ValueError: an unknown motion or learner.
        """
        named = motion if isinstance(motion, Mapping) else dict.fromkeys(learners or self.learners, motion)
        for learner, value in named.items():
            if learner not in self.learners:
                raise InputError(f"motion: got the learner {learner!r}, expected one of {', '.join(self.learners)}.")
            if value not in list(Motion):
                raise InputError(f"motion of {learner}: got {value!r}, expected {' or '.join(Motion)}.")
        lines = (dataclasses.replace(line, motion=Motion(named.get(line.learner, line.motion))) for line in self.lines)
        return dataclasses.replace(self, lines=tuple(lines))

    def with_contracting_leader(self) -> "Recursion":
        """The same under gradient domination of the leader's objective."""
        return dataclasses.replace(self, leader_contracts=True)


# e_theta is the follower's gap at the present mean field and leader, e_mu the distance to the leader's equilibrium, the
# critics' errors are those at the present policies and mean field: who moves a target is who is named in it.
AC_SMFG = Recursion(
    name="AC-SMFG",
    lines=(
        Line(
            learner="leader",
            residual="e_omega",
            step="zeta",
            exponent="a",
            enters=("mean_field", "follower", "critic"),
            drives_chain=True,
        ),
        Line(
            learner="mean_field",
            residual="e_mu",
            step="xi",
            exponent="b",
            enters=("follower",),
            moved_by=("leader",),
            drives_chain=True,
        ),
        Line(
            learner="follower",
            residual="e_theta",
            step="alpha",
            exponent="c",
            enters=("critic",),
            moved_by=("leader", "mean_field"),
            drives_chain=True,
        ),
        Line(
            learner="critic",
            residual="e_V",
            step="beta",
            exponent="d",
            moved_by=("leader", "mean_field", "follower"),
        ),
    ),
)

# The scheme of two time scales for bilevel problems, outer variable x and inner y with target y*(x): alpha_k, beta_k of
# Hong, Wai, Wang, Yang (arXiv 2007.05170); the recursion is our reading.
BILEVEL = Recursion(
    name="two time scales",
    lines=(
        Line(
            learner="outer",
            residual="e_x",
            step="alpha",
            exponent="a",
            enters=("inner",),
            motion=Motion.LIPSCHITZ,
        ),
        Line(learner="inner", residual="e_y", step="beta", exponent="b", moved_by=("outer",)),
    ),
)
