"""Which audited rows fitting saw already: those are set aside, and those merely equal in value are counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.row_keys import row_keys
from explaindistill.data.rows import as_frame
from explaindistill.distillation.partitions import MOST_KEYS
from explaindistill.errors import InvalidInputError

__all__ = ["unseen"]


def unseen(
    rows: pd.DataFrame,
    distillers: Sequence[Any],
    train: tuple[Any, Any] | None,
    keys: NDArray[np.uint64] | None = None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
    """Which rows no fitting saw, which equal one it saw in value, and what to say about both.

    A row was seen where its index label and its values both are among the rows of fitting; the same values under
    another label are another person.

    Parameters
    ----------
    rows : DataFrame in the schema's form
    distillers : fitted Distillers
    train : pair (X, y), optional
    keys : ndarray of shape (n, 2), optional
        Of the rows, where somebody has them already.

    Returns
    -------
    unseen, equal : ndarrays of shape (n,)
    notes : list of str

    Raises
    ------
    InvalidInputError
        If fitting saw all rows, or ``train`` lacks a column.
    """
    keys = row_keys(rows) if keys is None else keys
    fitted_people: set[tuple[Any, bytes]] = set()
    fitted_values: set[bytes] = set()
    words = [np.zeros(0, dtype=np.uint64)]
    is_complete = all(distiller.fit_rows_.is_complete for distiller in distillers)
    for index, fitted in _fitted_rows(distillers, train, list(rows.columns)):
        values = _joined(fitted)
        words.append(fitted[:, 0])
        fitted_values.update(values)
        if index is not None:
            fitted_people.update(zip(index.tolist(), values, strict=True))
    # few rows share one half of their key with a row of fitting, and only these are looked up one by one
    alike = np.flatnonzero(np.isin(keys[:, 0], np.concatenate(words)))
    joined = _joined(keys[alike])
    same, equal = np.zeros(len(keys), dtype=np.bool_), np.zeros(len(keys), dtype=np.bool_)
    labelled = zip(rows.index[alike].tolist(), joined, strict=True)
    same[alike] = [pair in fitted_people for pair in labelled]
    equal[alike] = [key in fitted_values for key in joined]
    equal &= ~same
    notes = []
    if same.all():
        raise InvalidInputError(f"X must hold rows that fitting did not see, but all {len(keys)} were in it")
    if same.any():
        notes.append(f"{int(same.sum())} of {len(keys)} rows were seen in fitting and are left out of every figure.")
    if not is_complete:
        notes.append(
            f"A student was fitted to so many rows that keys of a random {MOST_KEYS:,} of them are kept: rows that "
            "equal one of the others are not counted as equal."
        )
    if equal.any():
        notes.append(
            f"{int(equal.sum())} rows equal, in value, a row seen in fitting; fidelity is shown with and without them."
        )
    return ~same, equal, notes


def _fitted_rows(
    distillers: Iterable[Any], train: tuple[Any, Any] | None, columns: list[str]
) -> Iterator[tuple[pd.Index | None, NDArray[np.uint64]]]:
    """Index labels (None for arrays, whose rows have none) and keys of every set of rows that a model was fitted to."""
    for distiller in distillers:
        yield distiller.fit_rows_.index, distiller.fit_rows_.keys
    if train is not None:
        rows = as_frame(train[0])
        missing = [c for c in columns if c not in rows.columns]
        if missing:
            raise InvalidInputError(f"train must have the columns of X, {', '.join(missing)} missing")
        yield (rows.index if isinstance(train[0], pd.DataFrame) else None), row_keys(rows[columns])


def _joined(keys: NDArray[np.uint64]) -> list[bytes]:
    """The parts of each row's key as one value that a set can hold."""
    packed = np.ascontiguousarray(keys).view(f"V{keys.shape[1] * 8}").ravel()
    return packed.tolist()
