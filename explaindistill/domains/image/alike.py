"""Which images the teacher calls alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["alike"]

THIRDS = ("image of low answer", "image of middling answer", "image of high answer")


def alike(
    P: ArrayLike | None, n: int, classes: Sequence[Any] | NDArray[Any] | None = None
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Group of each image and what the groups are called: the most probable class, or a third of the values.

    Parameters
    ----------
    P : array of shape (n, k), (n,) or (n, m), optional
        Probabilities, or values, of which the first counts; without them all are one group.
    n : int
        Images.
    classes : sequence of k labels, optional
        Said where ``P`` are probabilities; then the groups bear their names.

    Examples
    --------
    >>> groups, names = alike([[0.9, 0.1], [0.2, 0.8]], 2, ["cat", "dog"])
    >>> groups.tolist(), names
    ([0, 1], ('cat', 'dog'))
    >>> alike([1.0, 2.0, 9.0], 3)[0].tolist()
    [0, 1, 2]
    """
    if P is None:
        return np.zeros(n, dtype=np.intp), ("image",)
    answers = np.asarray(P, dtype=np.float64)
    if answers.ndim == 2 and answers.shape[1] > 1 and _are_probabilities(answers):
        named = range(answers.shape[1]) if classes is None else classes
        return answers.argmax(axis=1), tuple(str(label) for label in named)
    values = answers if answers.ndim == 1 else answers[:, 0]
    cuts = np.unique(np.quantile(values, [1 / 3, 2 / 3]))
    groups = np.searchsorted(cuts, values, side="left")
    return groups.astype(np.intp), THIRDS if len(cuts) == 2 else ("image of low answer", "image of high answer")


def _are_probabilities(answers: NDArray[np.float64]) -> bool:
    return bool((answers >= 0).all() and np.allclose(answers.sum(axis=1), 1.0, atol=1e-3))
