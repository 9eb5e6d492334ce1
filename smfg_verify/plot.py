r"""Figures of records, one panel each, on axes of yours or on new ones: `plot.convergence(residuals, bounds, ax=ax)`.

Each function draws what a record holds and computes nothing. The commands' own figures put these panels together. New
axes are as wide as one column of a paper or as two (`width="two"`), with the legend below them; on axes of yours it
stands at their right, and the size of the figure is yours.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.assumptions import AssumptionReport
from smfg_verify.bounds import RESIDUAL_NAMES, BoundReport, Residuals
from smfg_verify.errors import InputError
from smfg_verify.exact import Equilibrium
from smfg_verify.game import AbstractGame, game_name
from smfg_verify.report.figures.alignment import cosine_course_panel, cosine_panel
from smfg_verify.report.figures.contraction import contraction_title, has_sweep, spectrum_panel, sweep_panel
from smfg_verify.report.figures.convergence import residual_panel
from smfg_verify.report.figures.equilibrium import mean_field_panel
from smfg_verify.report.figures.layout import legend_beside, settle
from smfg_verify.report.figures.widths import INCHES, FigureWidth
from smfg_verify.report.labels import MEASURES, game_title
from smfg_verify.report.sweep.figure import slice_panel, title_of
from smfg_verify.suggestions import closest
from smfg_verify.sweep.slices import slice_of

if TYPE_CHECKING:
    import xarray

_HEIGHT = 1.9

__all__ = ["alignment", "alignment_along_run", "contraction", "convergence", "eigenvalues", "mean_field", "sweep"]


def convergence(
    residuals: Residuals,
    bounds: BoundReport,
    residual: str = "e_omega",
    *,
    ax: Axes | None = None,
    width: FigureWidth = "one",
) -> Axes:
    r"""One residual of a run over iterations, log-log: mean and band of the seeds, fitted slope, claimed slope -1/2.

    Args:
        residuals: of the run, as `exact_residuals` gives them.
        bounds: their rates, as `validate_bounds` gives them.
        residual: name of one, such as "e_mu".
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

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
    new, ax = _axes(ax, width)
    residual_panel(ax, residuals, bounds, residual, f"{game_title(bounds.game)}. {MEASURES[residual].words}")
    return _finished(ax, new)


def alignment(report: AssumptionReport, *, ax: Axes | None = None, width: FigureWidth = "one") -> Axes:
    r"""How many random leaders have which cosine between total and direct gradient, and the worst case found.

    Args:
        report: of `check`, with the property gradient-alignment.
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

    Returns:
        The axes.

    Raises:
        KeyError: the property was not checked.

    Examples:
        >>> from smfg_verify import check, games, plot
        >>> report = check(games.load("laffer-tax"), "gradient-alignment", budget="quick", num_leaders=16)
        >>> plot.alignment(report).get_title(loc="left")
        'Laffer tax. Gradient alignment: refuted'
    """
    finding = report.finding("gradient-alignment", "cosine")
    new, ax = _axes(ax, width)
    cosine_panel(ax, finding, report.game_name)
    return _finished(ax, new)


def alignment_along_run(
    residuals: Residuals,
    *,
    game: AbstractGame | None = None,
    ax: Axes | None = None,
    width: FigureWidth = "one",
) -> Axes:
    r"""The cosine between total and direct gradient over the iterations of a run: median, band and smallest seed.

    Args:
        residuals: of the run, as `exact_residuals` gives them.
        game: the game of the run, for the title; the residuals do not name it.
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

    Returns:
        The axes.

    Examples:
        >>> from smfg_verify import ac_smfg, exact_residuals, games, plot
        >>> game = games.load("laffer-tax")
        >>> residuals = exact_residuals(game, ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[5]))
        >>> plot.alignment_along_run(residuals, game=game).get_title(loc="left")
        'Laffer tax. Gradient alignment along the run'
    """
    new, ax = _axes(ax, width)
    title = "Gradient alignment along the run"
    cosine_course_panel(ax, residuals, title if game is None else f"{game_title(game_name(game))}. {title}")
    return _finished(ax, new)


