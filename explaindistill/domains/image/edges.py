"""Edges: how strong they are in each direction and quarter of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.domains.image.reading import ReadImages
from explaindistill.domains.image.regions import boxes, even_weights, place_names, swapped_boxes

__all__ = ["Edges"]

DIRECTIONS = ("upright", "rising", "level", "falling")
"""Of the edge itself, which lies across the gradient, by the angle of the gradient in steps of 45 degrees; rows count
downwards, so that a gradient to the lower right belongs to an edge that rises."""


class Edges:
    """Mean strength of edges, from 0 to about 1, by direction and quarter; a histogram of oriented gradients in words.

    References
    ----------
    Dalal and Triggs (2005), doi:10.1109/CVPR.2005.177.
    """

    def fit(self, read: ReadImages, P: ArrayLike | None, classes: Sequence[Any] | None) -> Edges:
        """Name the columns; images of one row or column have no edges."""
        self.boxes = boxes(read.pixels.shape, 2)
        places = place_names(read.pixels.shape, 2)
        large = min(read.grid.shape) >= 2
        self.names = [f"{way} edges, {place}" for place in places for way in DIRECTIONS] if large else []
        return self

    def values(self, read: ReadImages) -> NDArray[np.float64]:
        """Strengths ``(n, q)``."""
        if not self.names:
            return np.zeros((len(read), 0))
        down, across = np.gradient(read.small_amount, axis=(1, 2))
        strength = np.hypot(down, across)
        step = np.rint(np.degrees(np.arctan2(down, across)) / 45.0).astype(int) % 4
        columns = []
        for rows, cols in boxes(read.grid.shape, 2):
            for direction in range(4):
                along = strength[:, rows, cols] * (step[:, rows, cols] == direction)
                columns.append(along.mean(axis=(1, 2)))
        return np.stack(columns, axis=1)

    def silenced(self, read: ReadImages, j: int, usual: float, rng: np.random.Generator) -> NDArray[np.object_]:
        """Each image with the quarter of another one; of a single image the quarter is filled evenly."""
        box = self.boxes[j // 4]
        return swapped_boxes(read, box, float(read.amount[(slice(None), *box)].mean()), rng)

    def weights(self, read: ReadImages, j: int) -> NDArray[np.float64]:
        """Where the quarter lies, evenly."""
        return even_weights(read, self.boxes[j // 4])
