"""Many cells at once, each of them halved until its parts are all good, or one is hopeless, or there are too many."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.enclosure.response.cells import Cells


class Looked(NamedTuple):
    """What one look at K cells tells.

    Attributes:
        value: certified, the larger the worse, (K,).
        centre: what it cannot be below, as far as numbers that are not proved tell, (K,).
        mixing: of `Slopes`, (K,).
        slack: of `Orientation`, infinite where it does not count, (K,).
        edge: the edge along which the cell should be cut, (K, 2).
    """

    value: Float[np.ndarray, " K"]
    centre: Float[np.ndarray, " K"]
    mixing: Float[np.ndarray, " K"]
    slack: Float[np.ndarray, " K"]
    edge: Int[np.ndarray, "K 2"]


class Forest(NamedTuple):
    """What is proved of R cells.

    Attributes:
        proved: whether the value of all parts is within the limit, (R,).
        value, mixing: largest of the parts; infinite where nothing is proved, (R,).
        slack: least of the parts; zero where nothing is proved, (R,).
        cells: looked at, of all together.
    """

    proved: Bool[np.ndarray, " R"]
    value: Float[np.ndarray, " R"]
    mixing: Float[np.ndarray, " R"]
    slack: Float[np.ndarray, " R"]
    cells: int


def forest(roots: Cells, look: Callable[[Cells], Looked], limits: Float[np.ndarray, " R"], most: int) -> Forest:
    """Halve each cell until all its parts are within its limit.

    Args:
        roots: R cells.
        look: at cells.
        limits: of their values.
        most: parts of one root looked at, at most; the root always is.

    Returns:
        What is proved.
    """
    number = len(limits)
    value, mixing, slack = np.full(number, -np.inf), np.zeros(number), np.full(number, np.inf)
    proved, seen = np.ones(number, bool), np.zeros(number, int)
    cells, owner = roots, np.arange(number)
    while len(owner):
        found = look(cells)
        seen += np.bincount(owner, minlength=number)
        good = found.value <= limits[owner]
        for ends, part, operation in (
            (value, found.value, np.maximum),
            (mixing, found.mixing, np.maximum),
            (slack, found.slack, np.minimum),
        ):
            operation.at(ends, owner[good], part[good])
        bad = np.bincount(owner[~good], minlength=number)
        proved[owner[found.centre > limits[owner]]] = False
        proved &= (bad == 0) | (seen + 2 * bad <= most)
        left = ~good & proved[owner]
        cells, owner = Cells(cells.vertices[left]).halved(found.edge[left]), np.tile(owner[left], 2)
    return Forest(
        proved,
        np.where(proved, value, np.inf),
        np.where(proved, mixing, np.inf),
        np.where(proved, slack, 0.0),
        int(seen.sum()),
    )
