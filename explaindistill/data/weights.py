"""Weights of rows, checked by one door for students, Distiller and audits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["LARGEST_WEIGHT", "SMALLEST_WEIGHT", "as_weights", "check_sizes"]

SMALLEST_WEIGHT = 1e-100
"""With smaller weights alone, and weights beyond its inverse, products of two of them would underflow or overflow."""
LARGEST_WEIGHT = 1 / SMALLEST_WEIGHT


def as_weights(sample_weight: Any, n: int, is_part: bool = False) -> NDArray[np.float64]:
    """Weights ``(n,)`` as float64, ones when None.

    Parameters
    ----------
    sample_weight : array of shape (n,), or None
        At least 0, one of them between 1e-100 and 1e100; only their ratios count.
    n : int
        Number of rows.
    is_part : bool
        Whether these are a part of the weights, of which others may be above 0; see :func:`check_sizes`.

    Raises
    ------
    InvalidInputError
        For what is no list of n finite numbers of at least 0, for zeros alone, and for sizes that products lose.

    Examples
    --------
    >>> as_weights(None, 2).tolist(), as_weights([1, 0], 2).tolist()
    ([1.0, 1.0], [1.0, 0.0])
    >>> as_weights([1, -1], 2)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: sample_weight must be non-negative, got -1.0 in row 1; drop such rows, ...
    """
    if sample_weight is None:
        return np.ones(n)
    weight = _as_floats(sample_weight, n)
    if not (finite := np.isfinite(weight)).all():
        at = int(np.argmin(finite))
        raise InvalidInputError(
            f"sample_weight must be finite, got {weight[at]} in row {at}; drop such rows, or give them weight 0"
        )
    if (weight < 0).any():
        at = int(np.argmin(weight))
        raise InvalidInputError(
            f"sample_weight must be non-negative, got {weight[at]} in row {at}; drop such rows, or give them weight 0"
        )
    if n and not is_part:
        check_sizes(float(weight.max()))
    return weight


def check_sizes(largest: float) -> None:
    """Refuse weights of which the largest is 0, or of a size that products lose.

    Examples
    --------
    >>> check_sizes(0.0)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: sample_weight must not be zero everywhere; leave it out where all rows ...
    """
    if largest == 0:
        raise InvalidInputError("sample_weight must not be zero everywhere; leave it out where all rows count alike")
    if not SMALLEST_WEIGHT <= largest <= LARGEST_WEIGHT:
        raise InvalidInputError(
            f"the largest sample_weight must lie between {SMALLEST_WEIGHT:g} and {LARGEST_WEIGHT:g}, got "
            f"{largest:g}; divide all of them by their mean"
        )


def _as_floats(sample_weight: Any, n: int) -> NDArray[np.float64]:
    way_out = f"give one number of at least 0 for each of the {n} rows"
    try:
        if isinstance(sample_weight, np.ma.MaskedArray):
            weight = np.where(np.ma.getmaskarray(sample_weight), np.nan, sample_weight.data).astype(np.float64)
        elif isinstance(sample_weight, pd.Series | pd.api.extensions.ExtensionArray):
            weight = np.asarray(pd.Series(sample_weight).to_numpy(dtype=np.float64, na_value=np.nan))
        else:
            weight = np.asarray(sample_weight, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        shown = " ".join(str(error).split())[:120]
        raise InvalidInputError(f"sample_weight must be numbers, got {shown}; {way_out}") from error
    if weight.ndim == 0:
        return np.full(n, weight)  # scikit-learn takes one number for all rows
    if weight.ndim != 1:
        raise InvalidInputError(f"sample_weight must be 1D, got an array of shape {weight.shape}; {way_out}")
    if len(weight) != n:
        raise InvalidInputError(f"sample_weight.shape == {weight.shape}, but it must be {(n,)}; {way_out}")
    return weight
