r"""Figures of records, one panel each, on axes of yours or on new ones: `plot.convergence(residuals, bounds, ax=ax)`.

Each function draws what a record holds and computes nothing. The commands' own figures put these panels together.
"""

import numpy as np
from matplotlib.axes import Axes

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.bounds import RESIDUAL_NAMES, BoundReport, Residuals
from smfg_verify.errors import InputError
from smfg_verify.exact import Equilibrium
from smfg_verify.game import AbstractGame
from smfg_verify.report.figures.alignment import cosine_course_panel, cosine_panel
from smfg_verify.report.figures.contraction import spectrum_panel, sweep_panel
from smfg_verify.report.figures.convergence import residual_panel
from smfg_verify.report.figures.equilibrium import mean_field_panel
from smfg_verify.suggestions import closest

__all__ = ["alignment", "alignment_along_run", "contraction", "convergence", "eigenvalues", "mean_field"]


def convergence(
    residuals: Residuals, bounds: BoundReport, residual: str = "e_omega", *, ax: Axes | None = None
) -> Axes:
    r"""One residual of a run over iterations, log-log: mean and band of the seeds, fitted slope, claimed slope -1/2.

    Args:
        residuals: of the run, as `exact_residuals` gives them.
        bounds: their rates, as `validate_bounds` gives them.
        residual: name of one, such as "e_mu".
        ax: where to draw; new axes if None.

    Returns:
        The axes.

    Raises:
        ValueError: an unknown residual.

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games, plot, validate_bounds
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[5, 10])
        >>> residuals = exact_residuals(game, trace)
        >>> bounds = validate_bounds(game, trace, residuals=residuals, num_resamples=100)
        >>> plot.convergence(residuals, bounds, "e_mu").get_xscale()
        'log'
    """
    if residual not in RESIDUAL_NAMES:
        raise InputError(
            f"residual: got {residual!r}{closest(residual, RESIDUAL_NAMES)}, expected one of "
            f"{', '.join(RESIDUAL_NAMES)}."
        )
    ax = _axes(ax)
    residual_panel(ax, residuals, bounds, residual)
    return ax


def alignment(report: AssumptionReport, *, ax: Axes | None = None) -> Axes:
    r"""How many random leaders have which cosine between total and direct gradient, and the worst case found.

    Args:
        report: of `check`, with the property gradient-alignment.
        ax: where to draw; new axes if None.

    Returns:
        The axes.

    Raises:
        KeyError: the property was not checked.

    Examples:
        >>> from smfg_verify import check, games, plot
        >>> report = check(games.load("laffer-tax"), "gradient-alignment", budget="quick", num_leaders=16)
        >>> plot.alignment(report).get_title(loc="left")
        'Gradient alignment: refuted'
    """
    finding = report.finding("gradient-alignment", "cosine")
    ax = _axes(ax)
    cosine_panel(ax, finding)
    return ax


def alignment_along_run(residuals: Residuals, *, ax: Axes | None = None) -> Axes:
    r"""The cosine between total and direct gradient over the iterations of a run: median, band and smallest seed.

    Args:
        residuals: of the run, as `exact_residuals` gives them.
        ax: where to draw; new axes if None.

    Returns:
        The axes.

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games, plot
        >>> game = games.load("laffer-tax")
        >>> residuals = exact_residuals(game, ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[5]))
        >>> plot.alignment_along_run(residuals).get_title(loc="left")
        'Along the run'
    """
    ax = _axes(ax)
    cosine_course_panel(ax, residuals)
    return ax


def contraction(report: AssumptionReport, *, ax: Axes | None = None) -> Axes:
    r"""Moduli of the best-response map over temperatures: proved bounds, and the largest found.

    Args:
        report: of `check`, with the property contraction.
        ax: where to draw; new axes if None.

    Returns:
        The axes.

    Raises:
        KeyError: the property was not checked.
        ValueError: it does not apply to the game, so that there is nothing to draw.

    Examples:
        >>> from smfg_verify import check, games, plot
        >>> report = check(games.load("laffer-tax"), "contraction", num_leaders=4, num_starts=1, num_steps=1)
        >>> plot.contraction(report).get_yscale()
        'log'
    """
    if not report.finding("contraction", "smallest-temperature").details.get("sweep"):
        raise InputError("report: got one whose property contraction does not apply to the game; it has no sweep.")
    ax = _axes(ax)
    sweep_panel(ax, report)
    return ax


def eigenvalues(report: AssumptionReport, *, ax: Axes | None = None) -> Axes:
    r"""Eigenvalues of the best-response map's derivative at the uniform leader's equilibrium, with the unit circle.

    Args:
        report: of `check`, with the property contraction.
        ax: where to draw; new axes if None.

    Returns:
        The axes.

    Raises:
        KeyError: the property was not checked.

    Examples:
        >>> from smfg_verify import check, games, plot
        >>> report = check(games.load("laffer-tax"), "contraction", num_leaders=4, num_starts=1, num_steps=1)
        >>> plot.eigenvalues(report).get_xlabel()
        'real part'
    """
    ax = _axes(ax)
    spectrum_panel(ax, report)
    return ax


def mean_field(game: AbstractGame, equilibrium: Equilibrium, *, ax: Axes | None = None) -> Axes:
    r"""The mean field of an equilibrium: a bar a state, or a heat map over states and actions.

    Args:
        game: gives the labels.
        equilibrium: of one leader.
        ax: where to draw; new axes if None.

    Returns:
        The axes.

    Raises:
        ValueError: a batch of equilibria.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, plot, solve_equilibrium
        >>> game = games.load("laffer-tax")
        >>> ax = plot.mean_field(game, solve_equilibrium(game, np.zeros((1, 2))))
        >>> [text.get_text() for text in ax.get_yticklabels()]
        ['formal', 'informal']
    """
    if np.ndim(equilibrium.converged) > 0:
        raise InputError(
            f"equilibrium: got {np.size(equilibrium.converged)} of them, expected one; likely cause: the result of a "
            "vmap. Pass one leaf at a time, as in jax.tree.map(lambda leaf: leaf[0], equilibria)."
        )
    ax = _axes(ax)
    mean_field_panel(ax, game, equilibrium)
    return ax


def _axes(ax: Axes | None) -> Axes:
    """The axes, or new ones of pyplot, which a notebook shows by itself."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(4.6, 3.3), layout="constrained")[1]
