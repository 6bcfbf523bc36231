"""Pictures of the terms: curves or surfaces, their intervals, and where the rows of the fit are."""

from __future__ import annotations

from typing import Any

from explaindistill import plugins
from explaindistill.students.gam.words import find

__all__ = ["plot"]


def plot(self: Any, term: str | None = None, ax: Any = None) -> Any:
    """Draw a term with its 95 % interval and the density of the rows of the fit, or all terms.

    Parameters
    ----------
    term : str, optional
    ax : matplotlib Axes, optional
        With neither a term nor axes all terms are drawn, the strongest first; with axes alone the strongest one.

    Returns
    -------
    matplotlib Axes, or ndarray of Axes of shape (terms,)

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(300) % 50, "pay": np.arange(300) % 7})
    >>> gam = xd.GAMRegressor(n_pairs=0).fit(X, X["age"] / 10 + X["pay"])
    >>> [ax.get_xlabel() for ax in gam.plot()]
    ['pay', 'age']
    >>> gam.plot("age").get_xlabel()
    'age'
    """
    plots, curves = plugins.door("plots"), self.drawing()
    if term is None:
        return plots.draw(curves, ax) if ax is not None or not curves.terms else plots.terms(curves)
    find(self, term)  # a name that is none is refused, and the terms are named
    return plots.term(next(t for t in curves.terms if t.name == term), ax, effect=curves.unit)
