"""Drawing of what a gap between groups is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from explaindistill.plots.canvas import MUTED
from explaindistill.plots.results import group_dots

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["gap_parts"]

WHOLE = "(all columns)"


def gap_parts(frame: pd.DataFrame, ax: Axes | None = None, *, order: Sequence[str] = (), top: int = 10) -> Axes:
    """The part of each column in the difference of two groups' mean answers, the largest first; the sum stands below.

    Parameters
    ----------
    frame : DataFrame
        Lines of one attribute and group of the frame ``attribution_gaps`` of an audit.
    order : names of the students in the order of their colours
    top : number of columns shown

    Examples
    --------
    >>> from explaindistill import plots
    >>> parts = {"feature": ["sex", "pay", "(all columns)"], "subject": "teacher", "estimate": [-0.1, -0.2, -0.3],
    ...          "low": [-0.2, -0.3, -0.4], "high": [0.0, -0.1, -0.2], "subset": "probability"}
    >>> ax = plots.gap_parts(pd.DataFrame(parts), plots.figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['pay', 'sex', '(all columns)']
    """
    parts = frame[frame["feature"] != WHOLE]
    size = parts.assign(size=parts["estimate"].abs()).groupby("feature")["size"].max()
    features = [*size.sort_values(ascending=False, kind="stable").index[:top], WHOLE]
    rank = {feature: i for i, feature in enumerate(features)}
    shown = frame[frame["feature"].isin(features)].assign(group=lambda f: f["feature"])
    shown = shown.assign(rank=shown["feature"].map(rank)).sort_values("rank", kind="stable")
    unit = f" ({frame['subset'].iloc[0]})" if len(frame) and str(frame["subset"].iloc[0]) else ""
    ax = group_dots(shown, ax, order=order, unit="number", name=f"part of the difference of mean answers{unit}")
    ax.axvline(0, color=MUTED, linewidth=1)
    return ax
