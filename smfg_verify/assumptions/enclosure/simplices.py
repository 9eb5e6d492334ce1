"""Products of simplices: ranges of linear and quadratic forms over them."""

import functools

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD


class Shape:
    """Of a product of simplices: how many vertices each has.

    Args:
        sizes: of the simplices, two vertices or more each.

    Attributes:
        sizes: the same.
        begins: where the coordinates of each simplex begin, (G,).
        first, second: the coordinates of each product of two, (P,).
        middles, rooms: of the range of each product over the cell, its middle and half its width, (P,).
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.begins = np.concatenate([[0], np.cumsum(np.array(sizes) - 1)])[:-1].astype(int)
        self.dimension = int(np.sum(sizes)) - len(sizes)
        self.first, self.second = np.triu_indices(self.dimension)
        owner = np.repeat(np.arange(len(sizes)), np.array(sizes) - 1)
        share = 1.0 / np.array(sizes, dtype=float)[owner]
        far = 1.0 - share
        a, b = self.first, self.second
        square, together = a == b, owner[a] == owner[b]
        product = far[a] * far[b]
        # Both entries of one simplex: (x - 1/p)(y - 1/p) with x + y <= 1.
        joint = np.maximum(share[a] ** 2, (0.5 - share[a]) ** 2)
        least = np.where(square, 0.0, np.where(together, -far[a] * share[a], -product)) * OUTWARD
        most = np.where(square, product, np.where(together, joint, product)) * OUTWARD
        self.middles, self.rooms = 0.5 * (least + most), 0.5 * (most - least) * OUTWARD

    @functools.cached_property
    def counts(self) -> Float[np.ndarray, " G"]:
        """Vertices of each simplex, as numbers."""
        return np.array(self.sizes, dtype=float)

    def at_vertices(self, linear: Float[np.ndarray, "d *S K"]) -> Float[np.ndarray, "D *S K"]:
        """Linear parts at all vertices, up to a number for each simplex."""
        blank = np.zeros((1, *linear.shape[1:]))
        parts = [(blank, linear[a : a + size - 1]) for a, size in zip(self.begins, self.sizes, strict=True)]
        return np.concatenate([part for pair in parts for part in pair])

    def linear_ends(self, linear: Float[np.ndarray, "d *S K"]) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of linear parts over the cell."""
        low, high = np.zeros(linear.shape[1:]), np.zeros(linear.shape[1:])
        for begin, size in zip(self.begins, self.sizes, strict=True):
            part = linear[begin : begin + size - 1]
            shift = part.sum(axis=0) / size
            low += np.minimum(part.min(axis=0), 0.0) - shift
            high += np.maximum(part.max(axis=0), 0.0) - shift
        return low, high

    def quadratic_ends(self, quadratic: Float[np.ndarray, "P *S K"]) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of quadratic parts over the cell, product by product."""
        middle, room = np.tensordot(self.middles, quadratic, 1), np.tensordot(self.rooms, np.abs(quadratic), 1)
        return middle - room, middle + room
