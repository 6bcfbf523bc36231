"""Shape of what is drawn: holes and pieces, slant, symmetry, where the ink lies and how many strokes lines cross."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.domains.image.reading import ReadImages
from explaindistill.domains.image.regions import swapped_boxes

__all__ = ["StrokeShape"]

INKED = 0.5
"""A place is inked where it holds so much of the image's own most ink."""
FAINT = 0.1
"""An image whose most ink is less than this share of the range has nothing drawn on it."""
SMALLEST = 4
"""Rows and columns below which there are no shapes."""
THIRDS = ("upper", "middle", "lower"), ("left", "middle", "right")
WHOLE = (
    "holes", "separate pieces", "slant to the right, in degrees", "symmetry, left to right", "symmetry, top to bottom",
    "middle of the ink, from the left", "middle of the ink, from the top",
)  # fmt: skip
MOST_SLANT = 60.0
"""Degrees: beyond, what is drawn lies rather than leans."""


class StrokeShape:
    """Counts and shares that describe strokes; a blank image has no slant, symmetry or middle: NaN.

    Attributes
    ----------
    names : list of str
        Empty for photographs and for images of fewer than four rows or columns.
    """

    def fit(self, read: ReadImages, P: ArrayLike | None, classes: Sequence[Any] | None) -> StrokeShape:
        """Name the columns."""
        drawn = read.ink_is is not None and min(read.grid.shape) >= SMALLEST
        crossings = [f"strokes that a level line crosses, {name}" for name in THIRDS[0]]
        crossings += [f"strokes that an upright line crosses, {name}" for name in THIRDS[1]]
        self.names = [*WHOLE, *crossings] if drawn else []
        return self

    def values(self, read: ReadImages) -> NDArray[np.float64]:
        """Values ``(n, q)``."""
        if not self.names:
            return np.zeros((len(read), 0))
        ink = read.small_amount
        inked = _inked(ink)
        columns = [*_counts(inked), _slant(ink, inked, _squeeze(read)), *_symmetry(ink, inked), *_middle(ink, inked)]
        for axis in (1, 2):
            for start, stop in _thirds(ink.shape[axis]):
                columns.append(_runs(np.take(inked, range(start, stop), axis), axis))
        return np.stack(columns, axis=1)

    def silenced(self, read: ReadImages, j: int, usual: float, rng: np.random.Generator) -> NDArray[np.object_]:
        """Holes filled, pieces but the largest taken out, slant, symmetry and middle as usual, or thirds swapped."""
        if j >= len(WHOLE):
            axis, third = divmod(j - len(WHOLE), 3)
            start, stop = _thirds(read.pixels.shape[axis])[third]
            both = (slice(start, stop), slice(None))
            return swapped_boxes(read, both if axis == 0 else (both[1], both[0]), 0.0, rng)
        change = self._without(read, j, usual)
        return read.pixels.changed(read.objects, change)

    def weights(self, read: ReadImages, j: int) -> NDArray[np.float64] | None:
        """Third of the image that a line crosses; None for what is about the whole image."""
        if j < len(WHOLE):
            return None
        axis, third = divmod(j - len(WHOLE), 3)
        start, stop = _thirds(read.grid.shape[axis])[third]
        weights = np.zeros(read.grid.shape)
        weights[(slice(start, stop), slice(None)) if axis == 0 else (slice(None), slice(start, stop))] = 1.0
        return weights / weights.sum()

    def _without(self, read: ReadImages, j: int, usual: float) -> NDArray[np.float64]:
        """Change of levels ``(n, h, w, c)`` after which a column about the whole image says what it usually does."""
        from scipy import ndimage

        levels, ink = read.levels, read.small_amount
        changed = levels.copy()
        inked = _inked(ink)
        for i in range(len(read)):
            if j in (0, 1):
                mask = read.grid.large(_mended(inked[i], j)[None, ..., None].astype(float))[0, ..., 0] > 0
                changed[i][mask] = float(j == 0) if read.ink_is == "bright" else float(j == 1)
            elif j in (3, 4):
                changed[i] = (levels[i] + np.flip(levels[i], 4 - j)) / 2.0
            elif inked[i].any():
                matrix, offset = _towards(j, usual, ink[i], inked[i], levels.shape[1:3])
                for c in range(levels.shape[3]):
                    changed[i, ..., c] = ndimage.affine_transform(
                        levels[i, ..., c], matrix, offset, order=1, mode="constant", cval=float(read.ink_is == "dark")
                    )
        return changed - levels


def _inked(ink: NDArray[np.float64]) -> NDArray[np.bool_]:
    peak = ink.max(axis=(1, 2), keepdims=True)
    return (ink >= INKED * peak) & (peak >= FAINT)


