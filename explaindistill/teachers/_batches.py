"""Batches of two fixed sizes: a network's last bits depend on the size of the batch, so the last one is padded.

A few rows, such as one that waits for its answer, are not worth a whole batch: they make a small one. What a corpus is
made of is always asked in whole batches (:func:`explaindistill.asking.labelling.ask`), so that neither the order of its
rows nor a run that was resumed changes a bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import TeacherError

__all__ = ["FEW_ROWS", "in_batches"]

FEW_ROWS = 32
"""Up to so many rows are asked in one batch of this size."""


def in_batches(rows: Any, size: int, ask: Callable[[Any], NDArray[Any]], who: str) -> NDArray[np.float64]:
    """Ask about ``rows`` in batches of just ``size`` rows, or of ``FEW_ROWS``; the last is padded with its last row.

    Parameters
    ----------
    rows : ndarray, shape (n, ...), or several of them with a method ``padded(start, stop, size)``
    size : int, at least 1
    ask : callable
        Takes ``(size, ...)``, gives ``(size,)`` or ``(size, k)``.
    who : str
        The teacher's name, for messages.

    Returns
    -------
    ndarray of float64, shape (n,) or (n, k)

    Raises
    ------
    TeacherError
        If a batch comes back with another number of rows.
    """
    if len(rows) <= FEW_ROWS < size:
        size = FEW_ROWS
    out: NDArray[np.float64] | None = None
    for start in range(0, len(rows), size):
        n = min(size, len(rows) - start)
        answer = ask(_batch(rows, start, n, size))
        if answer.ndim == 0 or len(answer) != size:
            got = 1 if answer.ndim == 0 else len(answer)
            raise TeacherError(f"{who} was asked about {size} rows and answered {got}; one answer per row is needed")
        if out is None:
            out = np.empty((len(rows), *answer.shape[1:]))
        out[start : start + n] = answer[:n]
    return np.empty((0, 1)) if out is None else out


def _batch(rows: Any, start: int, n: int, size: int) -> Any:
    if hasattr(rows, "padded"):
        return rows.padded(start, start + n, size)
    batch = rows[start : start + n]
    return batch if n == size else np.concatenate([batch, np.repeat(batch[-1:], size - n, axis=0)])
