"""Heat maps of an equilibrium: mean field, follower's policy, leader's policies."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from smfg_verify.exact import Equilibrium
from smfg_verify.game import AbstractGame
from smfg_verify.report.figures.drawing import BLUE, colour_bar, finish_axes, footnote, heat_map, new_figure
from smfg_verify.report.labels import labels_of

_CELL_WIDTH, _CELL_HEIGHT = 0.56, 0.32
_MOST_CELLS = 16


class _Panel(NamedTuple):
    """One heat map: its numbers, the names of rows and columns, and the end of its colours."""

    title: str
    matrix: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    highest: float
    x_label: str
    y_label: str
    unit: str

    @property
    def width(self) -> float:
        return 0.3 + _CELL_WIDTH * min(len(self.columns), _MOST_CELLS)


def equilibrium_figure(
    game: AbstractGame, equilibrium: Equilibrium, leader_policies: Mapping[str, Float[np.ndarray, "O B"]]
) -> Figure:
    """Mean field and follower's policy of an equilibrium above, leader's policies below.

    Args:
        game: gives the labels.
        equilibrium: converged or not; NaN is written as nan.
        leader_policies: title -> table phi(b|o); the first is the one of the equilibrium.

    Returns:
        The figure.
    """
    upper, lower = _follower_panels(game, equilibrium), _leader_panels(game, leader_policies)
    heights = [0.95 + _CELL_HEIGHT * min(max(len(panel.rows) for panel in row), _MOST_CELLS) for row in (upper, lower)]
    widths = [1.75 * len(row) + sum(panel.width for panel in row) for row in (upper, lower)]
    figure = new_figure(max(widths), 0.3 + sum(heights))
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, row in zip(parts, (upper, lower), strict=True):
        axes = part.subplots(1, len(row), width_ratios=[panel.width for panel in row], squeeze=False)[0]
        for axis, panel in zip(axes, row, strict=True):
            _draw(part, axis, panel)
    state = "converged" if bool(equilibrium.converged) else "NOT CONVERGED, nothing to draw"
    residual = float(equilibrium.residual)
    footnote(figure, f"Mean field and follower's policy under the uniform leader: {state}, residual {residual:.1e}.")
    return figure


def mean_field_panel(axes: Axes, game: AbstractGame, equilibrium: Equilibrium) -> None:
    """The mean field alone: bars of states, or a heat map of states and actions."""
    panel = _follower_panels(game, equilibrium)[0]
    if panel.matrix.shape[1] > 1:
        heat_map(axes, panel.matrix, panel.rows, panel.columns, highest=panel.highest)
        finish_axes(axes, panel.title, panel.x_label, panel.y_label)
        return
    places = np.arange(len(panel.rows))
    axes.barh(places, panel.matrix[:, 0], color=BLUE)
    axes.set_yticks(places, panel.rows)
    axes.invert_yaxis()  # the first state on top, as in a table
    finish_axes(axes, panel.title, panel.unit, panel.y_label)


def _follower_panels(game: AbstractGame, equilibrium: Equilibrium) -> list[_Panel]:
    labels = labels_of(game)
    field, policy = np.asarray(equilibrium.mean_field), np.asarray(equilibrium.follower_policy)
    highest = float(np.nanmax(field)) if np.isfinite(field).any() else 1.0
    if field.ndim == 1:
        shown = _Panel("Mean field m(s)", field[:, None], labels.states, ("",), highest, "", "state", "mass")
    else:
        columns = labels.follower_actions
        shown = _Panel("Mean field m(s, a)", field, labels.states, columns, highest, "action", "state", "mass")
    title, columns = "Follower's policy $\\pi(a|s)$", labels.follower_actions
    return [shown, _Panel(title, policy, labels.states, columns, 1.0, "action", "state", "probability")]


def _leader_panels(game: AbstractGame, policies: Mapping[str, np.ndarray]) -> list[_Panel]:
    labels = labels_of(game)
    rows, columns = labels.observations, labels.leader_actions
    return [
        _Panel(title, np.asarray(table), rows, columns, 1.0, "action", "observed", "probability")
        for title, table in policies.items()
    ]


def _draw(figure: FigureBase, axes: Axes, panel: _Panel) -> None:
    image = heat_map(axes, panel.matrix, panel.rows, panel.columns, highest=panel.highest)
    finish_axes(axes, panel.title, panel.x_label, panel.y_label)
    axes.spines[:].set_visible(False)
    colour_bar(figure, axes, image, panel.unit, panel_width=panel.width)
