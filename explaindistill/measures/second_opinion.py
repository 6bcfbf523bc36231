"""Shapley values by shap's own explainers: a second opinion that shares no code with ours (the extra ``shap``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.attribution import ShapleyValues
from explaindistill.errors import InvalidInputError, MissingExtraError
from explaindistill.schema import Schema

__all__ = ["shapley_by_shap"]

MOST_EXACT = 12


def shapley_by_shap(
    predict: Callable[[pd.DataFrame], NDArray[np.float64]],
    X: pd.DataFrame,
    background: pd.DataFrame,
    *,
    scale: str = "value",
    rng: int = 0,
) -> ShapleyValues:
    """Interventional values of any callable by ``shap.ExactExplainer``, beyond 12 columns ``PermutationExplainer``.

    Parameters
    ----------
    predict : callable
        From rows to numbers ``(n,)``.
    X, background : DataFrame
        Rows to explain, and rows that stand for absent columns. Categories travel through shap as numbers.
    scale : str
        What ``predict`` returns; only noted.
    rng : int
        Seed of the permutations.

    Returns
    -------
    ShapleyValues
        ``method`` names the explainer.

    Raises
    ------
    MissingExtraError
        Without shap.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0, 3.0], "b": ["u", "v"]})
    >>> shapley_by_shap(lambda r: r["a"].to_numpy() * (r["b"] == "v"), X, X[:1]).of().tolist()  # doctest: +SKIP
    [[0.0, 0.0], [1.0, 2.0]]
    """
    try:
        import shap
    except ImportError:
        raise MissingExtraError.of("shap", "shap") from None
    if list(X.columns) != list(background.columns):
        raise InvalidInputError("background must have the columns of X, in the same order")
    schema = Schema.infer(pd.concat([X, background], ignore_index=True))

    def answer(Z: Any) -> NDArray[np.float64]:
        return np.asarray(predict(schema.decode(np.asarray(Z, dtype=float))), dtype=float)

    masker = shap.maskers.Independent(schema.encode(background), max_samples=len(background))
    exact = X.shape[1] <= MOST_EXACT
    made = shap.ExactExplainer(answer, masker) if exact else shap.PermutationExplainer(answer, masker, seed=rng)
    found = made(schema.encode(X))
    base = np.atleast_1d(np.asarray(found.base_values, dtype=float))[:1]
    values = np.asarray(found.values, dtype=float)[:, :, None]
    return ShapleyValues(values, base, tuple(schema.names), (0,), scale, X, method=type(made).__name__)