def _counts(inked: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Holes, which ink surrounds on all eight sides, and pieces of ink that touch, corners included."""
    from scipy import ndimage

    corners = np.ones((3, 3))
    ground = np.pad(~inked, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    holes = np.array([ndimage.label(image)[1] - 1 for image in ground], dtype=np.float64)
    pieces = np.array([ndimage.label(image, corners)[1] for image in inked], dtype=np.float64)
    return holes, pieces


def _mended(inked: NDArray[np.bool_], j: int) -> NDArray[np.bool_]:
    """Places to be filled, which are holes (j = 0), or to be cleared, which are all pieces but the largest (j = 1)."""
    from scipy import ndimage

    if j == 0:
        return ndimage.binary_fill_holes(inked) & ~inked
    pieces, n = ndimage.label(inked, np.ones((3, 3)))
    if n < 2:
        return np.zeros(inked.shape, dtype=bool)
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return (pieces > 0) & (pieces != largest)


def _moments(ink: NDArray[np.float64], inked: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """Mean row and column of the ink, the spread of its rows, and how columns go along with rows."""
    weight = ink * inked
    rows, columns = (np.arange(n) for n in ink.shape[1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = weight / weight.sum(axis=(1, 2), keepdims=True)
        y, x = (weight.sum(axis=2) * rows).sum(axis=1), (weight.sum(axis=1) * columns).sum(axis=1)
        dy, dx = rows - y[:, None], columns - x[:, None]
        yy = (weight.sum(axis=2) * dy**2).sum(axis=1)
        xy = np.einsum("nhw,nh,nw->n", weight, dy, dx)
    return y, x, yy, xy


def _squeeze(read: ReadImages) -> float:
    """Pixels across a cell of the grid per pixels down: what a shear on the grid is multiplied by in the image."""
    (h, w), (gh, gw) = read.pixels.shape, read.grid.shape
    return (w / gw) / (h / gh)


def _slant(ink: NDArray[np.float64], inked: NDArray[np.bool_], squeeze: float) -> NDArray[np.float64]:
    """Degrees by which what is drawn leans to the right; 0 where it has one row only."""
    _, _, yy, xy = _moments(ink, inked)
    degrees = np.degrees(np.arctan2(-xy * squeeze, yy))
    return np.where(
        inked.any(axis=(1, 2)), np.clip(np.where(yy > 1e-12, degrees, 0.0), -MOST_SLANT, MOST_SLANT), np.nan
    )


def _symmetry(ink: NDArray[np.float64], inked: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Share of ink that lies on other ink when the image is folded."""
    shares = []
    drawn = inked.any(axis=(1, 2))
    for axis in (2, 1):
        mirror = np.flip(ink, axis)
        apart, together = np.abs(ink - mirror).sum(axis=(1, 2)), (ink + mirror).sum(axis=(1, 2))
        shares.append(np.where(drawn, 1.0 - apart / np.where(together > 0, together, 1.0), np.nan))
    return shares


def _middle(ink: NDArray[np.float64], inked: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Mean place of the ink, in shares of the width and the height."""
    y, x, _, _ = _moments(ink, inked)
    return [(x + 0.5) / ink.shape[2], (y + 0.5) / ink.shape[1]]


def _thirds(n: int) -> list[tuple[int, int]]:
    edges = np.rint(np.linspace(0, n, 4)).astype(int).tolist()
    return list(pairwise(edges))


def _runs(inked: NDArray[np.bool_], axis: int) -> NDArray[np.float64]:
    """Mean number of strokes that the lines of a third cross: level lines along columns, upright ones along rows."""
    along = 3 - axis
    first = np.take(inked, [0], along)
    starts = np.concatenate([first, np.diff(inked.astype(np.int8), axis=along) > 0], axis=along)
    return starts.sum(axis=along).mean(axis=1)


def _towards(
    j: int, usual: float, ink: NDArray[np.float64], inked: NDArray[np.bool_], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shear or shift, as scipy reads it (from the new image to the old one), to the usual slant or middle."""
    scale = np.array([shape[0] / ink.shape[0], shape[1] / ink.shape[1]])
    if j == 2:
        y, _, yy, xy = (float(v[0]) for v in _moments(ink[None], inked[None]))
        shear = xy / yy * scale[1] / scale[0] if yy > 1e-12 else 0.0
        step = shear + np.tan(np.radians(usual))
        middle = (y + 0.5) * scale[0] - 0.5
        return np.array([[1.0, 0.0], [step, 1.0]]), np.array([0.0, -step * middle])
    place = _middle(ink[None], inked[None])[j - 5][0]
    offset = np.zeros(2)
    axis = 1 if j == 5 else 0
    offset[axis] = (place - usual) * shape[axis]
    return np.eye(2), offset
