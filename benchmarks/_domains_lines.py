"""Lines of the table of domains: a mean over seeds with its interval, and whether it is enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

__all__ = ["Line", "interval", "line", "line_at_least", "line_at_most", "mean_line", "reported"]

Line = dict[str, Any]


def line(bar: str, asked: str, measured: str, holds: bool | None) -> Line:
    """One line of the table; ``holds`` None where nothing was asked, or too little measured."""
    return {"bar": bar, "asked": asked, "measured": measured, "holds": None if holds is None else bool(holds)}


def mean_line(bar: str, asked: str, values: ArrayLike, holds: bool | None, note: str = "") -> Line:
    """Mean over seeds with its interval."""
    digits = 4 if np.abs(values).max() < 2 else 1  # shares and differences of shares, or counts and seconds
    mean, low, high = (f"{figure:,.{digits}f}" for figure in (np.mean(values), *interval(values)))
    return line(bar, asked, f"{mean} [{low}, {high}]{note and ', ' + note}", holds)


def line_at_least(bar: str, asked: float, values: ArrayLike, note: str = "", decides: bool = True) -> Line:
    """A mean that must reach a figure; one that does not decide is measured all the same."""
    holds = float(np.mean(values)) >= asked if decides else None
    return mean_line(bar, f">= {asked:.2f}", values, holds, note)


def line_at_most(bar: str, asked: float, values: ArrayLike, decides: bool = True) -> Line:
    """A figure that no seed may exceed."""
    return mean_line(bar, f"<= {asked:g}", values, float(np.max(values)) <= asked if decides else None)


def reported(bar: str, values: ArrayLike, note: str = "") -> Line:
    """A figure that nothing was asked of."""
    return mean_line(bar, "reported", values, None, note)


def interval(values: ArrayLike) -> tuple[float, float]:
    """95 % interval of a mean over seeds by Student's t; a single seed has none and is both ends itself."""
    numbers = pd.Series(np.asarray(values, dtype=float))
    mean, spread = float(numbers.mean()), float(numbers.std())
    if len(numbers) < 2 or spread == 0:
        return mean, mean
    half = float(stats.t.ppf(0.975, len(numbers) - 1)) * spread / np.sqrt(len(numbers))
    return mean - half, mean + half
