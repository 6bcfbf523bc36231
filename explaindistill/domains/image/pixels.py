"""Images as they come: what is an image, the range of its values, and how a change is written back into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.domains._containers import check_order, check_unmasked, way_out_of
from explaindistill.errors import InvalidInputError

__all__ = ["Pixels", "as_images", "channel_names"]

MOST_COLOURS = 4
"""Channels up to which an axis of three is taken for colours: red, green, blue and alpha."""
NAMES = {
    1: ("brightness",),
    2: ("brightness", "alpha"),
    3: ("red", "green", "blue"),
    4: ("red", "green", "blue", "alpha"),
}
LUMA = np.array([0.299, 0.587, 0.114])
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""
FLAT = 4
"""Times that the sides of an image differ at most where its colours are more than :data:`MOST_COLOURS` and nobody says
on which axis they stand."""
MODES = frozenset({"1", "L", "LA", "RGB", "RGBA", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
"""Of Pillow's images, those whose numbers are brightness, or red, green and blue, and alpha."""
ORIENTATION = 0x0112
"""EXIF tag that says how a picture is turned before it is shown; 1 is not at all."""
OUTLIERS = 0.001
"""Share of values below and above the range of images whose numbers have no range of their own: no single pixel
bounds it."""


def as_images(X: Any, channel_axis: int = -1) -> NDArray[np.object_]:
    """Images ``(n,)`` out of an array ``(n, h, w)`` or ``(n, h, w, c)``, or a list or Series of arrays of one shape.

    Parameters
    ----------
    X : array, list or Series
    channel_axis : int
        Axis of the colours in one image that has three axes.

    Raises
    ------
    InvalidInputError
        For what is no image, differs in shape or type from the first, or holds NaN or infinity.

    Examples
    --------
    >>> as_images(np.zeros((2, 8, 8))).shape
    (2,)
    >>> as_images(np.zeros((8, 8)))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: X must be images (n, h, w) or (n, h, w, c), got an array ...
    """
    _check_container(X)
    values = list(X)
    images = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        images[i] = _image(value, i, channel_axis)
        if i and (images[i].shape != images[0].shape or images[i].dtype != images[0].dtype):
            raise InvalidInputError(
                f"images must have one shape and one type of numbers: image {i} has {images[i].shape} of "
                f"{images[i].dtype}, image 0 {images[0].shape} of {images[0].dtype}; bring them to one "
                f"{_difference(images[i], images[0])} first"
            )
    return images


def _difference(image: NDArray[Any], first: NDArray[Any]) -> str:
    """What two images have to share and do not."""
    if image.dtype != first.dtype:
        return "type of numbers, as with astype,"
    if image.ndim != first.ndim or (image.ndim == 3 and image.shape[:2] == first.shape[:2]):
        return "number of channels, as with convert('RGB'),"
    return "size"


