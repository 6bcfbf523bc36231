"""Named changes of images that should not change what they show, and a control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.image.pixels import Pixels, as_images

__all__ = ["image_edits", "noisy", "turned"]

TURN = 10.0
"""Degrees, to the left."""
FADE = 0.3
"""Share of the way to the darkest or brightest value."""
NOISE, CONTROL = 0.05, 0.01
"""Standard deviations of noise, in shares of the range: one that is seen, and one that is not."""
SHIFT = 0.05
"""Share of the width, at least one pixel."""
Edit = Callable[[Any, np.random.Generator], NDArray[np.object_]]


def image_edits(channels: Sequence[str] | None, channel_axis: int) -> Mapping[str, Edit]:
    """Edits ``edit(objects, rng) -> objects`` by name; images keep their shape, type and range, and alpha.

    Images of flags are not darker, brighter or a little noisier than they were: there is nothing between 0 and 1.

    Examples
    --------
    >>> edits = image_edits(None, -1)
    >>> list(edits)
    ['rotated 10°', 'shifted', 'darker', 'brighter', 'noisy', 'noisy, control']
    >>> edits["darker"](np.ones((1, 2, 2)), np.random.default_rng(0))[0].round(2).tolist()
    [[0.7, 0.7], [0.7, 0.7]]
    """
    ways: dict[str, Callable[..., Any]] = {
        "rotated 10°": _rotated,
        "shifted": _shifted,
        "darker": partial(_faded, towards=0.0),
        "brighter": partial(_faded, towards=1.0),
        "noisy": partial(_noise, spread=NOISE),
        "noisy, control": partial(_noise, spread=CONTROL),
    }

    def edit(way: Callable[..., Any], objects: Any, rng: np.random.Generator) -> NDArray[np.object_]:
        images = as_images(objects, channel_axis)
        if len(images) == 0:
            return images
        return way(Pixels.of(images, channels, channel_axis), images, rng)

    return MappingProxyType({name: partial(edit, way) for name, way in ways.items()})


def turned(
    pixels: Pixels, images: NDArray[np.object_], degrees: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Images turned to the left around their middle and shifted by rows and columns; the rim is drawn out."""
    from scipy import ndimage

    values = pixels.values(images)
    middle = (np.array(pixels.shape) - 1) / 2
    for i, (angle, move) in enumerate(zip(np.radians(degrees), shift, strict=True)):
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        offset = middle - matrix @ (middle + move)
        for c in range(values.shape[3]):
            values[i, ..., c] = ndimage.affine_transform(values[i, ..., c], matrix, offset, order=1, mode="nearest")
    return pixels.images(values)


def noisy(pixels: Pixels, images: NDArray[np.object_], spread: float, rng: np.random.Generator) -> NDArray[np.object_]:
    """Images with normal noise in each colour of each pixel, within the range; of flags a share of pixels flips."""
    shape = (len(images), *pixels.shape, len(pixels.colours))
    if pixels.dtype.kind == "b":
        values = pixels.values(images)
        flipped = rng.random(shape) < spread
        return pixels.images(np.where(flipped, 1.0 - values, values))
    return pixels.changed(images, rng.normal(0.0, spread, shape))


def _rotated(pixels: Pixels, images: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.object_]:
    return turned(pixels, images, np.full(len(images), TURN), np.zeros((len(images), 2)))


def _shifted(pixels: Pixels, images: NDArray[np.object_], rng: np.random.Generator) -> NDArray[np.object_]:
    step = max(1, round(SHIFT * pixels.shape[1]))
    values = pixels.values(images)
    columns = np.maximum(np.arange(pixels.shape[1]) - step, 0)
    return pixels.images(values[:, :, columns])


def _faded(
    pixels: Pixels, images: NDArray[np.object_], rng: np.random.Generator, towards: float
) -> NDArray[np.object_]:
    values = pixels.values(images)
    colours = [i for i, name in enumerate(pixels.channels) if name != "alpha"]
    end = pixels.low + towards * (pixels.high - pixels.low)
    values[..., colours] += FADE * (end - values[..., colours])
    return pixels.images(values)


def _noise(pixels: Pixels, images: NDArray[np.object_], rng: np.random.Generator, spread: float) -> NDArray[np.object_]:
    return noisy(pixels, images, spread, rng)
