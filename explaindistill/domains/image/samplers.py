"""New images: parts and mixtures of images that the teacher calls alike, and images turned, noisy or covered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from explaindistill.domains.image.alike import alike
from explaindistill.domains.image.edits import noisy, turned
from explaindistill.domains.image.pixels import Pixels, as_images
from explaindistill.numerics.ranges import one_of

__all__ = ["WAYS", "ImageSampler"]

WAYS = ("paste", "mix", "warp", "noise", "occlusion")
PATCH = (0.3, 0.7)
"""Least and largest side of a patch, in shares of the image's; and of the share of the second image in a mixture."""
MOST_TURN, MOST_SHIFT = 15.0, 0.1
"""Degrees, and shares of the side, of a warp: what leaves most objects what they are."""
NOISE = 0.1
"""Standard deviation of noise, in shares of the range."""


class ImageSampler(BaseEstimator):
    """Images made from one, or from two that the teacher calls alike.

    Parameters
    ----------
    way : {"paste", "mix", "warp", "noise", "occlusion"}
        A patch of a second image at its own place; a weighted mean of both; one image turned by up to 15 degrees and
        shifted by up to a tenth; noise of a tenth of the range; a patch filled with the image's middle value.
    channels : sequence of str, optional
    channel_axis : int

    References
    ----------
    Patches: Yun and others (2019), doi:10.1109/ICCV.2019.00612; mixtures: Zhang and others (2018), arXiv:1710.09412.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((6, 8, 8))
    >>> sampler = ImageSampler("paste").fit(images, np.eye(2)[[0, 0, 0, 1, 1, 1]])
    >>> made, parents = sampler.draw(10, np.random.default_rng(0))
    >>> made[0].shape, bool(((parents[:, 0] < 3) == (parents[:, 1] < 3)).all())
    ((8, 8), True)
    """

    def __init__(self, way: str = "paste", channels: Sequence[str] | None = None, channel_axis: int = -1) -> None:
        self.way = way
        self.channels = channels
        self.channel_axis = channel_axis

    def fit(self, objects: Any, P: ArrayLike | None = None) -> ImageSampler:
        """Keep the images and which of them the teacher calls alike."""
        one_of("way", self.way, WAYS)
        self.objects_ = as_images(objects, self.channel_axis)
        self.pixels_ = Pixels.of(self.objects_, self.channels, self.channel_axis)
        self.groups_, _ = alike(P, len(self.objects_))
        return self

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
        """``n`` images and the positions ``(n, 2)`` of those each was made of; -1 where there is no second."""
        first = rng.permutation(np.arange(n) % len(self.objects_))
        second = np.full(n, -1, dtype=np.int64)
        if self.way in ("paste", "mix"):
            second = self._partners(first, rng)
            images = (self._pasted if self.way == "paste" else self._mixed)(first, second, rng)
        else:
            alone: dict[str, Callable[..., Any]] = {"warp": self._warped, "noise": self._noisy}
            images = alone.get(self.way, self._covered)(first, rng)
        return images, np.column_stack([first, second]).astype(np.int64)

    def _partners(self, first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Another image of the same group; the image itself where it is alone there."""
        partner = first.copy()
        for group in np.unique(self.groups_[first]):
            members = np.flatnonzero(self.groups_ == group)
            of_group = np.flatnonzero(self.groups_[first] == group)
            place = np.searchsorted(members, first[of_group])
            step = rng.integers(1, len(members), len(of_group)) if len(members) > 1 else 0
            partner[of_group] = members[(place + step) % len(members)]
        return partner

    def _pasted(
        self, first: NDArray[np.int64], second: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.object_]:
        values = self.pixels_.values(self.objects_[first])
        other = self.pixels_.values(self.objects_[second])
        for i, box in enumerate(self._patches(len(first), rng)):
            values[i][box] = other[i][box]
        return self.pixels_.images(values)

    def _mixed(
        self, first: NDArray[np.int64], second: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.object_]:
        share = rng.uniform(*PATCH, (len(first), 1, 1, 1))
        values = self.pixels_.values(self.objects_[first])
        return self.pixels_.images(values * (1 - share) + share * self.pixels_.values(self.objects_[second]))

    def _warped(self, first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.object_]:
        degrees = rng.uniform(-MOST_TURN, MOST_TURN, len(first))
        shift = rng.uniform(-MOST_SHIFT, MOST_SHIFT, (len(first), 2)) * self.pixels_.shape
        return turned(self.pixels_, self.objects_[first], degrees, shift)

    def _noisy(self, first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.object_]:
        return noisy(self.pixels_, self.objects_[first], NOISE, rng)

    def _covered(self, first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.object_]:
        values = self.pixels_.values(self.objects_[first])
        for i, box in enumerate(self._patches(len(first), rng)):
            values[i][box] = np.median(values[i], axis=(0, 1))
        return self.pixels_.images(values)

    def _patches(self, n: int, rng: np.random.Generator) -> list[tuple[slice, slice]]:
        sides = np.maximum(1, np.rint(rng.uniform(*PATCH, (n, 2)) * self.pixels_.shape)).astype(int)
        starts = rng.integers(0, np.array(self.pixels_.shape) - sides + 1)
        return [
            (slice(row, row + height), slice(column, column + width))
            for (row, column), (height, width) in zip(starts.tolist(), sides.tolist(), strict=True)
        ]
