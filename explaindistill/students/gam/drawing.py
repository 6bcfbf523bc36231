"""An additive student as a drawing: one curve or surface per term."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.drawing import NORMAL_95, SECONDS_PER_YEAR, CurvesDrawing, DrawnTerm, effect_unit
from explaindistill.data.schema import Feature
from explaindistill.students.gam.shapes import Shape, TermGrid

__all__ = ["drawing"]

UNITS = {"value": "effect on the value", "log": "effect on the log of the value"}  # by the scale of a regression


def drawing(self: Any) -> CurvesDrawing:
    """Say what there is to draw: the terms, the one that moves answers most first; bands are 95 % where known.

    Returns
    -------
    CurvesDrawing
        See :mod:`explaindistill.data.drawing`.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(300) % 50, "pay": np.arange(300) % 7})
    >>> curves = xd.GAMRegressor().fit(X, X["age"] / 10 + X["pay"]).drawing()
    >>> curves.unit, [term.name for term in curves.terms], curves.terms[0].frame.columns.tolist()
    ('effect on the value', ['pay', 'age'], ['x', 'estimate', 'low', 'high', 'output', 'n'])
    """
    check_is_fitted(self)
    classes = self.classes_.tolist() if hasattr(self, "classes_") else None
    K = len(self.intercept_)
    names = [""] if K == 1 or classes is None else [str(c) for c in classes]
    terms = []
    for shape in self.shapes_:
        features = [self.schema_[f] for f in shape.features]
        frame = _curve(shape, features[0], names) if len(features) == 1 else _surface(shape, features, names[-1])
        terms.append(DrawnTerm(shape.name, shape.features, frame, _missing(shape), float(np.sum(shape.spread))))
    terms.sort(key=lambda t: (-t.spread, t.name))
    return CurvesDrawing(tuple(terms), effect_unit(classes, K, self.target_name_, UNITS.get(self.scale_, "value")))


def _missing(shape: Shape) -> float:
    """What a missing value adds to the first output: the last place of a curve's grid."""
    only = len(shape.grids) == 1 and shape.grids[0].missing
    return float(shape.values[0][-1]) if only else math.nan


def _curve(shape: Shape, feature: Feature, names: Sequence[str]) -> pd.DataFrame:
    """Estimate and 95 % band, ``f ± z sd``, at each place with rows of the fit, below each other for each output.

    How a curve goes on beyond the values seen is no finding, and would press the rest together.
    """
    grid, parts = shape.grids[0], []
    n = grid.n_places
    inside = grid.within()[:n]
    has_errors = not np.isnan(shape.sd).any()
    for values, sd, output in zip(shape.values[:, :n], shape.sd[:, :n], names, strict=True):
        half = NORMAL_95 * sd if has_errors else np.full(n, math.nan)
        bands = {"estimate": values, "low": values - half, "high": values + half, "output": output, "n": shape.n[:n]}
        parts.append(pd.DataFrame(_places(grid, feature) | bands)[inside])
    return pd.concat(parts, ignore_index=True)


def _places(grid: TermGrid, feature: Feature) -> dict[str, Any]:
    if len(grid.knots) and feature.kind == "boolean":
        return {"level": [feature.words(v) for v in grid.knots]}
    if len(grid.knots):
        return {"x": _shown(grid.knots, feature)}
    return {"level": grid.labels(feature)[: grid.n_places]}


def _shown(knots: NDArray[np.float64], feature: Feature) -> NDArray[np.float64]:
    """Numbers of a column as its axis shows them: moments, seconds since 1970, as years."""
    return 1970.0 + knots / SECONDS_PER_YEAR if feature.kind == "datetime" else knots


def _surface(shape: Shape, features: Sequence[Feature], output: str) -> pd.DataFrame:
    """Cells ``(i, j)`` of the last output where rows were; missing values, the last place of a grid, have no cell."""
    axes: list[list[Any]] = []
    first, second = (grid.within() for grid in shape.grids)
    for grid, feature in zip(shape.grids, features, strict=True):
        numbers = _shown(grid.knots, feature).tolist()
        axes.append(numbers if numbers else grid.labels(feature)[: grid.n_places])
    cells = [
        {"x": x, "y": y, "i": i, "j": j, "estimate": shape.values[-1][i, j], "output": output}
        for i, x in enumerate(axes[0])
        for j, y in enumerate(axes[1])
        if first[i] and second[j]
    ]
    return pd.DataFrame(cells)