def contraction(report: AssumptionReport, *, ax: Axes | None = None, width: FigureWidth = "one") -> Axes:
    r"""Moduli of the best-response map over temperatures: proved bounds, and the largest found.

    Args:
        report: of `check`, with the property contraction.
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

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
    if not has_sweep(report):
        raise InputError("report: got one whose property contraction does not apply to the game; it has no sweep.")
    new, ax = _axes(ax, width)
    sweep_panel(ax, report, contraction_title(report))
    return _finished(ax, new)


def eigenvalues(report: AssumptionReport, *, ax: Axes | None = None, width: FigureWidth = "one") -> Axes:
    r"""Eigenvalues of the best-response map's derivative at the uniform leader's equilibrium, with the unit circle.

    Args:
        report: of `check`, with the property contraction.
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

    Returns:
        The axes.

    Raises:
        KeyError: the property was not checked.

    Examples:
        >>> from smfg_verify import check, games, plot
        >>> report = check(games.load("laffer-tax"), "contraction", num_leaders=4, num_starts=1, num_steps=1)
        >>> plot.eigenvalues(report).get_xlabel()
        'real part [1]'
    """
    new, ax = _axes(ax, width)
    spectrum_panel(ax, report, rf"{game_title(report.game_name)}. Eigenvalues of $D\Gamma_\phi$")
    return _finished(ax, new)


def mean_field(
    game: AbstractGame, equilibrium: Equilibrium, *, ax: Axes | None = None, width: FigureWidth = "one"
) -> Axes:
    r"""The mean field of an equilibrium: a bar a state, or a heat map over states and actions.

    Args:
        game: gives the labels.
        equilibrium: of one leader.
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

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
    new, ax = _axes(ax, width)
    mean_field_panel(ax, game, equilibrium)
    return _finished(ax, new)


def sweep(
    dataset: "xarray.Dataset",
    value: str = "",
    x: str = "",
    y: str = "",
    *,
    at: Mapping[str, str] | None = None,
    ax: Axes | None = None,
    width: FigureWidth = "one",
) -> Axes:
    r"""A variable of a sweep over one axis or two: a curve, a map, or the points of a random design.

    Args:
        dataset: as `smfg-verify sweep` writes it.
        value: name of a variable, such as "solve_objective"; the first one that varies if empty.
        x, y: names of axes; those that the variable varies along first if x is empty.
        at: name of another axis -> the value at which it is held. Left open, the last iteration is taken, and the mean
            over seeds.
        ax: where to draw; new axes if None.
        width: of new axes' figure: one column of a paper, 3.3 inches, or two, 6.9 inches.

    Returns:
        The axes; cells without a number are grey.

    Raises:
        ValueError: an unknown name or value, or an axis left open that is neither of these two.

    Examples:
        >>> import xarray
        >>> from smfg_verify import plot
        >>> values = (("discount", "temperature"), [[1.0, 2.0], [3.0, 4.0]], {"long_name": "objective"})
        >>> places = {"discount": [0.8, 0.9], "temperature": [0.1, 1.0]}
        >>> dataset = xarray.Dataset({"solve_objective": values}, coords=places)
        >>> plot.sweep(dataset, x="discount", y="temperature").get_title(loc="left")
        'Sweep, solve: objective'
    """
    drawn = slice_of(dataset, value, x, y, at)
    new, ax = _axes(ax, width)
    slice_panel(ax, drawn, title_of(drawn))
    return _finished(ax, new)


def _axes(ax: Axes | None, width: FigureWidth) -> tuple[Figure | None, Axes]:
    """The axes; or new ones, with their figure, which is of pyplot, so that a notebook shows it by itself."""
    if ax is not None:
        return None, ax
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(INCHES[width], INCHES[width]), layout="constrained")
    return figure, axes


def _finished(ax: Axes, new: Figure | None) -> Axes:
    """The axes with their legend: under new ones, at the right of those that were handed in."""
    if new is None:
        legend_beside(ax)
    else:
        settle(new, [(ax, _HEIGHT)], fixed=False)
    return ax
