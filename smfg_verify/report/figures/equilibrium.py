"""An equilibrium: mean field, follower's policy, leader's policies; vectors as bars, matrices as heat maps."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.exact import Equilibrium
from smfg_verify.game import AbstractGame, game_name
from smfg_verify.report.figures.drawing import finish_axes
from smfg_verify.report.figures.layout import Row, lettered, new_figure, settle
from smfg_verify.report.figures.matrices import bars, colour_bar, heat_map, is_numbered
from smfg_verify.report.figures.style import house_style
from smfg_verify.report.figures.widths import INCHES, FigureWidth
from smfg_verify.report.labels import game_title, labels_of

_LINE_HEIGHT, _MOST_LINES, _FEWEST_LINES = 0.165, 20, 4
# Inches of a panel that its labels and the gap to the next take, about.
_BESIDE = 0.95


class _Panel(NamedTuple):
    """Numbers with the names of rows and columns, and the end of their scale; one column is a vector."""

    title: str
    matrix: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    highest: float
    x_label: str
    y_label: str
    unit: str

    @property
    def height(self) -> float:
        return _LINE_HEIGHT * min(max(len(self.rows), _FEWEST_LINES), _MOST_LINES)


@house_style
def equilibrium_figure(
    game: AbstractGame,
    equilibrium: Equilibrium,
    leader_policies: Mapping[str, Float[np.ndarray, "O B"]],
    *,
    width: FigureWidth = "two",
) -> Figure:
    """Mean field and follower's policy of an equilibrium, then the leader's policies.

    Args:
        game: gives the labels.
        equilibrium: converged or not; NaN is written as nan.
        leader_policies: title -> table phi(b|o); the first is the one of the equilibrium.
        width: of one column of a paper, or of two.

    Returns:
        The figure.
    """
    figure = new_figure(width)
    panels = [*_follower_panels(game, equilibrium), *_leader_panels(game, leader_policies)]
    columns = 2 if width == "two" else 1
    lines = [panels[k : k + columns] for k in range(0, len(panels), columns)]
    heights = [max(panel.height for panel in line) for line in lines]
    grid = figure.subplots(len(lines), columns, squeeze=False, height_ratios=heights)
    drawn = list(grid.ravel())
    for axes, panel in zip(drawn, panels, strict=False):
        _draw(figure, axes, panel, INCHES[width] / columns - _BESIDE)
    for empty in drawn[len(panels) :]:
        empty.remove()
    lettered(drawn[: len(panels)])
    rows: list[Row] = [(row[0], height) for row, height in zip(grid, heights, strict=True)]
    head = f"{game_title(game_name(game))}. Equilibrium under the uniform leader"
    settle(figure, rows, head=head, note=_note(equilibrium))
    return figure


def mean_field_panel(axes: Axes, game: AbstractGame, equilibrium: Equilibrium) -> None:
    """The mean field alone: bars of states, or a heat map of states and actions."""
    panel = _follower_panels(game, equilibrium)[0]
    title = f"{game_title(game_name(game))}. {panel.title}"
    inches = axes.get_window_extent().width / axes.figure.get_dpi()
    _draw(None, axes, panel._replace(title=title), inches)


def _note(equilibrium: Equilibrium) -> str:
    state = "converged" if bool(equilibrium.converged) else "NOT CONVERGED, nothing to draw"
    return f"Mean field and follower's policy: {state}, residual {float(equilibrium.residual):.1e}."


def _follower_panels(game: AbstractGame, equilibrium: Equilibrium) -> list[_Panel]:
    labels = labels_of(game)
    field, policy = np.asarray(equilibrium.mean_field), np.asarray(equilibrium.follower_policy)
    highest = float(np.nanmax(field)) if np.isfinite(field).any() else 1.0
    states, actions = labels.states, labels.follower_actions
    if field.ndim == 1:
        shown = _Panel("Mean field", field[:, None], states, ("",), highest, "", "state", r"$\mu^*(s)$ [1]")
    else:
        shown = _Panel("Mean field", field, states, actions, highest, "action", "state", r"$\mu^*(s,a)$ [1]")
    unit = r"$\pi^*(a\,|\,s)$ [1]"
    return [shown, _Panel("Follower's policy", policy, states, actions, 1.0, "action", "state", unit)]


def _leader_panels(game: AbstractGame, policies: Mapping[str, np.ndarray]) -> list[_Panel]:
    """One row of a policy is a vector over the actions."""
    labels = labels_of(game)
    rows, columns = labels.observations, labels.leader_actions
    unit, x_label, y_label = r"$\phi(b\,|\,o)$ [1]", "action", "observed"
    tables = {title: np.asarray(table) for title, table in policies.items()}
    if len(rows) == 1:
        tables = {title: table.T for title, table in tables.items()}
        rows, columns, unit, x_label, y_label = columns, ("",), r"$\phi(b)$ [1]", "", "action"
    return [_Panel(title, table, rows, columns, 1.0, x_label, y_label, unit) for title, table in tables.items()]


def _draw(figure: Figure | None, axes: Axes, panel: _Panel, inches: float) -> None:
    """A panel on axes about so many inches wide; with a bar of colours where its cells are not numbered."""
    if panel.matrix.shape[1] == 1:
        bars(axes, panel.matrix[:, 0], panel.rows, highest=panel.highest)
        finish_axes(axes, panel.title, panel.unit, panel.y_label)
        return
    image = heat_map(axes, panel.matrix, panel.rows, panel.columns, highest=panel.highest, inches=inches)
    unit = panel.unit.replace(" [", "\u00a0[")  # never apart from its symbol
    title = f"{panel.title}, {unit}" if is_numbered(panel.matrix, inches) else panel.title
    finish_axes(axes, title, panel.x_label, panel.y_label)
    axes.spines[:].set_visible(False)
    if not is_numbered(panel.matrix, inches):
        colour_bar(axes, image, panel.unit)
