"""Columns of images under names that a person reads: typical images, regions, colours, shape and edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.domains._scales import ScaleLimits, ValueScale
from explaindistill.domains.image.edges import Edges
from explaindistill.domains.image.pixels import Pixels, as_images
from explaindistill.domains.image.prototypes import Prototypes
from explaindistill.domains.image.reading import ReadImages, ReadingGrid, ink_side
from explaindistill.domains.image.regions import Regions
from explaindistill.domains.image.shape import StrokeShape
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.ranges import one_of, whole_in

__all__ = ["INKS", "KINDS", "ImageColumns"]

KINDS = ("prototypes", "regions", "colours", "shape", "edges")
INKS = ("auto", "bright", "dark", "none")
BATCH_VALUES = 2**24
"""Values of pixels that are read at once: 128 MiB."""
SCALES = ScaleLimits(times=2.0, share=0.5, whole=2.0)
"""Half of what is drawn lies beyond twice the largest value of fit, and would be read as white; or no image is brighter
than 1 where each of fit was brighter than 2, and all would be read as black."""


class ImageColumns(TransformerMixin, BaseEstimator):
    """What a student reads of images; made by :meth:`~explaindistill.domains.image.ImageDomain.columns`.

    Parameters
    ----------
    kinds : sequence of str
        Of ``"prototypes"``, ``"regions"``, ``"colours"``, ``"shape"`` and ``"edges"``.
    n_prototypes : int >= 1
        Typical images of all classes together; at least one of each of the largest classes.
    n_regions : int >= 1
        Regions down and across.
    ink : {"auto", "bright", "dark", "none"}
        Which levels are strokes on a ground; ``"none"`` of photographs, which have no columns of shape.
    channels : sequence of str, optional
        Names of the channels, ``"alpha"`` for how opaque a pixel is.
    channel_axis : int
    min_group_size : int >= 2
        Different images of which each typical one is the mean.

    Attributes
    ----------
    pixels_ : Pixels
    prototypes_ : ndarray of shape (q, gh, gw, c)
        Typical images on a grid of at most 32 × 32, from 0 to 1.
    prototype_names_ : list of q str
    prototype_sizes_ : tuple of q int
    usual_ : Series
        Mean of each column.

    Notes
    -----
    Columns that are the same for all images of fitting are left out.

    Examples
    --------
    >>> images = np.zeros((12, 8, 8))
    >>> images[:6, :4] = 1.0
    >>> columns = ImageColumns(["regions"], n_regions=2).fit(images)
    >>> columns.transform(images[:1]).round(2).to_dict("records")
    [{'ink, top left': 1.0, 'ink, top right': 1.0}]
    """

    def __init__(
        self,
        kinds: Sequence[str] = ("prototypes", "regions", "shape"),
        n_prototypes: int = 20,
        n_regions: int = 4,
        ink: str = "auto",
        channels: Sequence[str] | None = None,
        channel_axis: int = -1,
        min_group_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.kinds = kinds
        self.n_prototypes = n_prototypes
        self.n_regions = n_regions
        self.ink = ink
        self.channels = channels
        self.channel_axis = channel_axis
        self.min_group_size = min_group_size

    def fit(self, objects: Any, P: Any = None, classes: Sequence[Any] | NDArray[Any] | None = None) -> ImageColumns:
        """Choose the columns.

        Parameters
        ----------
        objects : images (n,), or what :class:`~explaindistill.domains.image.ImageDomain` takes
        P : array of shape (n, k) or (n,), optional
            The teacher's answers; without them all images count as alike.
        classes : sequence of k labels, optional
            Said in the names of columns.
        """
        self._check_parameters()
        images = as_images(objects, self.channel_axis)
        if len(images) < 2:
            raise InvalidInputError(f"columns need at least 2 images that differ, got {len(images)}")
        self.pixels_ = Pixels.of(images, self.channels, self.channel_axis)
        self._scale = ValueScale.of(images, SCALES)
        self._grid = ReadingGrid(self.pixels_.shape)
        small = np.concatenate([self._read(batch).small for batch in self._batches(images)])
        self.ink_ = self._ink(small)
        read = ReadImages(images, self.pixels_, self._grid, self.ink_)
        read.__dict__["small"] = small  # typical images are found on the grid, which was read already
        self._families = [self._family(kind).fit(read, P, classes) for kind in dict.fromkeys(self.kinds)]
        values = np.concatenate([self._all_values(self._read(batch)) for batch in self._batches(images)])
        names = [name for family in self._families for name in family.names]
        self._varying = [j for j in range(len(names)) if np.ptp(values[:, j]) > 0 or _is_mixed(values[:, j])]
        if not self._varying:
            raise InvalidInputError(
                f"nothing that {', '.join(self.kinds)} read differs between the {len(images):,} images; give images "
                f"that differ, other kinds, or {self.min_group_size} images of a class where typical ones are wanted"
            )
        usual = [float(np.nanmean(values[:, j])) for j in self._varying]
        self.usual_ = pd.Series(usual, index=[names[j] for j in self._varying])
        typical = next((f for f in self._families if isinstance(f, Prototypes)), None)
        self.prototypes_ = np.zeros((0, *small.shape[1:])) if typical is None else typical.centres
        self.prototype_names_ = [] if typical is None else list(typical.names)
        self.prototype_sizes_ = () if typical is None else typical.sizes
        self.prototype_groups_ = () if typical is None else typical.groups
        return self

    def transform(self, objects: Any) -> pd.DataFrame:
        """Columns of each image ``(n, columns)``."""
        check_is_fitted(self, "usual_")
        images = as_images(objects, self.channel_axis)
        self._check_like_fit(images)
        values = np.concatenate([self._all_values(self._read(batch)) for batch in self._batches(images)])
        return pd.DataFrame(values[:, self._varying], columns=self.get_feature_names_out())

    @property
    def from_answers_(self) -> list[str]:
        """Names of the columns that were learnt from the teacher's answers: distances to typical images."""
        check_is_fitted(self, "usual_")
        return self.prototype_names_

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, in order."""
        check_is_fitted(self, "usual_")
        return np.array(self.usual_.index, dtype=object)

    def silenced(self, objects: Any, name: str, rng: np.random.Generator) -> NDArray[np.object_]:
        """The same images, in which what one column reads says nothing."""
        family, j = self._reading(name)
        images = as_images(objects, self.channel_axis)
        self._check_like_fit(images)
        return family.silenced(self._read(images), j, float(self.usual_[name]), rng)

    def weights(self, image: Any, name: str) -> NDArray[np.float64] | None:
        """Where on the grid ``(gh, gw)`` a column reads one image, with the sum 1; None where it reads it whole."""
        family, j = self._reading(name)
        single = np.empty(1, dtype=object)
        single[0] = np.asarray(image)
        return family.weights(self._read(single), j)

    def describe(self) -> str:
        """The typical images in words: how many images each is the mean of."""
        check_is_fitted(self, "usual_")
        if not self.prototype_names_:
            return ""
        pairs = zip(self.prototype_names_, self.prototype_sizes_, strict=True)
        lines = [f"    {name.removeprefix('unlike ')}: the mean of {size:,} images" for name, size in pairs]
        return "\n".join(["typical images, and how far from them an image is (0 the same, 1 black and white):", *lines])

    def read(self, objects: NDArray[np.object_]) -> ReadImages:
        """Images as these columns read them."""
        check_is_fitted(self, "usual_")
        return self._read(objects)

    def _check_like_fit(self, images: NDArray[np.object_]) -> None:
        """Refuse images of another shape, type or range: a network answers about them, and nothing of it is so."""
        self.pixels_.check(images)
        if (mismatch := self._scale.mismatch(images, "image")) is not None:
            raise InvalidInputError(
                f"images must have the range of those of fit, {self.pixels_.low:,.6g} to {self.pixels_.high:,.6g}; "
                f"{mismatch}: bring them to that range first"
            )

    def _read(self, images: NDArray[np.object_]) -> ReadImages:
        return ReadImages(images, self.pixels_, self._grid, getattr(self, "ink_", None))

    def _batches(self, images: NDArray[np.object_]) -> Iterator[NDArray[np.object_]]:
        n = max(1, BATCH_VALUES // int(images[0].size))
        for start in range(0, len(images), n):
            yield images[start : start + n]

    def _all_values(self, read: ReadImages) -> NDArray[np.float64]:
        return np.concatenate([family.values(read) for family in self._families], axis=1)

    def _family(self, kind: str) -> Any:
        match kind:
            case "prototypes":
                return Prototypes(self.n_prototypes, self.min_group_size)
            case "regions":
                return Regions(self.n_regions)
            case "colours":
                return Regions(min(2, self.n_regions), colours=True)
            case "shape":
                return StrokeShape()
            case _:
                return Edges()

    def _reading(self, name: str) -> tuple[Any, int]:
        """The family that has a column, and its position there."""
        if name in self.get_feature_names_out():
            for family in self._families:
                if name in family.names:
                    return family, family.names.index(name)
        raise InvalidInputError(f"there is no column {name!r}{did_you_mean(name, list(self.get_feature_names_out()))}")

    def _ink(self, small: NDArray[np.float64]) -> str | None:
        if self.ink == "auto":
            return ink_side(self.pixels_.brightness(small)) if len(self.pixels_.colours) == 1 else None
        return None if self.ink == "none" else self.ink

    def _check_parameters(self) -> None:
        if isinstance(self.kinds, str) or not isinstance(self.kinds, Sequence) or not list(self.kinds):
            raise InvalidInputError(f"kinds must be a list of {', '.join(KINDS)}, got {self.kinds!r}")
        for kind in self.kinds:
            if kind not in KINDS:
                raise InvalidInputError(
                    f"kinds must be of {', '.join(KINDS)}, got {kind!r}{did_you_mean(str(kind), KINDS)}"
                )
        one_of("ink", self.ink, INKS)
        whole_in("n_prototypes", self.n_prototypes, 1)
        whole_in("n_regions", self.n_regions, 1)
        whole_in("channel_axis", self.channel_axis, -3, 2)
        whole_in("min_group_size", self.min_group_size, 2, why="; one image is nobody's typical one")


def _is_mixed(values: NDArray[np.float64]) -> bool:
    """Whether a column is undefined for some images only."""
    missing = np.isnan(values)
    return bool(missing.any() and not missing.all())
