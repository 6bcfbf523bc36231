"""Regions: how bright each is, or how much ink it holds, and its colours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.domains.image.reading import ReadImages

__all__ = ["Regions", "boxes", "place_names", "swapped_boxes"]

DOWN = {1: ("",), 2: ("top", "bottom"), 3: ("top", "middle", "bottom"), 4: ("top", "upper", "lower", "bottom")}
ACROSS = {
    1: ("",),
    2: ("left", "right"),
    3: ("left", "centre", "right"),
    4: ("left", "centre left", "centre right", "right"),
}
Box = tuple[slice, slice]


def boxes(shape: tuple[int, int], n: int) -> list[Box]:
    """Rows and columns of up to ``n`` × ``n`` regions of an image, row by row.

    Examples
    --------
    >>> [(a.start, b.stop) for a, b in boxes((4, 4), 2)]
    [(0, 2), (0, 4), (2, 2), (2, 4)]
    """
    rows, columns = (_slices(side, n) for side in shape)
    return list(product(rows, columns))


def place_names(shape: tuple[int, int], n: int) -> list[str]:
    """Names of the same regions.

    Examples
    --------
    >>> place_names((8, 8), 2)
    ['top left', 'top right', 'bottom left', 'bottom right']
    >>> place_names((8, 1), 5)[-1]
    'row 5 of 5'
    """
    n_down, n_across = (min(n, side) for side in shape)
    if max(n_down, n_across) <= max(DOWN):
        return [" ".join(filter(None, both)) or "everywhere" for both in product(DOWN[n_down], ACROSS[n_across])]
    down = [f"row {i + 1} of {n_down}" * (n_down > 1) for i in range(n_down)]
    across = [f"column {i + 1} of {n_across}" * (n_across > 1) for i in range(n_across)]
    return [", ".join(filter(None, both)) for both in product(down, across)]


class Regions:
    """Mean brightness, ink or colour of each region, from 0 to 1.

    Parameters
    ----------
    n : int
        Regions down and across.
    colours : bool, default=False
        Each channel of its own, in place of brightness or ink.
    """

    def __init__(self, n: int, colours: bool = False) -> None:
        self.n = n
        self.colours = colours

    def fit(self, read: ReadImages, P: ArrayLike | None, classes: Sequence[Any] | None) -> Regions:
        """Name the regions."""
        shape = read.pixels.shape
        if self.colours:
            quantities = read.pixels.colours if len(read.pixels.colours) > 1 else ()
        else:
            quantities = ("brightness" if read.ink_is is None else "ink",)
        self.boxes = boxes(shape, self.n)
        places = place_names(shape, self.n)
        self.names = [f"{quantity}, {place}" for quantity in quantities for place in places]
        return self

    def values(self, read: ReadImages) -> NDArray[np.float64]:
        """Means ``(n, q)``."""
        layers = read.levels if self.colours else read.amount[..., None]
        if not self.names:
            return np.zeros((len(read), 0))
        means = [layers[(slice(None), *box)].mean(axis=(1, 2)) for box in self.boxes]  # each (n, c)
        return np.stack(means, axis=1).transpose(0, 2, 1).reshape(len(read), -1)

    def silenced(self, read: ReadImages, j: int, usual: float, rng: np.random.Generator) -> NDArray[np.object_]:
        """Each image with the region of another one; a single image gets it filled evenly, as bright as usual."""
        box = self.boxes[j % len(self.boxes)]
        if not self.colours:
            return swapped_boxes(read, box, usual, rng)
        channel = j // len(self.boxes)
        change = np.zeros(read.levels.shape)
        at = (slice(None), *box, channel)
        new = read.levels[others(len(read), rng)][at] if len(read) > 1 else usual
        change[at] = new - read.levels[at]
        return read.pixels.changed(read.objects, change)

    def weights(self, read: ReadImages, j: int) -> NDArray[np.float64]:
        """Where the region lies on the grid, evenly, with the sum 1."""
        return even_weights(read, self.boxes[j % len(self.boxes)])


def swapped_boxes(read: ReadImages, box: Box, usual: float, rng: np.random.Generator) -> NDArray[np.object_]:
    """Each image with what another one holds in a box."""
    if len(read) > 1:
        values = read.pixels.values(read.objects)
        at = (slice(None), *box)
        values[at] = values[others(len(read), rng)][at]
        return read.pixels.images(values)
    change = np.zeros(read.levels.shape)
    bright = 1.0 - usual if read.ink_is == "dark" else usual
    change[(slice(None), *box)] = bright - read.levels[(slice(None), *box)]
    return read.pixels.changed(read.objects, change)


def others(n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """For each of ``n`` images another one, each once.

    Examples
    --------
    >>> bool((others(9, np.random.default_rng(0)) == np.arange(9)).any())
    False
    """
    order = rng.permutation(n)
    other = np.empty(n, dtype=np.intp)
    other[order] = np.roll(order, 1)
    return other


def even_weights(read: ReadImages, box: Box) -> NDArray[np.float64]:
    """Weights ``(gh, gw)`` of a box of the image, with the sum 1."""
    mark = np.zeros((1, *read.pixels.shape, 1))
    mark[(slice(None), *box)] = 1.0
    weights = read.grid.small(mark)[0, ..., 0]
    return weights / weights.sum()


def _slices(side: int, n: int) -> list[slice]:
    n = min(n, side)
    edges = np.rint(np.linspace(0, side, n + 1)).astype(int).tolist()
    return [slice(a, b) for a, b in pairwise(edges)]
