"""Typical images: centres of at least so many images that the teacher calls alike, never one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.domains.image.alike import alike
from explaindistill.domains.image.reading import ReadImages

__all__ = ["Prototypes"]

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
AS_USUAL = 0.05
"""Share of the usual squared distance within which an image counts as being as far as usual."""


class Prototypes:
    r"""How far an image is from each of several typical ones.

    The distance of an image :math:`x` to a centre :math:`m` over the q values of the small grid is
    :math:`\sqrt{\sum_i (x_i - m_i)^2 / q}`: 0 for the same image, 1 between black and white. Centres are those of
    k-means in each class that the teacher sees.

    Parameters
    ----------
    n_prototypes : int
        Of all classes together, at least one of each that has enough images.
    min_group_size : int
        Different images in each centre.

    Attributes
    ----------
    centres : ndarray of shape (q, gh, gw, c)
    sizes : tuple of int
        Different images that each centre is the mean of.
    groups : tuple of str
        The class of each.
    usual_squares : ndarray of shape (q, gh, gw)
        Mean squared difference of the images at each place.

    References
    ----------
    MacQueen (1967), Some methods for classification and analysis of multivariate observations.
    """

    def __init__(self, n_prototypes: int, min_group_size: int) -> None:
        self.n_prototypes = n_prototypes
        self.min_group_size = min_group_size

    def fit(self, read: ReadImages, P: ArrayLike | None, classes: Sequence[Any] | None) -> Prototypes:
        """Find the centres."""
        small = read.small
        groups, labels = alike(P, len(read), classes)
        # an image that is there five times is one image
        _, first = np.unique(small.reshape(len(small), -1), axis=0, return_index=True)
        members = {g: first[groups[first] == g] for g in range(len(labels))}
        large = sorted((g for g in members if len(members[g]) >= self.min_group_size), key=lambda g: -len(members[g]))
        large = sorted(large[: self.n_prototypes])
        centres, names, sizes, owners = [], [], [], []
        for place, g in enumerate(large):
            share = self.n_prototypes // len(large) + (place < self.n_prototypes % len(large))
            clusters = self._clusters(small[np.sort(members[g])], max(share, 1))
            for i, (centre, size) in enumerate(clusters):
                kind = f" ({ORDINALS[i] if i < len(ORDINALS) else f'{i + 1}th'} kind)" if len(clusters) > 1 else ""
                names.append(f"unlike a typical {labels[g]}{kind}")
                centres.append(centre)
                sizes.append(size)
                owners.append(labels[g])
        self.names = names
        self.sizes, self.groups = tuple(sizes), tuple(owners)
        self.centres = np.array(centres).reshape(len(centres), *small.shape[1:])
        usual = [((small - centre) ** 2).sum(axis=-1).mean(axis=0) for centre in self.centres]
        self.usual_squares = np.array(usual).reshape(len(centres), *small.shape[1:3])
        return self

    def _clusters(self, images: NDArray[np.float64], n: int) -> list[tuple[NDArray[np.float64], int]]:
        """Centres and sizes of up to ``n`` clusters that are all large enough, the largest first."""
        from sklearn.cluster import KMeans

        flat = images.reshape(len(images), -1)
        for k in range(min(n, len(flat) // self.min_group_size), 1, -1):
            cluster = KMeans(k, n_init=4, random_state=0).fit(flat).labels_
            sizes = np.bincount(cluster, minlength=k)
            if sizes.min() >= self.min_group_size:
                order = np.argsort(-sizes, kind="stable")
                return [(images[cluster == j].mean(axis=0), int(sizes[j])) for j in order]
        return [(images.mean(axis=0), len(images))]

    def values(self, read: ReadImages) -> NDArray[np.float64]:
        """Distances ``(n, q)``."""
        flat = read.small.reshape(len(read), -1)
        centres = self.centres.reshape(len(self.centres), flat.shape[1])
        distances = np.empty((len(flat), len(centres)))
        for j, centre in enumerate(centres):  # one by one: (n, q, pixels) would not fit into memory
            distances[:, j] = np.sqrt(((flat - centre) ** 2).mean(axis=1))
        return distances

    def silenced(self, read: ReadImages, j: int, usual: float, rng: np.random.Generator) -> NDArray[np.object_]:
        """Each image moved away from or towards one centre until it is as far from it as usual."""
        apart = read.small - self.centres[j]
        distance = np.sqrt((apart**2).mean(axis=(1, 2, 3)))
        # the centre itself lies in no direction from itself: any will do
        at_centre = distance < 1e-12
        apart[at_centre] = rng.normal(size=apart[at_centre].shape)
        distance = np.sqrt((apart**2).mean(axis=(1, 2, 3)))
        change = apart * (usual / distance)[:, None, None, None] + self.centres[j] - read.small
        return read.pixels.changed(read.objects, read.grid.large(change))

    def weights(self, read: ReadImages, j: int) -> NDArray[np.float64]:
        """Share ``(gh, gw)`` of each place in how much nearer to a centre than usual one image is; they sum to 1.

        What is nearer than usual has shares above 0 where it is nearer, what is farther where it is farther.
        """
        squares = ((read.small[0] - self.centres[j]) ** 2).sum(axis=-1)
        nearer = self.usual_squares[j] - squares
        total = float(nearer.sum())
        if abs(total) > AS_USUAL * self.usual_squares[j].sum():
            return nearer / total
        # about as far as usual: places that are nearer and farther cancel, and shares of what is left say nothing
        return np.full(squares.shape, 1.0 / squares.size)
