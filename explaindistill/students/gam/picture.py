"""A picture of one term: its curve or surface, its interval, and where the rows of the fit are."""

from __future__ import annotations

from typing import Any

import numpy as np

from explaindistill import plugins
from explaindistill.students.gam.words import find, term_frame

__all__ = ["plot"]

HEIGHT = 0.12  # of the picture: where the rows of the fit are must not hide the curve


def plot(self: Any, term: str | None = None, ax: Any = None) -> Any:
    """Draw a term with its 95 % interval and the density of the rows of the fit; the strongest one when None.

    Parameters
    ----------
    term : str, optional
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    name = term_frame(self).term.iloc[0] if term is None else term
    _, shape = find(self, name)
    curves = self.drawing()
    drawn = next(t for t in curves.terms if t.name == name)
    ax = plugins.door("plots").term(drawn, ax, effect=curves.unit)
    if len(shape.grids) == 1:
        grid = shape.grids[0]
        n = shape.n[: grid.n_places]
        if "x" in drawn.frame:
            x = drawn.frame["x"].to_numpy()[: len(n)]
            width = np.gradient(x) if len(x) > 1 else np.ones(1)
            thick = n / width
            bottom = np.zeros(len(x))
            ax.fill_between(
                x, bottom, HEIGHT * thick / thick.max(), transform=ax.get_xaxis_transform(), alpha=0.3, linewidth=0
            )
        else:
            ax.bar(np.arange(len(n)), HEIGHT * n / n.max(), transform=ax.get_xaxis_transform(), alpha=0.3, width=0.6)
    return ax
