"""Drawings of fidelity against what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from explaindistill.plots.canvas import GRID, INK, MUTED, axes, label, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["query_curve"]


def query_curve(frame: pd.DataFrame, ax: Axes | None = None, *, unit: str = "share", name: str = "") -> Axes:
    """Fidelity against the rows that the teacher was asked about: a line per student, its interval as a band.

    Parameters
    ----------
    frame : DataFrame
        As :func:`explaindistill.query_curve` gives it; several may be put under each other.
    ax : Axes, optional
    unit : "share" or "number"
        Whether estimates are shares, printed as per cent.
    name : str
        Label of the vertical axis.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> curve = pd.DataFrame({"subject": "tree", "n_queries": [100, 200], "estimate": [0.8, 0.9]})
    >>> curve[["low", "high"]] = [[0.7, 0.9], [0.85, 0.95]]
    >>> plots.query_curve(curve, plots.figure().subplots()).get_xlabel()
    'rows asked of the teacher (log scale)'
    """
    ax = axes(ax)
    for i, (subject, rows) in enumerate(frame.groupby("subject", sort=False)):
        (colour, marker), ordered = series_style(i), rows.sort_values("n_queries")
        x, y = ordered["n_queries"].to_numpy(float), ordered["estimate"].to_numpy(float)
        ends = np.where(np.isfinite(ordered[["low", "high"]].to_numpy(float)), ordered[["low", "high"]], y[:, None])
        ax.fill_between(x, ends[:, 0], ends[:, 1], color=colour, alpha=0.18, linewidth=0)
        ax.plot(x, y, color=colour, marker=marker, markersize=6, linewidth=1.6)
        ax.annotate(
            label(subject),
            (x[-1], y[-1]),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
    ax.set_xscale("log")
    sizes = frame["n_queries"].to_numpy(float)
    ax.set_xlim(sizes.min() / 1.2, sizes.max() * 2)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    ax.xaxis.set_minor_formatter(lambda value, _: "")
    ax.set_xlabel("rows asked of the teacher (log scale)", color=MUTED, fontsize=9)
    ax.set_ylabel(name or "fidelity", color=MUTED, fontsize=9)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.tick_params(which="both", length=0)
    if unit == "share":
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    return ax