def channel_names(names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    """What the ``n`` channels are called; ``"alpha"`` is how opaque a pixel is.

    Examples
    --------
    >>> channel_names(None, 3)
    ('red', 'green', 'blue')
    >>> channel_names(["red", "green", "blue", "near infrared"], 4)[-1]
    'near infrared'
    """
    if names is None:
        return NAMES.get(n, tuple(f"channel {i + 1}" for i in range(n)))
    listed = (names,) if isinstance(names, str) else tuple(names)
    if len(listed) != n or len(set(listed)) != n or not all(isinstance(name, str) and name for name in listed):
        raise InvalidInputError(f"channels must be {n} different names, as many as the images have, got {names!r}")
    if listed == ("alpha",):
        raise InvalidInputError("channels must name one beside 'alpha', which only says how opaque a pixel is")
    return listed


@dataclass(frozen=True)
class Pixels:
    """How images of one shape and type hold their values.

    Attributes
    ----------
    shape : (int, int)
        Height and width.
    dtype : numpy.dtype
    low, high : float
        Darkest and brightest value; 0 and 255 of uint8, 0 and 1 of numbers that lie between them, masks included.
    channels : tuple of str
    channel_axis : int or None
        None where an image has two axes.

    Examples
    --------
    >>> pixels = Pixels.of(as_images(np.full((1, 2, 2), 51, dtype=np.uint8)))
    >>> pixels.low, pixels.high, float(pixels.levels(as_images(np.full((1, 2, 2), 51, dtype=np.uint8))).mean())
    (0.0, 255.0, 0.2)
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    low: float
    high: float
    channels: tuple[str, ...]
    channel_axis: int | None

    @classmethod
    def of(cls, images: NDArray[np.object_], names: Sequence[str] | None = None, channel_axis: int = -1) -> Pixels:
        """Read shape, type and range off the images."""
        first = images[0]
        axis = channel_axis if first.ndim == 3 else None
        shape = first.shape if axis is None else np.moveaxis(first, axis, -1).shape
        channels = channel_names(names, 1 if axis is None else int(shape[2]))
        bare = cls((int(shape[0]), int(shape[1])), first.dtype, 0.0, 1.0, channels, axis)
        low, high = _range(bare, images)
        return cls(bare.shape, bare.dtype, low, high, channels, axis)

    @property
    def colours(self) -> tuple[str, ...]:
        """Channels without alpha."""
        return tuple(name for name in self.channels if name != "alpha")

    def check(self, images: NDArray[np.object_]) -> None:
        """Refuse images of another shape or type than those of fitting."""
        for i, image in enumerate(images):
            if image.shape != self._image_shape or image.dtype != self.dtype:
                raise InvalidInputError(
                    f"images must be like those of fit: {self._image_shape} of {self.dtype}; image {i} has "
                    f"{image.shape} of {image.dtype}"
                )

    def values(self, images: NDArray[np.object_]) -> NDArray[np.float64]:
        """Values of all channels ``(n, h, w, c)`` as the images hold them."""
        stack = np.stack(list(images)).astype(np.float64)
        return stack[..., None] if self.channel_axis is None else np.moveaxis(stack, self._stack_axis, -1)

    def levels(self, images: NDArray[np.object_]) -> NDArray[np.float64]:
        """Colours ``(n, h, w, c)`` from 0, dark, to 1, bright, as seen on white where a pixel is not opaque."""
        scaled = (self.values(images) - self.low) / (self.high - self.low)
        colours = np.clip(scaled[..., self._colour_places], 0.0, 1.0)
        if "alpha" not in self.channels:
            return colours
        alpha = np.clip(scaled[..., [self.channels.index("alpha")]], 0.0, 1.0)
        return colours * alpha + (1.0 - alpha)

    def brightness(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Brightness ``(…)`` of colours ``(…, c)``: luma of red, green and blue, else the mean of the channels."""
        if self.colours == ("red", "green", "blue"):
            return levels @ LUMA
        return levels.mean(axis=-1)

    def changed(self, images: NDArray[np.object_], change: NDArray[np.float64]) -> NDArray[np.object_]:
        """Images whose colours have ``change`` ``(n, h, w, c)`` added, in shares of the range; alpha stays."""
        values = self.values(images)
        at = self._colour_places
        moved = values[..., at] + change * (self.high - self.low)
        # a value that lies outside of the range stays possible; a change never leads out of it
        low, high = np.minimum(values[..., at], self.low), np.maximum(values[..., at], self.high)
        values[..., at] = np.clip(moved, low, high)
        return self.images(values)

    def images(self, values: NDArray[np.float64]) -> NDArray[np.object_]:
        """Images ``(n,)`` of values ``(n, h, w, c)``, in the shape and type of those that were read."""
        stack = values[..., 0] if self.channel_axis is None else np.moveaxis(values, -1, self._stack_axis)
        if self.dtype.kind == "b":
            stack = (stack > 0.5).astype(np.float64)
        elif self.dtype.kind in "iu":
            info = np.iinfo(self.dtype)
            stack = np.clip(np.rint(stack), info.min, info.max)
        images = np.empty(len(stack), dtype=object)
        for i, image in enumerate(stack):
            images[i] = np.ascontiguousarray(image.astype(self.dtype))
        return images

    @property
    def _colour_places(self) -> list[int]:
        """Positions of the channels that are colours."""
        return [i for i, name in enumerate(self.channels) if name != "alpha"]

    @property
    def _image_shape(self) -> tuple[int, ...]:
        """Shape of one image as it comes."""
        if self.channel_axis is None:
            return self.shape
        axes = list(self.shape)
        axes.insert(self.channel_axis % (len(axes) + 1), len(self.channels))
        return tuple(axes)

    @property
    def _stack_axis(self) -> int:
        axis = -1 if self.channel_axis is None else self.channel_axis
        return axis if axis < 0 else axis + 1


def _check_container(X: Any) -> None:
    if isinstance(X, str | bytes | pd.DataFrame) or X is None:
        raise InvalidInputError(
            f"X must be images (n, h, w) or (n, h, w, c), or a list of arrays, got {type(X).__name__}; where a column "
            "of a frame holds them, say ImageDomain(column=…)"
        )
    check_order(X, "images")
    if not isinstance(X, np.ndarray) or X.dtype == object:
        return
    if X.ndim not in (3, 4):
        raise InvalidInputError(
            f"X must be images (n, h, w) or (n, h, w, c), got an array of shape {X.shape}; one image is X[None], and "
            "flat rows of pixels are X.reshape(len(X), h, w)"
        )
    if X.ndim == 3 and X.shape[2] in (3, 4) and min(X.shape[:2]) > MOST_COLOURS:
        raise InvalidInputError(
            f"X of shape {X.shape} looks like one image in colours, and X[None] would be it; images that are "
            f"{X.shape[2]} pixels wide go in as list(X)"
        )


def _image(value: Any, i: int, channel_axis: int) -> NDArray[Any]:
    _check_picture(value, i)
    check_unmasked(value, "image", i)
    try:
        image = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInputError(f"image {i} cannot be read as an array: {error}") from error
    if image.dtype.kind not in "buif" or image.ndim not in (2, 3) or image.size == 0:
        raise InvalidInputError(
            f"an image must be an array (h, w) or (h, w, c) of numbers, got {type(value).__name__} of shape "
            f"{image.shape} and type {image.dtype} as image {i}{_way_out(value)}"
        )
    if image.ndim == 3:
        _check_axis(image.shape, i, channel_axis)
    if image.dtype.kind == "f" and (bad := int((~np.isfinite(image)).sum())):
        raise InvalidInputError(
            f"image {i} has {bad:,} values that are NaN or infinite; fill them, or leave the image out"
        )
    return np.ascontiguousarray(image)


def _check_picture(value: Any, i: int) -> None:
    """Refuse pictures of Pillow whose arrays are not what is seen: other colours, or lying on their side."""
    mode = getattr(value, "mode", None)
    if mode is None or not hasattr(value, "getexif"):
        return
    if mode not in MODES:
        numbers = "a palette" if mode in ("P", "PA") else f"the mode {mode}"
        raise InvalidInputError(
            f"image {i} holds numbers of {numbers} and not red, green and blue; give image.convert('RGB')"
        )
    if (orientation := value.getexif().get(ORIENTATION, 1)) not in (0, 1):
        raise InvalidInputError(
            f"image {i} is shown turned by its EXIF orientation {orientation}, which an array does not follow; give "
            "PIL.ImageOps.exif_transpose(image), or np.asarray(image) where the teacher takes it as it lies"
        )


def _way_out(value: Any) -> str:
    if isinstance(value, str | bytes | PathLike):
        return "; read the file first, as with np.asarray(PIL.Image.open(…))"
    return "; take the image out of what holds it" if isinstance(value, Mapping | tuple) else way_out_of(value)


def _check_axis(shape: tuple[int, ...], i: int, channel_axis: int) -> None:
    """Refuse colours that stand on another axis: 3 rows of 32 colours each are a photograph that was turned."""
    short, long = sorted(n for axis, n in enumerate(shape) if axis != channel_axis % 3)
    n = shape[channel_axis]
    if n <= MOST_COLOURS:
        return
    other = 0 if channel_axis % 3 == 2 else -1
    if short <= MOST_COLOURS:
        raise InvalidInputError(
            f"image {i} has the shape {shape}, which would be {n} channels; where colours stand on "
            f"another axis say ImageDomain(channel_axis={other})"
        )
    # (13, 60, 60) is a square of 13 channels, and hardly a strip of 60
    if channel_axis == -1 and (n == long > short or short * FLAT < min(n, long)):
        raise InvalidInputError(
            f"image {i} has the shape {shape}, which would be {n} channels of {short} × {long} pixels; say "
            f"ImageDomain(channel_axis={other}) where channels come first, and channel_axis=2 where they do not"
        )


def _range(pixels: Pixels, images: NDArray[np.object_]) -> tuple[float, float]:
    """Darkest and brightest value by the type of the numbers, or by nearly all of them where it says nothing."""
    if pixels.dtype == np.uint8:
        # bytes that are 0 and 1 are masks: read from 0 to 255 all of them would be black
        return 0.0, 1.0 if max(int(image.max()) for image in images) == 1 else 255.0
    if pixels.dtype.kind == "b":
        return 0.0, 1.0
    step = max(1, len(images) // 1000)  # a thousand images say what the range is
    values = pixels.values(images[::step])
    values = values[..., pixels._colour_places]
    lowest, highest = float(values.min()), float(values.max())
    if pixels.dtype.kind == "f" and highest <= 1.0 and lowest >= -1.0:
        return (0.0, 1.0) if lowest >= 0.0 else (-1.0, 1.0)
    low, high = (float(q) for q in np.quantile(values, [OUTLIERS, 1 - OUTLIERS]))
    if high > low:
        return low, high
    return (low, low + 1.0) if highest == lowest else (lowest, highest)
