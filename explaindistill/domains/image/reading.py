"""Images as columns read them: levels from dark to bright, the same on a small grid, and ink."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.image.pixels import Pixels

__all__ = ["ReadImages", "ReadingGrid", "ink_side"]

MOST_SIDE = 32
"""Rows and columns of the grid on which typical images and shapes are read: what a person sees of a picture at a
glance, and cheap."""
BLANK = 1 / 3
"""Share of pixels that have the level of the ground in drawings and writing: less is a photograph."""
NEAR = 0.05
"""Levels that are the ground's, in shares of the range."""


class ReadingGrid:
    """Means of ``shape`` over at most :data:`MOST_SIDE` rows and columns, and back.

    Examples
    --------
    >>> grid = ReadingGrid((64, 8))
    >>> grid.shape, grid.small(np.ones((1, 64, 8, 1))).shape
    ((32, 8), (1, 32, 8, 1))
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.full = shape
        self.shape = (min(shape[0], MOST_SIDE), min(shape[1], MOST_SIDE))
        self._rows, self._columns = (_means(n, m) for n, m in zip(shape, self.shape, strict=True))

    def small(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Area means ``(n, gh, gw, c)`` of levels ``(n, h, w, c)``."""
        if self.shape == self.full:
            return levels
        return np.einsum("gh,nhwc,kw->ngkc", self._rows, levels, self._columns, optimize=True)

    def large(self, small: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each cell's value at all of its pixels: ``(n, gh, gw, c)`` to ``(n, h, w, c)``."""
        rows, columns = (self._place(full, n) for full, n in zip(self.full, self.shape, strict=True))
        return small[:, rows][:, :, columns]

    @staticmethod
    def _place(full: int, small: int) -> NDArray[np.intp]:
        return np.minimum((np.arange(full) + 0.5) * small / full, small - 1).astype(np.intp)


@dataclass(frozen=True, eq=False)
class ReadImages:
    """Some images, read.

    Attributes
    ----------
    objects : ndarray of shape (n,)
    pixels : Pixels
    grid : ReadingGrid
    ink_is : "bright", "dark" or None
        Which levels are ink; None of photographs.
    """

    objects: NDArray[np.object_]
    pixels: Pixels
    grid: ReadingGrid
    ink_is: str | None = None

    def __len__(self) -> int:
        return len(self.objects)

    @cached_property
    def levels(self) -> NDArray[np.float64]:
        """Colours ``(n, h, w, c)`` from 0 to 1."""
        return self.pixels.levels(self.objects)

    @cached_property
    def small(self) -> NDArray[np.float64]:
        """Colours on the grid ``(n, gh, gw, c)``."""
        return self.grid.small(self.levels)

    @cached_property
    def amount(self) -> NDArray[np.float64]:
        """Ink, or brightness where there is none, at each pixel ``(n, h, w)``."""
        return self._ink(self.pixels.brightness(self.levels))

    @cached_property
    def small_amount(self) -> NDArray[np.float64]:
        """The same on the grid ``(n, gh, gw)``."""
        return self._ink(self.pixels.brightness(self.small))

    def _ink(self, brightness: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1.0 - brightness if self.ink_is == "dark" else brightness


def ink_side(brightness: NDArray[np.float64]) -> str | None:
    """Whether images ``(n, gh, gw)`` are strokes on an even ground, and whether the strokes are bright or dark.

    Examples
    --------
    >>> page = np.ones((3, 8, 8))
    >>> page[:, 2:6, 3] = 0.1
    >>> ink_side(page), ink_side(1 - page), ink_side(np.random.default_rng(0).random((3, 8, 8)))
    ('dark', 'bright', None)
    """
    dark, bright = float((brightness <= NEAR).mean()), float((brightness >= 1 - NEAR).mean())
    if max(dark, bright) < BLANK:
        return None
    return "bright" if dark >= bright else "dark"


def _means(full: int, small: int) -> NDArray[np.float64]:
    """Matrix ``(small, full)`` that takes the mean of each cell, pixels on an edge by their share."""
    edges = np.linspace(0, full, small + 1)
    pixel = np.arange(full)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = np.clip(overlap, 0.0, None)
    return weights / weights.sum(axis=1, keepdims=True)
