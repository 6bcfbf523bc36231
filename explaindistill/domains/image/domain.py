"""Images as what a Distiller takes: arrays of one shape, read by typical images, regions, shape and edges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.domains.image.columns import ImageColumns
from explaindistill.domains.image.drawing import ShownImage, show_image
from explaindistill.domains.image.edits import image_edits
from explaindistill.domains.image.pixels import as_images
from explaindistill.domains.image.samplers import WAYS, ImageSampler
from explaindistill.errors import InvalidInputError

__all__ = ["ImageDomain"]


class ImageDomain(BaseEstimator):
    """Images ``(n, h, w)`` or ``(n, h, w, c)``, or lists of arrays of one shape.

    The teacher is asked with images in the shape and type that ``fit`` was given them in; it gets copies.

    Parameters
    ----------
    kinds : sequence of str, default=("prototypes",)
        What a student reads: ``"prototypes"`` (how far an image is from typical ones), ``"regions"`` (how bright each
        is, or how much ink it holds), ``"colours"`` (of each quarter), ``"shape"`` (holes, slant, symmetry, strokes; of
        drawings and writing only) and ``"edges"`` (by direction and quarter).
    n_prototypes : int, default=20
        Typical images of all classes together. Each is the mean of at least ``min_group_size`` different images that
        the teacher calls alike.
    n_regions : int, default=4
        Regions down and across.
    ink : {"auto", "bright", "dark", "none"}, default="auto"
        Which values are strokes on a ground; ``"none"`` of photographs.
    sampling : {"paste", "mix", "warp", "noise", "occlusion", None}, default="paste"
        How new images are made for the teacher to answer; see
        :class:`~explaindistill.domains.image.ImageSampler`. None asks about the given images only. Patches of images
        that the teacher calls alike raised the agreement on held-out digits by 1.1 points [0.3, 2.0] for a sum and by
        2.1 [0.1, 4.1] for a tree (five seeds); covered patches cost a tree 7.
    channels : sequence of str, optional
        Names of the channels; red, green, blue (and alpha) where there are three or four. ``"alpha"`` is no colour:
        what is not opaque is read as on white, and no edit changes it.
    channel_axis : int, default=-1
        Axis of the colours in one image; 0 for images ``(n, c, h, w)``, as torch has them. With 2 the last axis has
        them whatever the shape looks like.
    min_group_size : int, default=5
    column : str, optional
        Column of a frame that holds the images, beside ordinary columns.

    See Also
    --------
    explaindistill.Distiller : takes it as ``domain=``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.random((40, 8, 8)) * 0.2
    >>> images[::2, :4, :4] += 0.6
    >>> columns = ImageDomain(kinds=["regions"], n_regions=2, ink="none").columns().fit(images)
    >>> columns.transform(images[:2])["brightness, top left"].round(1).tolist()
    [0.7, 0.1]
    """

    def __init__(
        self,
        kinds: Sequence[str] = ("prototypes",),
        *,
        n_prototypes: int = 20,
        n_regions: int = 4,
        ink: str = "auto",
        sampling: str | None = "paste",
        channels: Sequence[str] | None = None,
        channel_axis: int = -1,
        min_group_size: int = MIN_CATEGORY_SIZE,
        column: str | None = None,
    ) -> None:
        self.kinds = kinds
        self.n_prototypes = n_prototypes
        self.n_regions = n_regions
        self.ink = ink
        self.sampling = sampling
        self.channels = channels
        self.channel_axis = channel_axis
        self.min_group_size = min_group_size
        self.column = column

    def objects(self, X: Any) -> NDArray[np.object_]:
        """The images ``(n,)``; raises ``InvalidInputError`` for what is none, differs in shape or type, or is NaN."""
        return as_images(X, self.channel_axis)

    def restore(self, objects: NDArray[np.object_], like: Any) -> Any:
        """Copies of images in an array ``(n, …)`` where ``like`` is one, else in a list."""
        if isinstance(like, np.ndarray) and like.dtype != object:
            return np.stack(list(objects)) if len(objects) else like[:0]
        return [image.copy() for image in objects]

    def key(self, value: Any) -> bytes:
        """Shape, type and values of one image; 0 and -0 are equal."""
        image = np.asarray(value)
        content = image + image.dtype.type(0) if image.dtype.kind == "f" else image
        return f"{image.dtype.str}{image.shape}".encode() + np.ascontiguousarray(content).tobytes()

    def columns(self) -> ImageColumns:
        """A new transformer from images to columns."""
        return ImageColumns(
            self.kinds,
            self.n_prototypes,
            self.n_regions,
            self.ink,
            self.channels,
            self.channel_axis,
            self.min_group_size,
        )

    def sampler(self) -> ImageSampler | None:
        """A new sampler of images, or None."""
        if self.sampling is None:
            return None
        if self.sampling not in WAYS:
            raise InvalidInputError(f"sampling must be None or one of {', '.join(WAYS)}, got {self.sampling!r}")
        return ImageSampler(self.sampling, self.channels, self.channel_axis)

    def silenced(
        self, objects: NDArray[np.object_], columns: ImageColumns, name: str, rng: np.random.Generator
    ) -> NDArray[np.object_]:
        """The same images, in which what one column reads says nothing.

        A region, quarter or third holds what another of the images has there. Images are moved to the usual distance
        from a typical one; holes are filled, and slant, middle and symmetry are as usual.
        """
        return columns.silenced(objects, name, rng)

    def edits(self) -> Mapping[str, Callable[..., NDArray[np.object_]]]:
        """Images rotated, shifted, darker, brighter and noisy, and a control with noise that nobody sees."""
        return image_edits(self.channels, self.channel_axis)

    def show(self, value: Any, columns: ImageColumns, reasons: pd.DataFrame) -> ShownImage:
        """The image, where it counted for or against the answer, and the typical images it is closest to."""
        return show_image(value, columns, reasons)
