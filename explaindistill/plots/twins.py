"""Drawing of twin curves: what the score and what the outcomes say of one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError
from explaindistill.plots.canvas import BAND, INK, MUTED, SERIES, axes, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["twin_curves"]


def twin_curves(curves: pd.DataFrame, feature: str, ax: Axes | None = None) -> Axes:
    """Both curves of a column; the shaded band around the outcomes' holds the score's where nothing differs.

    Parameters
    ----------
    curves : DataFrame
        ``Comparison.curves``.
    feature : str
        A term of it.
    ax : Axes, optional

    Raises
    ------
    InvalidInputError
        If there is no such term.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill.plots import figure
    >>> curves = pd.DataFrame({"feature": "age", "place": ["20", "40", "60"], "value": [20.0, 40.0, 60.0],
    ...                        "mimic": [0.0, 0.5, 1.0], "outcome": [0.0, 0.2, 0.4], "low": [-0.1, 0.1, 0.3],
    ...                        "high": [0.1, 0.5, 0.9]})
    >>> ax = twin_curves(curves, "age", figure().subplots())
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('age', ['score', 'outcomes'])
    """
    places = curves[curves["feature"] == feature]
    if places.empty:
        terms = ", ".join(dict.fromkeys(curves["feature"]))
        raise InvalidInputError(f"feature must be one of {terms}, got {feature!r}")
    ax = axes(ax)
    numeric = places["value"].notna() & ~places["place"].eq("missing")
    is_line = bool(numeric.sum() > 2) and _counts(places)
    places = places[numeric] if is_line else places
    x = places["value"].to_numpy(dtype=float) if is_line else np.arange(len(places), dtype=float)
    mimic, outcome = (places[c].to_numpy(dtype=float) for c in ("mimic", "outcome"))
    # where the score's curve would lie without a difference beyond the band
    low, high = (mimic - places[c].to_numpy(dtype=float) for c in ("high", "low"))
    if is_line:
        ax.fill_between(x, low, high, color=BAND, linewidth=0)
        ax.plot(x, mimic, color=SERIES[0], marker="o", markersize=3, linewidth=1.4, label="score")
        ax.plot(x, outcome, color=SERIES[1], linestyle="--", linewidth=1.4, label="outcomes")
    else:
        ax.vlines(x, low, high, color=MUTED, linewidth=5, alpha=0.4)
        ax.plot(x, mimic, color=SERIES[0], marker="o", linestyle="none", label="score")
        ax.plot(x, outcome, color=SERIES[1], marker="x", linestyle="none", label="outcomes")
        ax.set_xticks(x, [label(w, 12) for w in places["place"]], rotation=30 if len(x) > 4 else 0)
    ax.axhline(0.0, color=MUTED, linewidth=0.6)
    ax.set_xlabel(label(feature), color=INK)
    ax.set_ylabel("effect", color=INK)
    ax.legend(frameon=False, fontsize=8)
    return ax


def _counts(places: pd.DataFrame) -> bool:
    """Whether places are numbers that the axis can carry as they are, not codes of categories."""
    numbered = places[places["value"].notna()]
    pairs = zip(numbered["place"], numbered["value"].tolist(), strict=True)
    return any(w in (repr(v), repr(int(v))) for w, v in pairs)
